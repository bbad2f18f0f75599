"""Suspicion: what in a text tries to instruct the agent that reads it, or hides something from it. Pure.

A lesson is data: it says what is so or what helped. What orders its reader about as its reader (to forget what it was
told, to be somebody else, to keep something from its user, to send something away), what has the form of a conversation
or of a call, what loads something from elsewhere where it is shown, and what cannot be seen, is flagged. Texts are
judged as they read: without what is hidden, in compatibility form, whatever the case, the accents and the marks between
words, with letters set apart or replaced by digits and look-alikes, and decoded where they are base64.
"""

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

from fleetlore.kmu.hidden import bare, hides
from fleetlore.kmu.orders import folded, patterns, words_of
from fleetlore.storage.records import Flag

# Raised when what is judged changes: what was judged by an older one is judged again.
JUDGEMENT = 1

_SAID: Mapping[Flag, str] = {
    "instructs": "reads like instructions to its reader",
    "calls_tools": "reads like a call of a tool",
    "hidden_text": "has characters that are not seen or look like others",
    "remote_content": "loads something from the network",
}
# Letters that look like Latin ones, each before the one that it looks like.
_LATIN = str.maketrans(
    "аеорсухіјѕԁһӏԛԝѵոАВЕКМНОРСТХІЈЅονιρΑΒΕΖΗΙΚΜΝΟΡΤΥΧɑɡı",
    "aeopcyxijsdhlqwvnABEKMHOPCTXIJSovipABEZHIKMNOPTYXagi",
)
_FOREIGN = re.compile("[\u0370-\u03ff\u0400-\u052f\u0530-\u058f\u0251\u0261\u0131]")
_WORD = re.compile(r"[^\W\d_]{3,}")
_DIGITS = str.maketrans("01345@$7!", "oieasasti")
_CHUNK = re.compile(r"\S+")
_SET_APART = re.compile(r"\w(?P<between>[ ._*|/~+-])\w(?:(?P=between)\w){3,}(?!\w)")
_UNLETTERED = re.compile(r"[\W_]+")
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_MOST = 200_000  # characters of one text that are judged; what is longer is not shown as a lesson


def flags_of(*texts: str, beside: str = "") -> tuple[Flag, ...]:
    """What is suspicious about texts that are shown together, each and joined; in the order of `Flag`, each once.

    `beside` is what was told with them and is shown elsewhere: it counts where they give orders only together.
    """
    told = [text for text in texts if text]
    readings = _readings("\n".join(told))
    besides = _readings("\n".join([beside, *told[:1], beside, *told[1:]])) if beside else []
    known = patterns()
    found: dict[Flag, bool] = {
        "instructs": any(map(_instructs, [*readings, *besides])),
        "calls_tools": any(known.calls.search(reading.casefold()) for reading in readings),
        "hidden_text": any(map(hides, told)) or _mixes_scripts(readings[0]),
        "remote_content": any(known.remote.search(reading.casefold()) for reading in readings),
    }
    return tuple(flag for flag, given in found.items() if given)


def gives_orders(text: str) -> bool:
    """Whether a text is suspicious in whatever form it is shown."""
    return not {"instructs", "calls_tools"}.isdisjoint(flags_of(text))


def held_because(flags: Iterable[Flag]) -> str:
    """What whoever stated a lesson is told of its flags."""
    found = " and ".join(_SAID[flag] for flag in flags)
    return f"It {found}, so it is held as provisional until a person has looked at it. Was that not meant? Reword it."


def _instructs(text: str) -> bool:
    known = patterns()
    if known.turns.search(text.casefold()):
        return True
    readings = {folded(text), folded(text.translate(_LATIN))}
    readings |= {_CHUNK.sub(_lettered, reading) for reading in readings}
    readings |= set(map(_drawn_together, readings))
    for reading in readings:
        if known.orders.search(words_of(reading)) or known.unspaced.search(reading):
            return True
    return any(known.squashed.search(_UNLETTERED.sub("", reading)) for reading in readings)


def _lettered(word: re.Match[str]) -> str:
    """A word with the letters that its digits and marks look like, where it has both."""
    found = word.group()
    return found.translate(_DIGITS) if any(map(str.isalpha, found)) else found


def _drawn_together(text: str) -> str:
    """The text with its words whole, where their letters were set apart: `i-g-n-o-r-e`."""
    for between in {found["between"] for found in _SET_APART.finditer(text)}:
        text = re.sub(rf"(?<=\w){re.escape(between)}(?=\w)", "", text)
    return text


def _readings(text: str) -> list[str]:
    """A text as it reads, and what it says to whoever decodes it."""
    plain = unicodedata.normalize("NFKC", bare(text[:_MOST]))
    return [plain, *_decoded(plain)]


def _decoded(text: str) -> Iterator[str]:
    """What else the text says to whoever decodes it: entities, percent signs, base64."""
    if "&" in text and (unescaped := html.unescape(text)) != text:
        yield bare(unescaped)
    if "%" in text and (unquoted := unquote(text)) != text:
        yield bare(unquoted)
    for found in _ENCODED.finditer(text):
        encoded = found.group().rstrip("=").replace("-", "+").replace("_", "/")
        try:
            said = base64.b64decode(encoded[: len(encoded) // 4 * 4], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
        if said.isprintable():
            yield said


def _mixes_scripts(text: str) -> bool:
    """Whether a word is Latin but for letters of other scripts that look so."""
    if _FOREIGN.search(text) is None:
        return False
    return any(
        not word.isascii() and word.translate(_LATIN).isascii() and sum(map(str.isascii, word)) > 1
        for word in _WORD.findall(text)
    )
