"""What the tests of import and export share: the commands as people call them."""

import json

from command import finished


async def run(*arguments, code=0, given=None):
    """What a command writes to stdout, as bytes."""
    return (await finished(*arguments, code=code, given=given)).stdout_bytes


async def imported(data, *arguments, code=0, given=None):
    """What an import tells, as JSON."""
    line = ["import", "--data", data, "--agent", "ana", "--project", "acme/billing", "--json", *arguments]
    return json.loads(await run(*line, code=code, given=given))


async def decided(data, *arguments, code=0, given=None):
    """For each line of an import: its number, what was decided, and why."""
    told = await imported(data, *arguments, code=code, given=given)
    return [(line["line"], line["decision"], line["because"]) for line in told["lines"]]


async def items(data, *arguments):
    """The items of an export."""
    lines = (await run("export", "--data", data, "--agent", "ana", *arguments)).decode().split("\n")
    return [json.loads(line) for line in lines if line]


async def lessons(data, *arguments):
    """Insight and condition of the items of an export, in their order."""
    return sorted((item["insight"], item["applies_when"]) for item in await items(data, *arguments))
