"""Shell commands as far as their exit status can be traced to one of their parts. Pure.

Of a pipeline, of commands joined by `||` and of anything in the background nobody can tell; nor of loops, functions,
substitutions and here-documents. Then there are no parts.
"""

import re
import shlex
from collections.abc import Sequence
from pathlib import PurePosixPath

Words = tuple[str, ...]

_OPERATORS = ";&|()<>\n"
_REDIRECTIONS = frozenset((">", ">>", "<", ">&", "<&", "&>", "&>>", ">|"))
_SEQUENCES = frozenset((";", "\n"))
_OPAQUE = frozenset(
    ("if", "for", "while", "until", "case", "select", "function", "{", "}", "!", "[[", "eval", "trap", "exec")
)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


def parts_of(command: str) -> tuple[list[Words], list[Words]]:
    """What was run before, of which the exit status tells nothing, and the `&&` chain that it tells of.

    Both are empty where it cannot be told.
    """
    try:
        tokens = list(_lexer(command))
    except ValueError:  # a quotation mark without its partner
        return [], []
    chains: list[list[list[str]]] = [[[]]]
    after_redirection = False
    for token in tokens:
        if after_redirection:
            after_redirection = False
        elif not set(token) <= set(_OPERATORS):
            if _is_opaque(token, first=not chains[-1][-1]):
                return [], []
            chains[-1][-1].append(token)
        elif (operator := token.strip("\n") or "\n") in _REDIRECTIONS:
            after_redirection = True
        elif operator in _SEQUENCES:
            chains.append([[]])
        elif operator == "&&":
            chains[-1].append([])
        else:
            return [], []
    told = [[tuple(words) for words in chain if words] for chain in chains]
    told = [chain for chain in told if chain]
    return ([words for chain in told[:-1] for words in chain], told[-1]) if told else ([], [])


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
