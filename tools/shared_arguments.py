"""Arguments that several tools take, or that people may give as well."""

from fleetlore.tools.arguments import Argument

AGENT = Argument(
    name="agent",
    description="leave out unless your instructions give you a name; never invent one",
    most=64,
    name_like=True,
    hint="Use a short name of letters, digits and ._@-",
)
PROJECT = Argument(
    name="project",
    description="repository, e.g. 'acme/billing', if the server cannot know it",
    most=200,
    name_like=True,
)
TAGS = Argument(name="tags", form="list", description="only items that carry all of these; usually leave out", most=20)
TASK_TYPE = Argument(
    name="task_type",
    description="short stable name of the sort of task, e.g. 'code-review'; not the prompt text",
    most=64,
    name_like=True,
    hint="Give a short stable name of the sort of task, such as 'code-review', and put the prompt's text into task",
)
INSIGHT = Argument(
    name="insight",
    description=(
        "one new lesson for a colleague who never saw your work: specific, self-contained, no secrets; "
        "more lessons: call again, same receipt"
    ),
    most=4_000,
    hint="State one lesson in at most 4,000 characters; send more lessons in further calls",
)
KIND = Argument(
    name="kind",
    form="choice",
    choices=("do", "avoid", "fact", "auto"),
    default="auto",
    description="auto: avoid where the insight says never, avoid or do not, else do, or fact for an observation",
)
APPLIES_WHEN = Argument(
    name="applies_when", description="tool, version, circumstances in which it holds; empty: this task", most=4_000
)
