"""What the tests of forgetting share: a mark, lessons that hold it, and where it still stands."""

import json

import lancedb
from command import told

MARK = "Zyxomarkör"
TASK = "rotate the signing keys of the payment gateway"


def traces(data, mark=MARK):
    """Every file in which the mark stands, in any case, as text or as JSON."""
    forms = {form.encode().lower() for form in (mark, json.dumps(mark)[1:-1], mark.casefold(), mark[:7])}
    return [
        str(file.relative_to(data))
        for file in data.rglob("*")
        if file.is_file() and any(form in file.read_bytes().lower() for form in forms)
    ]


async def columns(data):
    """Everything that the searchable tables hold in words, of every version that there is."""
    database = await lancedb.connect_async(str(data / "spaces"))
    found = []
    for name in (await database.list_tables()).tables:
        table = await database.open_table(name)
        for version in await table.list_versions():
            await table.checkout(version["version"])
            found += (await table.query().select(["text"]).to_arrow())["text"].to_pylist()
    database.close()
    return found


async def erase(data, *options):
    return await told("forget", *options, "--yes", "--data", data)


async def whole(data):
    """What the audit says of a ledger that is as it was recorded."""
    found = await told("audit", "verify", "--data", data)
    assert found["whole"]
    return found


async def marked(fleet, **arguments):
    """A lesson with the mark in everything that it says, and what led to it."""
    task = f"{TASK} of {MARK}"
    answer = await fleet.retrieve(task, agent="ana", project=f"acme/{MARK}")
    return await fleet.teach(
        f"Keep the key of {MARK} for a day",
        task=task,
        agent="ana",
        receipt=answer["receipt"],
        reasoning=f"because {MARK} said so",
        output=f"{MARK} is well",
        tags=[MARK],
        key=f"{MARK}/1",
        **arguments,
    )
