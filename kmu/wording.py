"""The words of a text in their places, as its author might equally have spelt them.

A step finer than `lexicon.normal_form`: contractions are spelt out, small numbers are digits, and what is quoted, or a
name whose case is meaning, stays letter by letter.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache

from fleetlore.kmu.lexicon import normal_form

SENTENCE_ENDS = frozenset(".;:!?")

# Not `one`, which is as often a pronoun as a number.
_NUMBERS = {"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9"}
_NUMBERS |= {"ten": "10", "eleven": "11", "twelve": "12"}
_SHORT = {
    "can't": "can not",
    "cannot": "can not",
    "won't": "will not",
    "it's": "it is",
    "that's": "that is",
    "there's": "there is",
    "they're": "they are",
    "we're": "we are",
    "you're": "you are",
    "dont": "do not",
    "doesnt": "does not",
    "isnt": "is not",
    "shouldnt": "should not",
}

_CHUNK = re.compile(r"\S+")
_MARKS = ".,;:!?…"
_QUOTES = "\"'`´“”‘’«»"
# An index, a template or a call is code, brackets and all: `list[int]`, `{name}`, `foo()`.
_BRACKETS = re.compile(r"[\[\]{}]|\(\)")
_POWERS = str.maketrans({power: f"^{digit}" for digit, power in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")})  # 10⁶ is not 106
_QUOTED = re.compile(r"[`\"'“‘«].+[`\"'”’»][.,;:!?]*")
_STOP = re.compile(r"([.,;:!?])[\"'`”’»)\]}]*$")
_AMOUNT = re.compile(r"[\d.,]+[^\W\d_]{1,2}")  # 5m is not 5M
_SYMBOL = re.compile(r"[%+$@\\]\S+")  # %M is not %m
_CAMEL = re.compile(r"[^\W\d_A-Z]+[A-Z]\w*")  # getUser is not GetUser; but GitHub is Github


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A word in its place: its form, the mark that ends a clause after it, and whether it is quoted as it is."""

    text: str
    stop: str = ""
    literal: bool = False


def words(text: str) -> list[Word]:
    """Every word of a text, in order."""
    return list(_words(text))


@lru_cache(maxsize=512)  # a lesson is read for its gist, for its subject, and again beside what arrived with it
def _words(text: str) -> tuple[Word, ...]:
    plain = unicodedata.normalize("NFKC", text.translate(_POWERS))
    shouted = plain == plain.upper()
    found: list[Word] = []
    code = False
    for chunk in _CHUNK.findall(plain):
        literal = code or chunk.startswith("`") or _QUOTED.fullmatch(chunk) is not None
        code ^= chunk.count("`") % 2 == 1
        stop = mark[1] if (mark := _STOP.search(chunk)) else ""
        bare = normal_form(chunk)
        if not bare:
            if found:
                # A mark on its own ends the clause before it.
                found[-1] = replace(found[-1], stop=chunk[0])
            continue
        # A capital A within a sentence is a name: "plan A failed".
        within = bool(found) and found[-1].stop not in SENTENCE_ENDS
        literal = literal or (bare == "a" and "A" in chunk and within and not shouted)
        form = _cased(chunk, bare, literal)
        if form == "no" and stop:
            form = "no,"  # an answer: "no, retry" is not "no retry"
        *parts, last = [form] if literal else _spelt(form).split(" ")
        found += [Word(text=part) for part in parts]
        found.append(Word(text=last, stop=stop, literal=literal))
    return tuple(found)


def _cased(chunk: str, bare: str, literal: bool) -> str:
    """A word in normal form, but for code, names and amounts whose marks or case are meaning."""
    if _BRACKETS.search(chunk):
        return chunk.strip(_QUOTES).rstrip(_MARKS).strip(_QUOTES)
    place = chunk.casefold().find(bare)
    cased = chunk[place : place + len(bare)] if place >= 0 else bare
    exact = (literal and len(cased) <= 2) or any(form.fullmatch(cased) for form in (_AMOUNT, _SYMBOL, _CAMEL))
    return cased if exact else bare


def _spelt(word: str) -> str:
    word = word.replace("’", "'")
    if word in _SHORT:
        return _SHORT[word]
    return f"{word[:-3]} not" if word.endswith("n't") and len(word) > 3 else _NUMBERS.get(word, word)
