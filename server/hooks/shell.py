"""Shell commands as far as it can be told which of their parts ran and which one the exit status is of. Pure.

Of anything in the background, of loops, functions, substitutions and here-documents nobody can tell. Then there are
no parts.
"""

import re
import shlex
from collections.abc import Sequence
from pathlib import PurePosixPath

Words = tuple[str, ...]

_OPERATORS = ";&|()<>\n"
_REDIRECTIONS = frozenset((">", ">>", "<", ">&", "<&", "&>", "&>>", ">|"))
_PIPES = frozenset(("|", "|&"))
_BRANCHING = _PIPES | {"||"}
_SEQUENCES = frozenset((";", "\n"))
_JOINING = _BRANCHING | _SEQUENCES | {"&&"}
_OPAQUE = frozenset(
    ("if", "for", "while", "until", "case", "select", "function", "{", "}", "!", "[[", "eval", "trap", "exec")
)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


def parts_of(command: str) -> tuple[list[Words], list[Words]]:
    """What was run before, of which the exit status tells nothing, and the `&&` chain that it tells of.

    Both are empty where it cannot be told, as with a pipeline or `||`.
    """
    chains: list[list[Words]] = []
    for operator, words in _steps(command):
        if operator in _BRANCHING:
            return [], []
        if operator == "&&":
            chains[-1].append(words)
        else:
            chains.append([words])
    return ([words for chain in chains[:-1] for words in chain], chains[-1]) if chains else ([], [])


def pipelines_of(command: str) -> list[list[Words]]:
    """The pipelines, however they are joined; most are of one command. Empty where it cannot be told."""
    pipelines: list[list[Words]] = []
    for operator, words in _steps(command):
        if operator in _PIPES:
            pipelines[-1].append(words)
        else:
            pipelines.append([words])
    return pipelines


def bare(words: Words) -> Words:
    """The command without assignments before it and without what only starts it; its program without a path."""
    rest = list(words)
    while rest:
        if _ASSIGNMENT.match(rest[0]):
            rest = rest[1:]
        elif (length := _launcher(rest)) > 0:
            rest = rest[length:]
        else:
            return (PurePosixPath(rest[0]).name.removesuffix(".exe"), *rest[1:])
    return ()


def _steps(command: str) -> list[tuple[str, Words]]:
    """Each command with the operator before it; none where it cannot be told what was run."""
    steps: list[tuple[str, list[str]]] = [("", [])]
    after_redirection = False
    try:
        for token in _lexer(command):
            if after_redirection:
                after_redirection = False
            elif not set(token) <= set(_OPERATORS):
                if _is_opaque(token, first=not steps[-1][1]):
                    return []
                steps[-1][1].append(token)
            elif (operator := token.strip("\n") or "\n") in _REDIRECTIONS:
                after_redirection = True
            elif operator in _JOINING and steps[-1][1]:
                steps.append((operator, []))
            elif operator not in _SEQUENCES:  # else it is an empty line, or one that goes on after its operator
                return []
    except ValueError:  # a quotation mark without its partner
        return []
    return [(operator, tuple(words)) for operator, words in steps if words or operator in _BRANCHING]


def _lexer(command: str) -> shlex.shlex:
    lexer = shlex.shlex(command.strip().replace("\\\n", " "), posix=True, punctuation_chars=_OPERATORS)
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    return lexer


def _is_opaque(token: str, *, first: bool) -> bool:
    return token.startswith("#") or "`" in token or (first and token in _OPAQUE)


# Programs that run the command after them, and how many words belong to them before it.
_LAUNCHERS: dict[Words, int] = {
    ("sudo",): 1,
    ("env",): 1,
    ("time",): 1,
    ("nohup",): 1,
    ("command",): 1,
    ("uv", "run"): 2,
    ("poetry", "run"): 2,
    ("pipenv", "run"): 2,
    ("pdm", "run"): 2,
    ("rye", "run"): 2,
    ("hatch", "run"): 2,
    ("bundle", "exec"): 2,
    ("npx",): 1,
    ("bunx",): 1,
    ("pnpm", "exec"): 2,
    ("pnpm", "dlx"): 2,
    ("yarn", "exec"): 2,
    ("coverage", "run", "-m"): 3,
    ("timeout",): 2,
}


def _launcher(words: Sequence[str]) -> int:
    head = (PurePosixPath(words[0]).name, *words[1:3])
    for launcher, length in _LAUNCHERS.items():
        if head[: len(launcher)] == launcher and not "".join(words[length : length + 1]).startswith("-"):
            return length
    python = re.fullmatch(r"python[\d.]*|py", head[0])
    return 2 if python and head[1:2] == ("-m",) else 0
