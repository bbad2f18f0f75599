"""Contradiction: two lessons that cannot both be right, found by form alone and only where that is sure.

Three forms: two values of one label; the same words once with and once without a negation; the same fact with two
values. Everything else that differs is merely different: two things to do may both be right.
"""

import re

from fleetlore.kmu.gist import ARTICLES, NEGATIONS, gist_words, value_of
from fleetlore.kmu.lexicon import FUNCTION_WORDS
from fleetlore.kmu.wording import Word, words

_DOING = frozenset(("do", "does", "did"))
# After these a negation belongs to a condition, a description or a possibility: both lessons may be right.
_SCOPES = frozenset(
    """after although as because before either except few generally if like many may maybe might most often once
    one only or other others perhaps possibly several since so some sometimes that though till typically unless until
    usually when whenever where whether which while who whose why""".split()  # noqa: SIM905
)
# After `not` these make it something else: "not only", "not always".
_SOFTENING = frozenset("all always both enough even every just many much necessarily only quite too yet".split())  # noqa: SIM905
# `no` speaks for a whole sentence only where it stands first or is what the subject has: not in "a man with no hat".
_HAVING = frozenset("has have had needs need requires require takes take uses use gives give".split())  # noqa: SIM905
_COMMANDS = tuple(map(frozenset, (("use", "avoid"), ("always", "never"), ("enable", "disable"))))

_AMOUNT = re.compile(r"[-+]?\d[\d.,]*[^\W\d_]{0,3}%?")
_STATING = frozenset(("is", "are", "=", "equals"))
# With these a subject may have several values: "a valid port is 5432".
_INDEFINITE = frozenset(
    """a an another any each either every example few many often one other possible possibly several some sometimes
    supported usually valid allowed""".split()  # noqa: SIM905
)
_LEAST_CONTENT = 3


def contradiction(one: str, other: str) -> str:
    """Why two texts cannot both be right; "" where that is not sure. The order of the two does not matter."""
    if (label := value_of(one)) and (other_label := value_of(other)):
        return f"two values of {label[0]}" if label[0] == other_label[0] and label != other_label else ""
    mine, theirs = words(one), words(other)
    if _negating(gist_words(mine), gist_words(theirs)) or _negating(gist_words(theirs), gist_words(mine)):
        return "the same words, and one of them negated"
    return "the same fact with two values" if _two_values(mine, theirs) else ""


def _negating(negative: list[Word], positive: list[Word]) -> bool:
    """Whether the first says the second with one negation more."""
    told = [word.text for word in positive]
    denied = [word.text for word in negative]
    if _content(told) < 2 or not denied:
        return False
    if any(frozenset((denied[0], told[0])) == pair and denied[1:] == told[1:] for pair in _COMMANDS):
        return True
    places = [place for place, word in enumerate(negative) if word.text in NEGATIONS and not word.literal]
    if len(places) != 1 or not NEGATIONS.isdisjoint(told) or not _rules_the_whole(denied, places[0]):
        return False
    return _without_negation(denied, places[0]) in (told, _without_emphasis(told))


def _rules_the_whole(texts: list[str], place: int) -> bool:
    """Whether the negation at that place makes the whole text its opposite."""
    before, after = texts[:place], texts[place + 1 : place + 2]
    if not _SCOPES.isdisjoint(before) or not _SOFTENING.isdisjoint(after):
        return False
    match texts[place]:
        case "not":
            return place > 0  # "not pinning versions breaks builds" speaks of something else
        case "never":
            return True
        case "no":
            return not before or before[-1] in _HAVING or after == ["longer"]
    return False


def _without_negation(texts: list[str], place: int) -> list[str]:
    """The words as they stand without the negation: `does not work` becomes `works`."""
    before, after = texts[:place], texts[place + 1 :]
    if texts[place] == "no" and after[:1] == ["longer"]:
        after = after[1:]
    if texts[place] == "not" and before and before[-1] in _DOING:
        if before[-1] == "does" and after:
            after = [_third_person(after[0]), *after[1:]]
        before = before[:-1]
    return [*before, *after]


def _without_emphasis(texts: list[str]) -> list[str]:
    return [text for text in texts if text != "always"]


def _third_person(verb: str) -> str:
    if verb.endswith(("s", "x", "z", "ch", "sh", "o")):
        return f"{verb}es"
    return f"{verb[:-1]}ies" if verb.endswith("y") and verb[-2:-1] not in "aeiou" else f"{verb}s"


def _two_values(mine: list[Word], theirs: list[Word]) -> bool:
    """Whether both state the same fact of the form `subject is value`, with two values."""
    one, other = ([word for word in every if word.text not in ARTICLES] for every in (mine, theirs))
    if len(one) != len(other):
        return False
    apart = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a.text != b.text]
    if len(apart) != 1 or apart[0] == 0:
        return False
    place = apart[0]
    values = one[place], other[place]
    amounts = all(_AMOUNT.fullmatch(value.text) for value in values)
    if not amounts and not all(value.literal for value in values):
        return False
    texts = [word.text for word in one]
    stated = texts[place - 1] in _STATING or one[place - 1].stop == other[place - 1].stop == ":"
    stated = stated or (texts[0] == "set" and texts[place - 1] == "to")
    definite = (_SCOPES | _INDEFINITE | NEGATIONS).isdisjoint(word.text for word in [*mine, *theirs])
    rest = [text for at, text in enumerate(texts) if at != place and text != "set"]
    return stated and definite and _content(rest) >= _LEAST_CONTENT


def _content(texts: list[str]) -> int:
    """How many words carry the topic."""
    return sum(text not in FUNCTION_WORDS for text in texts)
