"""Arguments that several tools take."""

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
