"""Words as the deciding modules see them: normal form, content words, identifiers, coverage."""

import re
import unicodedata

from fleetlore.storage.search import LABEL, joined

# English function words: they carry no topic, so two texts that share only these share nothing.
FUNCTION_WORDS = frozenset(
    """a about after again all also am an and any are as at be been before being but by can could did do does doing done
    for from get gets getting got had has have having he her him his how i if in into is it its just like may me might
    more most my need no not of on one or our out over please she should so some such than that the their them then
    there these they this those to too under up us use used using very want was we were what when where which while who
    why will with would you your""".split()  # noqa: SIM905  one word a line would be a page
)

_CHUNK = re.compile(r"\S+")
_WORD = re.compile(r"[^\W_]+")
_WRAPPING = "\"'`´“”‘’«»()[]{}<>*,.;:!?…"
# Marks that are nothing but marks where they stand alone; operators and paths (`>`, `!`, `..`) are meaning.
_MARKS_ALONE = re.compile(r"(?!(?:!|\.|\.\.|--)$)[-–—\"'`´“”‘’«»,;:?!….]+")
_CODE_MARKS = re.compile(r"`[^`]+`")
_LEADING = "\"'`´“”‘’«»([{"
_TRAILING = "\"'`´“”‘’«»)]}.,;:!?…"
_LONGEST_NAME = 200
_IDENTIFIER = re.compile(
    r"""(?=.*[^\W\d_])(?:
        (?=.*\d)[\w./\\:@#=+-]{4,}            # a letter and a digit: ERR-4012, py311, v2.3.0
      | [\w.-]*_[\w.-]*                       # snake_case
      | [.~]?(?:/[\w.@-]+){2,}/?              # /a/path
      | (?:[\w-]+/)+[\w-]+\.\w+               # relative/path.ext
      | [\w-]+\.[a-z]{1,5}                    # file.ext
      | --?[a-z][\w-]+                        # --flag
      | [A-Z][A-Z_-]{3,}                      # CODE
      | [a-z]+(?:[A-Z][a-z0-9]*)+             # camelCase
      | (?:[A-Z][a-z0-9]+){2,}                # PascalCase
    )""",
    re.VERBOSE,
)


def normal_form(text: str) -> str:
    """The text but for case, spacing and punctuation: equal normal forms mean the same words in the same order.

    Punctuation goes where it stands around words; inside a word and in front of it as an operator it is meaning
    (`!=`, `-1`, `a.b`), and so is the case of a flag (`-D` is not `-d`).
    """
    words = []
    for chunk in _CHUNK.findall(unicodedata.normalize("NFKC", text)):
        word = _bare(chunk)
        if word:
            words.append(word if word.startswith("-") else word.casefold())
    return " ".join(words)


def label_of(text: str) -> tuple[str, str] | None:
    """Name and value of a text of the form `name: value`, both short, in normal form; None for any other text."""
    if (found := LABEL.fullmatch(text.strip())) is None:
        return None
    name, value = normal_form(found["name"]), normal_form(found["value"])
    return (name, value) if name and value else None


def _bare(chunk: str) -> str:
    """A chunk without the punctuation around it."""
    if _WORD.search(chunk) is None:
        return "" if _MARKS_ALONE.fullmatch(chunk) and not _CODE_MARKS.fullmatch(chunk) else chunk
    while True:
        bare = chunk.lstrip(_LEADING).rstrip(_TRAILING)
        bold = len(bare) - len(bare.rstrip("*"))
        if bold and bare.startswith("*" * bold):
            bare = bare[bold:-bold]
        if bare == chunk:
            return bare
        chunk = bare


def identifiers(text: str) -> frozenset[str]:
    """Exact names that a text quotes: codes, paths, files, flags, symbols; in lower case."""
    found = set()
    for chunk in _CHUNK.findall(text):
        word = chunk.strip(_WRAPPING)
        if 4 <= len(word) <= _LONGEST_NAME and _IDENTIFIER.fullmatch(word):
            found.add(word.casefold())
    return frozenset(found)


def quotes(text: str, names: frozenset[str]) -> bool:
    """Whether a text quotes one of these identifiers."""
    folded = text.casefold()  # most quote none, and finding all that a text quotes costs a hundred times as much
    return any(name in folded for name in names) and not names.isdisjoint(identifiers(text))


def content_words(text: str) -> frozenset[str]:
    """The words of a text that carry its topic, in lower case."""
    return frozenset(_WORD.findall(text.casefold())) - FUNCTION_WORDS


def coverage(query: frozenset[str], text: str) -> float:
    """The share in [0, 1] of a query's content words that stand in the text."""
    folded = text.casefold()
    if not any(word in folded for word in query):
        return 0.0
    return len(query.intersection(_WORD.findall(folded))) / len(query)


def search_terms(text: str, limit: int = 64) -> str:
    """A task as the text leg asks for it: each word once; of a long task, what is rarest by its look.

    Each name that it quotes is one word beside its parts. Identifiers first, then longer words: BM25 costs time for
    every term, and function words buy nothing.
    """
    names = identifiers(text)
    words = list(dict.fromkeys([*_WORD.findall(text.casefold()), *sorted(map(joined, names))]))
    if len(words) <= limit:
        return " ".join(words)
    quoted = {word for name in names for word in (*_WORD.findall(name), joined(name))}
    content = [word for word in words if word not in FUNCTION_WORDS]
    return " ".join(sorted(content, key=lambda word: (word not in quoted, -len(word), word))[:limit])
