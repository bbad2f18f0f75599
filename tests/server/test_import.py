"""`fleetlore import` as people use it: rule files, JSON lines, CSV, good and bad, again and back."""

import json

import pytest

from exchange import decided, imported, items, lessons, run
from fleet import in_process
from fleetlore.storage.errors import FleetloreError, Refusal

RULES = """# Billing

This service sends invoices. It is old.

- [Setup](#setup)

## Setup
You must run `make deps` before anything else.

1. Install **node 20**

## Guidelines
- Keep it _simple_ and short

## Testing
### Integration tests
- **Database**: run postgres in docker, see [the guide](docs/db.md)
- Before pushing:
  - run `make lint`
- Mock nothing
  but the clock
  - except the *payment* gateway
- Run this:
  ```sh
  make test
  ```
- ~~Use tox~~
- <!-- nothing -->
- pytest

```sh
code
```

| a | b |
|---|---|
| 1 | 2 |

<!-- comment -->

> [!IMPORTANT]
> Never commit secrets.
"""


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The folder that everything is called in."""
    working = tmp_path / "project"
    working.mkdir()
    monkeypatch.chdir(working)
    return working


async def test_bullets_and_rules_become_lessons_under_their_headings_and_the_rest_is_told(data, folder):
    (folder / "AGENTS.md").write_text(RULES)
    assert await decided(data, "AGENTS.md") == [
        (3, "skipped", "prose, no rule: make it a bullet to have it taken"),
        (5, "skipped", "only a link"),
        (8, "new", ""),
        (10, "new", ""),
        (13, "new", ""),
        (17, "new", ""),
        (19, "new", ""),
        (20, "new", ""),
        (22, "new", ""),
        (23, "new", ""),
        (27, "skipped", "struck out"),
        (28, "skipped", "a comment"),
        (29, "skipped", "a single word says nothing"),
        (31, "skipped", "a code block"),
        (35, "skipped", "a table"),
        (39, "skipped", "a comment"),
        (41, "new", ""),
    ]
    tests = "Testing > Integration tests"
    assert await lessons(data) == [
        ("Install node 20", "Setup"),
        ("Keep it simple and short", "Keep it simple and short"),
        ("Mock nothing but the clock", tests),
        ("Never commit secrets.", tests),
        ("Run this: `make test`", tests),
        ("You must run `make deps` before anything else.", "Setup"),
        ("except the payment gateway", f"{tests} > Mock nothing but the clock"),
        ("run `make lint`", f"{tests} > Before pushing"),
        ("run postgres in docker, see the guide (docs/db.md)", f"{tests} > Database"),
    ]


async def test_a_lesson_is_provisional_found_by_the_fleet_and_says_where_it_comes_from(data, folder):
    (folder / "AGENTS.md").write_text("## Deploying\n\n- Never deploy the billing service on a Friday\n")
    [line] = (await imported(data, "AGENTS.md", "--tag", "rules", "--tag", "house"))["lines"]
    async with in_process(data) as fleet:
        [found] = (await fleet.retrieve("deploying the billing service", agent="bob"))["items"]
        whole = await fleet.resource(f"fleetlore://item/{line['item']}")
    assert {name: found[name] for name in ("id", "kind", "status", "tags", "project")} == {
        "id": line["item"],
        "kind": "avoid",
        "status": "provisional",
        "tags": ["rules", "house"],
        "project": "acme/billing",
    }
    assert whole["author"] == "ana"
    assert whole["origin"] | {"feedback": ""} == {
        "feedback": "",
        "outcome": "observation",
        "assessment": ["Read in AGENTS.md, line 3, under Deploying."],
    }


async def test_importing_again_or_after_an_edit_adds_only_what_is_new_and_no_support(data, folder):
    file = folder / "notes.md"
    file.write_text("## Style\n- Use tabs in the makefile\n- Run the linter first\n")
    await imported(data, file)
    before = await items(data)
    file.write_text(
        "## Style\n- Run the linter first!\n- Use the tabs in the makefile\n- Check the licence\n- check the licence.\n"
    )
    assert await decided(data, file) == [
        (2, "known", ""),
        (3, "known", "in other words"),
        (4, "new", ""),
        (5, "twice", "the same as notes.md:4"),
    ]
    assert [item for item in await items(data) if item in before] == before
    assert len(await items(data)) == 3
    assert {line["decision"] for line in (await imported(data, file))["lines"]} == {"known", "twice"}


async def test_the_front_matter_of_a_cursor_rule_says_when_it_applies(data, folder):
    rule = "---\ndescription: React components\nglobs: *.tsx, *.jsx\n---\n# Hooks\n\n\n- Name hooks useThing\n"
    (folder / "react.mdc").write_text(rule)
    (folder / "list.mdc").write_text('---\nglobs:\n  - "src/**"\n---\n- Keep functions small\n')
    assert await decided(data, "react.mdc", "list.mdc") == [(8, "new", ""), (5, "new", "")]
    assert await lessons(data) == [
        ("Keep functions small", "files src/**"),
        ("Name hooks useThing", "React components > files *.tsx, *.jsx > Hooks"),
    ]


async def test_what_is_nested_too_deeply_is_refused_and_what_stands_above_it_is_taken(data, folder):
    deep = "".join("  " * depth + f"- Level {depth} must hold\n" for depth in range(60))
    (folder / "deep.md").write_text(f"- [ ]\n{deep}\n# After\n\n- This must hold too\n")
    assert await decided(data, "deep.md", "--dry-run") == [
        (1, "skipped", "nothing is in it"),
        *((line, "new", "") for line in range(2, 51)),
        (51, "refused", "it is nested too deeply, and what follows was not read: nest it less deeply"),
    ]


async def test_of_a_folder_the_rule_files_are_read_each_once(data, folder):
    for name in ("AGENTS.md", ".cursor/rules/one.mdc", ".github/copilot-instructions.md", "README.md", "notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"- This rule stands in {name}\n")
    (folder / "CLAUDE.md").symlink_to("AGENTS.md")
    read = [line["file"] for line in (await imported(data, "."))["lines"]]
    assert read == ["AGENTS.md", ".cursor/rules/one.mdc", ".github/copilot-instructions.md"]
    (folder / "empty").mkdir()
    with pytest.raises(Refusal, match="nothing to import in the folder 'empty'"):
        await run("import", "empty", "--data", data)


async def test_objects_by_anybody_are_read_and_bad_lines_do_not_stop_the_others(data, folder):
    lines = [
        {
            "insight": "Pin the compiler",
            "applies_when": "building",
            "kind": "avoid",
            "tags": ["ci"],
            "project": "acme/x",
        },
        {"Lesson": "Retry the upload", "context": "uploading", "labels": "net; slow"},
        "Say it as a string",
        {"title": "Backups", "content": "Test the restore"},
        {"name": "nothing here"},
        {"text": {"nested": 1}},
        {"insight": "  "},
        ["a list"],
        {"insight": "half \ud800 a pair"},
        {"insight": "x" * 4_001},
    ]
    text = "\n".join(map(json.dumps, lines)) + '\n{"insight": NaN}\n' + "[" * 100_000 + '\n\n{"insight": "cut of'
    (folder / "memory.jsonl").write_text(text)
    told = await decided(data, "memory.jsonl")
    assert [decision for _, decision, _ in told[:4]] == ["new"] * 4
    whys = {number: because.partition(":")[0] for number, decision, because in told if decision != "new"}
    assert whys == {
        5: "no field of it can be the lesson",
        6: "text is no text",
        7: "its lesson is empty",
        8: "it is no JSON object",
        9: "the lesson has half of a surrogate pair, which cannot be stored",
        10: "the lesson has 4,001 characters, at most 4,000 are allowed",
        11: "it is no whole JSON value",
        12: "it is nested too deeply",
        14: "it is no whole JSON value at character 13",
    }
    found = {item["insight"]: item for item in await items(data)}
    assert {name: found["Pin the compiler"][name] for name in ("applies_when", "kind", "tags", "project")} == {
        "applies_when": "building",
        "kind": "avoid",
        "tags": ["ci"],
        "project": "acme/x",
    }
    assert found["Retry the upload"]["tags"] == ["net", "slow"]
    assert found["Test the restore"]["applies_when"] == "Backups"


async def test_rows_are_read_by_their_columns_and_bad_rows_are_refused(data, folder):
    text = (
        'topic;rule;tags\nci;"Cache the; wheels\nof numpy";a,b\nci;one;two;three\n\nci;;\nci;"never closed\nci;lost\n'
    )
    (folder / "rules.csv").write_text(text)
    told = await decided(data, "rules.csv")
    assert [(number, decision) for number, decision, _ in told] == [
        (2, "new"), (4, "refused"), (6, "skipped"), (7, "refused"),
    ]  # fmt: skip
    assert told[1][2] == "it has 4 columns, the first line names 3: quote what has ';' in it"
    assert await lessons(data) == [("Cache the; wheels\nof numpy", "ci")]
    (folder / "other.csv").write_text("a,b\n1,2\n")
    assert "names no column that could be a lesson" in (await imported(data, "other.csv", code=1))["unread"][0]


@pytest.mark.parametrize(
    ("content", "options", "problem"),
    [
        (b"- Use tabs here\n- caf\xe9 is closed\n", (), "line 2 has a byte that is not utf-8 (0xe9)"),
        (b"\x7fELF\0\0\0- Use tabs", (), "it is a binary file"),
        (b"- a rule\n" * 300_000, (), "Markdown is read up to 2.1 MB"),
        (b"- a rule here\n<!-- fleetlore:lessons begin -->\n- ours\n", (), "line 2: the marker"),
        (b"- a rule here\n<!-- fleetlore:lessons end -->\n", (), "line 2: the marker"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_whole_and_others_are_taken(
    data, folder, content, options, problem
):
    (folder / "bad.md").write_bytes(content)
    (folder / "good.md").write_text("- Use spaces in this file\n")
    told = await imported(data, "bad.md", "missing.md", "good.md", *options, code=1)
    assert [(line["file"], line["decision"]) for line in told["lines"]] == [("good.md", "new")]
    assert problem in told["unread"][0]
    assert "missing.md: it cannot be read (no such file or directory)" in told["unread"][1]


@pytest.mark.parametrize(
    ("encoding", "options"),
    [("utf-16", ()), ("utf-8-sig", ()), ("utf-32", ()), ("latin-1", ("--encoding", "latin-1"))],
)
async def test_a_file_is_read_in_the_encoding_that_it_says_or_is_said_to_have(data, folder, encoding, options):
    (folder / "notes.md").write_bytes("## Küche\r\n\r\n- Öffne das Fenster\r\n".encode(encoding))
    assert await decided(data, "notes.md", *options) == [(3, "new", "")]
    assert await lessons(data) == [("Öffne das Fenster", "Küche")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "ascii", "cp1252"])
async def test_a_file_that_is_not_in_the_encoding_it_is_said_to_have_is_refused(data, folder, encoding):
    (folder / "notes.md").write_bytes("- Öffne das Fenster im \u201dBad\u201d\n".encode())
    told = await imported(data, "notes.md", "--encoding", encoding, "--dry-run", code=1)
    assert told["lines"] == []
    assert f"not {encoding}" in told["unread"][0]


@pytest.mark.parametrize("name", ["AGENTS.md", "lessons.jsonl", "lessons.csv"])
async def test_nothing_is_in_an_empty_file(data, folder, name):
    (folder / name).touch()
    assert await run("import", name, "--dry-run", "--data", data) == b"would import: nothing in it\n"


async def test_standard_input_is_read_when_its_format_is_said(data):
    given = b'{"insight": "Read what comes in"}\n'
    told = await imported(data, "-", "--format", "jsonl", given=given)
    assert [(line["file"], line["decision"]) for line in told["lines"]] == [("standard input", "new")]
    await run("import", "-", "--data", data, code=2, given=given)


async def test_a_dry_run_says_what_would_happen_and_stores_nothing(data, folder):
    (folder / "AGENTS.md").write_text("- Use tabs in makefiles\n- use tabs in makefiles\n- word\n")
    told = [(1, "new", ""), (2, "twice", "the same as AGENTS.md:1"), (3, "skipped", "a single word says nothing")]
    assert await decided(data, "AGENTS.md", "--dry-run") == told
    assert not data.exists()
    await imported(data, "AGENTS.md")
    before = await items(data)
    assert await decided(data, "AGENTS.md", "--dry-run") == [(1, "known", ""), *told[1:]]
    assert await items(data) == before


async def test_an_import_can_be_taken_back_and_made_again(data, folder):
    (folder / "old.md").write_text("- This was here before\n")
    await imported(data, "old.md")
    before = await items(data)
    (folder / "AGENTS.md").write_text("- Use tabs in makefiles\n- This was here before\n")
    [plan] = (await imported(data, "AGENTS.md"))["plans"]
    async with in_process(data) as fleet:
        assert "is an import" in await fleet.refusal("prune", undo=plan)
        assert len((await fleet.retrieve("tabs in makefiles"))["items"]) == 1
    assert f"took back {plan}: 1 act".encode() in await run("undo", plan, "--data", data)
    assert await items(data) == before
    async with in_process(data) as fleet:
        assert (await fleet.retrieve("tabs in makefiles"))["items"] == []
    assert await decided(data, "AGENTS.md") == [(1, "new", ""), (2, "known", "")]
    async with in_process(data) as fleet:
        assert len((await fleet.retrieve("tabs in makefiles"))["items"]) == 1


async def test_what_was_pruned_stays_so_and_the_report_says_how_it_comes_back(data, folder):
    (folder / "AGENTS.md").write_text("- Use tabs in makefiles\n")
    [line] = (await imported(data, "AGENTS.md"))["lines"]
    async with in_process(data) as fleet:
        plan = (await fleet.call("prune", ids=[line["item"]], reason="wrong", apply=True))["plan"]
    assert await decided(data, "AGENTS.md") == [
        (1, "skipped", f"it was pruned here; to bring it back: fleetlore undo {plan}")
    ]
    assert await items(data) == []


async def test_a_file_cannot_steer_the_terminal_through_what_is_told_of_it(data, folder):
    (folder / "AGENTS.md").write_text("- Always \x1b[31mread \u202eit\n")
    told = (await run("import", "AGENTS.md", "--dry-run", "--data", data)).decode()
    assert told.startswith("AGENTS.md:1: new: Always \\u001b[31mread \\u202eit\n")


async def test_what_an_import_tells_people_ends_with_the_sums_and_the_way_back(data, folder):
    (folder / "AGENTS.md").write_text("- Use tabs in makefiles\n- word\n")
    told = (await run("import", "AGENTS.md", "--data", data)).decode().splitlines()
    [item] = await items(data)
    assert told[:3] == [
        f"AGENTS.md:1: new {item['id']}: Use tabs in makefiles",
        "AGENTS.md:2: skipped: word (a single word says nothing)",
        "imported: 1 new, 1 skipped",
    ]
    assert told[3].startswith("to take 1 of them back: fleetlore undo p_")
    with pytest.raises(FleetloreError):
        await run("import", "AGENTS.md", "--data", folder / "AGENTS.md")
