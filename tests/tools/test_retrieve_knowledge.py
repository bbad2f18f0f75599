"""`retrieve_knowledge` through the front door."""


async def test_an_empty_memory_answers_without_items_and_says_explore(fleet):
    answer = await fleet.retrieve("deploy the billing service")
    assert answer["items"] == []
    assert answer["control"]["mode"] == "explore"
    assert answer["receipt"].startswith("r_")


async def test_what_one_agent_learnt_is_in_the_next_retrieval_of_another(fleet):
    item = await fleet.teach("Run the migration before the deploy", task="deploy the billing service", agent="ana")
    [found] = (await fleet.retrieve("deploy the billing service", agent="bob"))["items"]
    assert (found["id"], found["insight"], found["status"]) == (
        item,
        "Run the migration before the deploy",
        "provisional",
    )
