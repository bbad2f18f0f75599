"""Hidden characters: what stands in a text and is not seen, or makes it look other than it is. Pure.

Zero-width and other invisible characters, marks that turn the direction of writing (Boucher and Anderson, Trojan
Source, arXiv 2111.00169), tags, variation selectors, control characters, piles of combining marks. Where scripts and
emoji need some of these, they hide nothing: a joiner between emoji or inside Persian and Indic words, a direction mark
beside Hebrew or Arabic, one selector behind its symbol, the tags of a region's flag.
"""

import re
import unicodedata
from collections.abc import Callable

# Unicode's Default_Ignorable_Code_Point, other format characters, controls but for tab and line feed, separators of
# lines, and blanks that pass for nothing.
_UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
_MARKS = "\u0300-\u034e\u0350-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_PERHAPS = re.compile(f"[{_UNSEEN}]|(?<=[{_MARKS}]{{4}})[{_MARKS}]")
_ANY_COLOUR = r"\[(?:(?:[0-79]|\d\d+)(?:;(?:[0-79]|\d\d+))*)?m"  # but 8, which conceals
_COLOUR = re.compile(rf"\x1b{_ANY_COLOUR}")
_COLOUR_WRITTEN_OUT = re.compile(rf"\\u001b{_ANY_COLOUR}")
_REGION = re.compile("\U0001f3f4\U000e0067\U000e0062\U000e0065?[\U000e0061-\U000e007a]{2,3}\U000e007f")
_SELECTORS = "\ufe0e\ufe0f"
_JOINERS = "\u200c\u200d"
_DIRECTIONS = "\u200e\u200f\u061c"
_SKIN = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
_BESIDE = 8  # how far a direction mark may be from what it is for: punctuation and spaces lie between
_ESCAPE = re.compile(r"\\u[0-9a-f]{4}|\\U000[0-9a-f]{5}")


def hides(text: str) -> bool:
    """Whether anything in the text is hidden. Colours that a terminal's output brings along are not meant to hide."""
    return not _plain(text) and _changed(_COLOUR.sub("", text), lambda _: "") != _COLOUR.sub("", text)


def visible(text: str) -> str:
    r"""The text with every hidden character written out (`\u200b`), so that it is seen and does nothing."""
    return text if _plain(text) else _changed(text, _escaped)


def bare(text: str) -> str:
    """The text without what is hidden in it, also where that is written out as `visible` does."""
    shown = visible(text)
    if "\\" not in shown:
        return shown
    return _ESCAPE.sub(lambda found: _unless_hidden(found.group()), _COLOUR_WRITTEN_OUT.sub("", shown))


def _plain(text: str) -> bool:
    return text.isascii() and (text.isprintable() or _PERHAPS.search(text) is None)


def _changed(text: str, change: Callable[[str], str]) -> str:
    """The text with what is hidden in it changed."""
    regions = {place for found in _REGION.finditer(text) for place in range(*found.span())}

    def replaced(found: re.Match[str]) -> str:
        needed = found.start() in regions or _needed(text, found.start())
        return found.group() if needed else change(found.group())

    return _PERHAPS.sub(replaced, text)


def _needed(text: str, place: int) -> bool:  # noqa: PLR0911  a case for each kind of mark
    """Whether a character that is not seen has to stand there."""
    mark, before, after = text[place], text[place - 1 : place], text[place + 1 : place + 2]
    if mark == "\r":
        return after == "\n"
    if not before:
        return mark in _DIRECTIONS and _beside_right_to_left(text, place)
    if mark in _SELECTORS:
        return _symbol(before) and (not after or after not in _SELECTORS)
    if "\ufe00" <= mark <= "\ufe0d":
        return _ideograph(before)
    if "\U000e0100" <= mark <= "\U000e01ef":
        return _ideograph(before)
    if mark in _JOINERS:
        if _joins(before):
            return _joins(after) or not (after.isalnum() or _PERHAPS.match(after))
        symbol = text[place - 2 : place - 1] if before == "\ufe0f" else before
        return mark == "\u200d" and _emoji(symbol) and _emoji(after)
    return mark in _DIRECTIONS and _beside_right_to_left(text, place)


def _symbol(one: str) -> bool:
    """Whether there may be two pictures of the character, one of which is an emoji."""
    if one.isascii():
        return one in "0123456789#*"
    return unicodedata.category(one)[0] in "SPN" and not _PERHAPS.match(one)


def _emoji(one: str) -> bool:
    return bool(one) and (one in _SKIN or unicodedata.category(one) == "So") and not _PERHAPS.match(one)


def _joins(one: str) -> bool:
    """Whether the character is of a script whose letters change their shape with their neighbours."""
    inside = "\u0600" <= one <= "\u0dff" or "\u1000" <= one <= "\u109f" or "\u1780" <= one <= "\u18af"
    return inside and unicodedata.category(one)[0] in "LM" and not _PERHAPS.match(one)


def _ideograph(one: str) -> bool:
    return "\u2e80" <= one <= "\u9fff" or "\uf900" <= one <= "\ufaff" or "\U00020000" <= one <= "\U000323af"


def _beside_right_to_left(text: str, place: int) -> bool:
    """Whether the nearest letter or digit on either side is written from right to left, with nothing hidden between."""
    sides = text[place + 1 : place + 1 + _BESIDE], text[max(place - _BESIDE, 0) : place][::-1]
    return any(unicodedata.bidirectional(_nearest(side) or " ") in ("R", "AL", "AN") for side in sides)


def _nearest(side: str) -> str:
    found = next((one for one in side if one.isalnum() or _PERHAPS.match(one)), "")
    return "" if _PERHAPS.match(found) else found


def _escaped(mark: str) -> str:
    return f"\\u{ord(mark):04x}" if ord(mark) <= 0xFFFF else f"\\U{ord(mark):08x}"


def _unless_hidden(escape: str) -> str:
    return "" if _PERHAPS.fullmatch(chr(int(escape[2:], 16))) else escape
