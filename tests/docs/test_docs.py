"""The documentation names what the code has: every setting, argument, answer field, resource, prompt and command."""

import re
from pathlib import Path

import click
import pytest

from fleetlore.server.cli import commands
from fleetlore.server.clients.dialects import DIALECTS
from fleetlore.server.clients.wording import RULES
from fleetlore.tools import prune, retrieve_knowledge, submit_feedback

ROOT = Path(__file__).parents[2]
TOOLS = (ROOT / "docs" / "tools.md").read_text("utf-8")
RUNNING = (ROOT / "docs" / "running.md").read_text("utf-8")
SECTIONS = {title: text for title, _, text in (part.partition("\n") for part in TOOLS.split("\n## "))}


def _rows(section):
    return {
        name for row in re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }


@pytest.mark.parametrize("tool", [retrieve_knowledge, submit_feedback, prune])
def test_every_argument_of_a_tool_has_its_row_and_no_row_names_another(tool):
    name = tool.__name__.rpartition(".")[2]
    assert _rows(SECTIONS[name]) == {argument.name for argument in tool.ARGUMENTS}


@pytest.mark.parametrize(
    ("name", "models"),
    [
        (
            "retrieve_knowledge",
            [retrieve_knowledge.RetrieveAnswer, retrieve_knowledge.ControlAnswer, retrieve_knowledge.ItemAnswer],
        ),
        ("submit_feedback", [submit_feedback.FeedbackAnswer, submit_feedback.LearnedAnswer]),
        ("prune", [prune.PruneAnswer, prune.PrunedItemAnswer]),
    ],
)
def test_every_field_of_an_answer_is_named(name, models):
    returns = SECTIONS[name].partition("Returns ")[2]
    for model in models:
        for field in model.model_fields:
            assert f"`{field}`" in returns, field


def test_every_choice_of_an_argument_is_named():
    for tool in (retrieve_knowledge, submit_feedback, prune):
        section = SECTIONS[tool.__name__.rpartition(".")[2]]
        for argument in tool.ARGUMENTS:
            assert [choice for choice in argument.choices if f"`{choice}`" not in section] == []


def test_every_command_and_option_is_named_with_its_variable():
    context = click.Context(commands)
    for name in commands.list_commands(context):
        command = commands.get_command(context, name)
        assert f"`fleetlore {name}`" in RUNNING
        parts = command.commands.values() if isinstance(command, click.Group) else [command]
        for option in [option for part in parts for option in part.params]:
            if option.envvar:
                assert f"| `{option.opts[0]}` | `{option.envvar}` |" in RUNNING


async def test_every_resource_and_prompt_is_named_and_no_other(fleet):
    listed = [str(resource.uri) for resource in (await fleet.client.list_resources()).resources]
    listed += [template.uri_template for template in (await fleet.client.list_resource_templates()).resource_templates]
    assert set(re.findall(r"^\| `(fleetlore://[^`]+)`", TOOLS, re.MULTILINE)) == set(listed)
    prompts = {prompt.name for prompt in (await fleet.client.list_prompts()).prompts}
    assert _rows(SECTIONS["Prompts"]) == prompts


def test_every_link_between_pages_leads_somewhere():
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} -> {target}"


def test_every_place_that_install_writes_to_is_named():
    page = (ROOT / "docs" / "clients.md").read_text("utf-8")
    usual = {"home": "~", "apps": "~/.config", "config": "~/.config", "claude": "~/.claude", "claude_state": "~"}
    for name, dialect in DIALECTS.items():
        rules = [place for each in dialect.rules.values() for place in (*each.files, each.make)]
        for place in (*dialect.files.values(), *rules, *dialect.plugin.values()):
            told = place.format(**usual, codex="~/.codex", project="").lstrip("/")
            assert f"`{told}`" in page or told.endswith((".claude/CLAUDE.md", "AGENTS.override.md")), (name, told)
    assert "".join(f"    {line}\n" if line else "\n" for line in RULES.splitlines()) in page


def test_what_the_threat_model_says_is_shown_somewhere_is_there():
    named = re.findall(r"`((?:tests|benchmarks|checks)/[\w/.]+)`", (ROOT / "docs" / "security.md").read_text("utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert len(named) > 20
