"""What a shell command and its end say of how the task goes. Pure.

No outcome is better than a wrong one: what is told is told by the exit status, or by what a test runner says at its
end where the status is another command's (`pytest | tail`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fleetlore.server.hooks.shell import Words, bare, parts_of, pipelines_of
from fleetlore.server.hooks.summaries import tests_passed
from fleetlore.storage.records import Implicit

# Killed, timed out, or not there to be run: that says nothing of the task.
_NOT_RUN = frozenset((124, 126, 127))
_KILLED_FROM = 128
_NOTHING_RAN = re.compile(
    r"no tests? (?:specified|found|ran\b|files? (?:found|were)|to run|collected|were (?:found|executed|run))"
    r"|missing script|no rule to make target|nothing to be done for|no module named (?:pytest|tox|nox)\b"
    r"|collected 0 items|ran 0 tests",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a command ended: its exit status (None where that is not known) and what it said; `whole` is all of it."""

    status: int | None
    output: str = ""
    whole: bool = True


def implied(command: str, ended: Ended) -> Implicit | None:
    """What the end of a command implies; None where that is not sure."""
    if ended.status is None or ended.status in _NOT_RUN or ended.status >= _KILLED_FROM:
        return None
    before, chain = ([bare(words) for words in part] for part in parts_of(command))
    before, chain = ([words for words in part if not _prepares(words)] for part in (before, chain))
    if not chain:
        return _summed_up(command, ended)
    if any(_tests(words) for words in before):
        return None
    return _succeeded(chain, ended) if ended.status == 0 else _failed(chain, ended)


def _succeeded(chain: Sequence[Words], ended: Ended) -> Implicit | None:
    if any(_reverts(words) for words in chain):
        return "reverted"
    if any(_tests(words) for words in chain) and _something_ran(ended.output):
        return "tests-passed"
    return None


def _failed(chain: Sequence[Words], ended: Ended) -> Implicit | None:
    if any(words[0] in _LOOKING or words[:2] in _LOOKING_PAIRS or _only_tells(words) for words in chain):
        return None
    if not _something_ran(ended.output):
        return None
    if not all(_tests(words) for words in chain):
        return "command-failed"  # tests or not: that much is sure
    # pytest: 1 is a test that failed; 2 to 5 are an interrupt, a fault, wrong usage and no tests.
    return None if ended.status != 1 and any(words[0] in _PYTEST for words in chain) else "tests-failed"


def _summed_up(command: str, ended: Ended) -> Implicit | None:
    """What the only thing that ran, a test runner, says at its end of whatever its output was piped through."""
    pipelines = [[bare(words) for words in pipeline] for pipeline in pipelines_of(command)]
    pipelines = [pipeline for pipeline in pipelines if len(pipeline) > 1 or not _prepares(pipeline[0])]
    if len(pipelines) != 1:
        return None
    [(runner, *filters)] = pipelines
    if not runner or not _tests(runner) or not _something_ran(ended.output):
        return None
    through = {words[0] if words else "" for words in filters}
    if not through <= _FILTERS:
        return None
    to_the_end = through <= _TO_THE_END and "--no-fail-fast" not in runner and ended.whole
    match tests_passed(_program(runner), ended.output, to_the_end=to_the_end):
        case True if ended.status == 0:
            return "tests-passed"
        case False:
            return "tests-failed"
        case _:
            return None


def _prepares(words: Words) -> bool:
    return not words or words[0] in _PREPARING


def _something_ran(output: str) -> bool:
    if "[no test files]" in output and not re.search(r"^(?:ok|FAIL|---)\s", output, re.MULTILINE):
        return False  # go test says that of every package without tests
    return _NOTHING_RAN.search(output) is None


_PREPARING = frozenset(("cd", "pushd", "popd", "export", "set", "source", ".", "true", "echo", "printf", "unset"))
# What shows lines as they are; of these, what shows the last ones.
_FILTERS = frozenset(("tail", "head", "cat", "tee", "grep", "egrep", "fgrep", "rg"))
_TO_THE_END = frozenset(("tail", "cat", "tee"))
_LOOKING = frozenset(
    """grep egrep fgrep rg ag ack ls cat head tail less diff cmp test [ find fd which type stat file ps pgrep lsof wc du
    df tree sleep wait kill pkill command false exit return read jq curl wget ping nc ssh awk sed cut sort uniq xargs
    man """.split()  # noqa: SIM905  one word a line would be a page
)
_LOOKING_PAIRS = frozenset(
    ("git", word) for word in ("diff", "grep", "status", "log", "show", "rev-parse", "ls-files", "config", "merge-base")
)
_PYTEST = frozenset(("pytest", "py.test"))
_RUNNERS = _PYTEST | frozenset(
    ("unittest", "tox", "nox", "vitest", "jest", "mocha", "ava", "rspec", "phpunit", "pest", "ctest", "gotestsum")
)
_TELLING = frozenset(
    """--help -h --version --collect-only --co --fixtures --markers --setup-plan --list --list-tests --listTests
    --showConfig --no-run --watch --watchAll --dry-run --if-present --passWithNoTests --show-only --env-list
    """.split()  # noqa: SIM905  one word a line would be a page
)
_TELLING_OF: dict[str, frozenset[str]] = {
    "pytest": frozenset(("-V",)),
    "tox": frozenset(("-l", "-a", "list", "config")),
    "nox": frozenset(("-l",)),
    "ctest": frozenset(("-N",)),
    "make": frozenset(("-n", "-q", "--just-print", "--question")),
    "go": frozenset(("-c", "-list", "-n")),
    "mvn": frozenset(("-DskipTests", "-DskipTests=true", "-Dmaven.test.skip", "-Dmaven.test.skip=true")),
    "gradle": frozenset(("-x", "--exclude-task", "-m")),
}
_MAKE_TARGET = re.compile(r"(?:tests?|check)(?:[-_:].*)?")
_SCRIPT = re.compile(r"tests?(?:[:_-].*)?")


def _tests(words: Words) -> bool:
    return _names_tests(words) and not _only_tells(words)


def _only_tells(words: Words) -> bool:
    """Whether it lists, explains or prepares, and runs nothing."""
    return not (_TELLING | _TELLING_OF.get(_program(words), frozenset())).isdisjoint(words[1:])


def _program(words: Words) -> str:
    """The program that is run, also where a project brings a wrapper of its own."""
    return words[0].removesuffix("w") if words[0] in ("mvnw", "gradlew") else words[0]


def _names_tests(words: Words) -> bool:
    program, arguments = words[0], words[1:]
    if program in _RUNNERS:
        return True
    recognise = _BY_ARGUMENTS.get(_program(words))
    return recognise is not None and recognise([word for word in arguments if not word.startswith(("-", "+"))])


def _first(*names: str) -> Callable[[Sequence[str]], bool]:
    return lambda arguments: arguments[:1] != [] and arguments[0] in names


def _script(arguments: Sequence[str]) -> bool:
    """`npm test`, `npm run test:unit` and their like."""
    if arguments[:1] == ["run"]:
        return len(arguments) > 1 and _SCRIPT.fullmatch(arguments[1]) is not None
    return arguments[:1] != [] and arguments[0] in ("test", "t", "tst")


def _targets(arguments: Sequence[str]) -> bool:
    goals = [word for word in arguments if "=" not in word]
    return bool(goals) and all(_MAKE_TARGET.fullmatch(goal) for goal in goals)


def _goals(arguments: Sequence[str]) -> bool:
    return any(word.rpartition(":")[2] in ("test", "check", "verify") for word in arguments)


def _managed(arguments: Sequence[str]) -> bool:
    return len(arguments) > 1 and arguments[0].endswith("manage.py") and arguments[1] == "test"


_BY_ARGUMENTS: dict[str, Callable[[Sequence[str]], bool]] = {
    "npm": _script,
    "pnpm": _script,
    "yarn": _script,
    "bun": _script,
    "go": _first("test"),
    "cargo": _first("test", "t", "nextest"),
    "dotnet": _first("test"),
    "swift": _first("test"),
    "mix": _first("test"),
    "deno": _first("test"),
    "bazel": _first("test"),
    "stack": _first("test"),
    "cabal": _first("test"),
    "sbt": _first("test"),
    "rake": _first("test", "spec"),
    "just": _first("test", "check"),
    "make": _targets,
    "gmake": _targets,
    "mvn": _goals,
    "gradle": _goals,
    "python": _managed,
    "python3": _managed,
}

_EARLIER = re.compile(r"(?:HEAD|ORIG_HEAD)(?:[~^@{}\d]*)?|[0-9a-f]{7,40}")
_GOING_ON = frozenset(("--abort", "--quit", "--skip", "-n", "--no-commit"))


def _reverts(words: Words) -> bool:
    """Whether it throws work away: what is only taken out of the index, or moved to another branch, is still there."""
    if words[0] != "git" or len(words) == 1:
        return False
    options = {word for word in words[2:] if word.startswith("-")}
    named = [word for word in words[2:] if not word.startswith("-")]
    match words[1]:
        case "revert":
            return options.isdisjoint(_GOING_ON)
        case "reset":
            return "--hard" in options and all(_EARLIER.fullmatch(word) for word in named)
        case "checkout":
            return "--" in options or named == ["."]
        case "restore":
            staged = options & {"--staged", "-S"}
            return bool(named) and (not staged or bool(options & {"--worktree", "-W"}))
        case _:
            return False
