"""The gist of a text: its words in order, but for what surely changes nothing.

Equal gists mean surely the same lesson, so a digest of the gist finds a lesson again that is said in other grammar.
Dropped are articles, `is` and `are`, `there is` and `please`. Every other function word stays: `not`, `before`, `with`,
`only`, `if`, `to`, `must` and `was` turn a lesson round, `some`, `one`, `this` and a plural narrow it, `just` may mean
*only*. No word is ever taken for another.
"""

import re

from fleetlore.kmu.lexicon import label_of
from fleetlore.kmu.wording import SENTENCE_ENDS, Word, words

ARTICLES = frozenset(("a", "an", "the"))
NEGATIONS = frozenset(("not", "never", "no", "none", "nobody", "nothing", "nowhere", "neither", "nor", "without"))

_BEING = frozenset(("is", "are"))
_RELATIVES = frozenset(("which", "that", "who"))
# No article stands before these: there `a` is a name ("plan A for billing", "cp a to b").
_NEVER_AFTER_ARTICLE = frozenset(
    """and are as at be been by but can could did do does for from had has have if in into is of on or so than then to
    until was were when while will with without would""".split()  # noqa: SIM905  one word a line would be a page
)
# Before these an article is meaning: a few are more than few, the number is not a number, the only one is not only one.
_ARTICLE_COUNTS = frozenset(("few", "least", "less", "little", "more", "most", "number", "one", "only"))
# A phrase with one of these in it is more than a phrase.
_CLAUSES = _RELATIVES | _BEING | frozenset(("was", "were", "be", "being", "if", "when", "while", "because", "unless"))
_NO_QUALITY = _CLAUSES | _NEVER_AFTER_ARTICLE | {"not", "never", "no"}
# After these `which is …` may be a question: "ask the team which is affected".
_ASKING = frozenset("ask check confirm decide ensure find know say see show tell verify".split())  # noqa: SIM905
_IRREGULAR = dict(
    zip(
        """bought brought built caught cut done drawn driven eaten given held hit kept led made overwritten paid put
        read rebuilt reset ridden run sent set shown shut sold split sung taken thrown torn worn written""".split(),  # noqa: SIM905
        """buying bringing building catching cutting doing drawing driving eating giving holding hitting keeping leading
        making overwriting paying putting reading rebuilding resetting riding running sending setting showing shutting
        selling splitting singing taking throwing tearing wearing writing""".split(),  # noqa: SIM905
        strict=True,
    )
)
_LONGEST_PASSIVE = 60  # words; a longer text is more than one clause

_LETTERS = re.compile(r"[^\W\d_]{2,}")
_SEPARATORS = re.compile(r"(?<=[^\W\d_])[-_]+(?=[^\W\d_])")


def gist(text: str) -> str:
    """The canonical form of a text: equal gists that are not empty mean surely the same lesson.

    Empty for a text without words only. The gist of a label `name: value` is the label with its value's separators out.
    """
    if label := value_of(text):
        return f"{label[0]}: {label[1]}"
    every = words(text)
    left = gist_words(every) or every
    # How far a negation reaches ends with its sentence: "do not restart; deploy" is not "do not restart deploy".
    ends = SENTENCE_ENDS if any(word.text in NEGATIONS for word in left) else frozenset[str]()
    return " ".join(f"{word.text} ;" if word.stop in ends else word.text for word in left).removesuffix(" ;")


def value_of(text: str) -> tuple[str, str] | None:
    """Name and value of a label `name: value`; `card_arrival`, `Card-Arrival` and `cardArrival` are one value."""
    if (label := label_of(text)) is None:
        return None
    name, value = label
    return name, value if value.startswith("-") else _SEPARATORS.sub("", value)


def gist_words(every: list[Word]) -> list[Word]:
    """What is left of a text's words when grammar is taken out of them."""
    told = _active(_attributive(every))
    return [word for place, word in enumerate(told) if word.literal or not _droppable(told, place)]


def _droppable(every: list[Word], place: int) -> bool:
    """Whether a word is nothing but grammar where it stands."""
    word = every[place]
    before = every[place - 1] if place else None
    after = every[place + 1] if place + 1 < len(every) and not word.stop else None
    if after is None:
        return False  # what nothing follows is more than grammar: "leave it as is", "option A"
    if word.text in ARTICLES:
        # Before a single letter it may be one of a row of names ("cp a b"), after a flag its value.
        named = word.text == "a" and not after.literal and _LETTERS.search(after.text) is None
        led = before is not None and (before.text in ARTICLES or before.text.startswith("-"))
        return not (named or led or after.text in _NEVER_AFTER_ARTICLE | _ARTICLE_COUNTS)
    if word.text in _BEING:
        return before is not None and not before.stop  # where it stands first, it asks
    return word.text == "please" or (word.text == "there" and after.text in _BEING)


def _attributive(every: list[Word]) -> list[Word]:
    """`street which is crowded` as `crowded street`, where the clause surely ends after its one word."""
    made: list[Word] = []
    place = 0
    if not _ASKING.isdisjoint(word.text for word in every):
        return every
    while place < len(every):
        if made and (turned := _qualified(made[-1], every[place : place + 4])):
            made[-1:] = turned
            place += 3
        else:
            made.append(every[place])
            place += 1
    return made


def _qualified(noun: Word, clause: list[Word]) -> list[Word]:
    """The quality and its noun, if the words after the noun are `which is <quality>`; nothing otherwise."""
    if len(clause) < 3 or clause[0].text not in _RELATIVES or clause[1].text not in _BEING:
        return []
    relative, being, quality = clause[:3]
    if relative.stop or being.stop or any(w.literal or w.text in _NO_QUALITY for w in (noun, quality)):
        return []
    if not noun.text.isalpha() or not quality.text.isalpha():
        return []
    if quality.stop == ",":
        ends, stop = noun.stop == ",", ""
    else:
        over = len(clause) == 3 or quality.stop in SENTENCE_ENDS or (not quality.stop and clause[3].text in _BEING)
        ends, stop = over and noun.stop in ("", ","), quality.stop
    return [Word(text=quality.text), Word(text=noun.text, stop=stop)] if ends else []


def _active(every: list[Word]) -> list[Word]:
    """`S is being cut … by A` as `A is cutting S …`, where the whole text is that one clause."""
    texts = [word.text for word in every]
    if len(texts) > _LONGEST_PASSIVE or texts.count("being") != 1 or texts.count("by") != 1:
        return every
    being, by = texts.index("being"), texts.index("by")
    negated = texts[being - 1] == "not"
    start = being - 1 - negated
    if start < 1 or texts[start] not in _BEING or not being + 1 < by < len(texts) - 1:
        return every
    verb = _progressive(texts[being + 1])
    whole = not any(word.stop for word in every[:-1]) and not any(word.literal for word in every)
    if not verb or not whole or not _CLAUSES.isdisjoint(texts[:start] + texts[by + 1 :]):
        return every
    agent, patient, rest = [Word(text=text) for text in texts[by + 1 :]], every[:start], every[being + 2 : by]
    negation = [Word(text="not")] if negated else []
    return [*agent, *negation, Word(text=verb), *patient, *rest]


def _progressive(participle: str) -> str:
    """`sliced` as `slicing`; "" for what is no participle."""
    if participle in _IRREGULAR:
        return _IRREGULAR[participle]
    if not participle.endswith("ed") or len(participle) < 5:
        return ""
    stem = participle[:-2]
    return f"{stem[:-1]}ying" if stem.endswith("i") else f"{stem}ing"
