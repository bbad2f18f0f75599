"""Inline Markdown as plain text: code keeps its backticks, emphasis goes, links keep where they lead."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it.token import Token

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_BREAK = re.compile(r"</?br\s*/?>", re.IGNORECASE)
_LEAD_END = re.compile(r"\s*[:：–—-]\s+|\s*[:：]\s*")
_WORD = re.compile(r"\w")


@dataclass(frozen=True, kw_only=True, slots=True)
class Inline:
    """One paragraph's text.

    `lead` is what stands in bold before a colon or a dash at its beginning, as a heading of its own, and `text` what
    follows. `linked` if nothing but links or pictures is in it, `struck` if all of it is struck out.
    """

    text: str
    lead: str = ""
    linked: bool = False
    struck: bool = False

    @property
    def whole(self) -> str:
        """Lead and text together."""
        return f"{self.lead}: {self.text}".strip() if self.lead else self.text


def inline_of(children: Sequence[Token]) -> Inline:
    """The text of an inline token's children."""
    lead, rest = _lead(children)
    text = _plain(rest)
    return Inline(
        text=text,
        lead=lead,
        linked=not lead and _only_within(children, ("link_open", "link_close"), ("image",)),
        struck=bool(text) and _only_within(children, ("s_open", "s_close"), ()),
    )


def _lead(children: Sequence[Token]) -> tuple[str, Sequence[Token]]:
    """A bold beginning that ends in a colon or a dash, or is followed by one, and what comes behind it."""
    places = [place for place, token in enumerate(children) if token.type != "text" or token.content.strip()]
    if not places or children[places[0]].type != "strong_open":
        return "", children
    closing = next(place for place in places if children[place].type == "strong_close")
    lead = _plain(children[places[0] : closing + 1])
    behind = list(children[closing + 1 :])
    if lead.endswith((":", "：")):
        rest = behind
    elif behind and behind[0].type == "text" and (end := _LEAD_END.match(behind[0].content)):
        rest = [behind[0].copy(content=behind[0].content[end.end() :]), *behind[1:]]
    else:
        return "", children
    lead = lead.rstrip(":： ")
    return (lead, rest) if lead and _WORD.search(_plain(rest)) else ("", children)


def _plain(children: Sequence[Token]) -> str:
    text = _COMMENT.sub(" ", "".join(_pieces(children)))
    return " ".join(text.split())


def _pieces(children: Sequence[Token]) -> Iterator[str]:
    leading: list[tuple[str, str]] = []
    said = ""
    for token in children:
        piece = ""
        match token.type:
            case "code_inline":
                marks = "``" if "`" in token.content else "`"
                piece = f"{marks}{token.content}{marks}"
            case "softbreak" | "hardbreak":
                piece = " "
            case "image":
                piece = token.content
            case "html_inline":
                piece = " " if _BREAK.fullmatch(token.content) else token.content
            case "link_open":
                leading.append((str(token.attrs.get("href", "")), said))
            case "link_close":
                target, before = leading.pop()
                shown = said[len(before) :].strip("`")
                if target and not target.startswith("#") and target.removeprefix("mailto:") != shown:
                    piece = f" ({target})"
            case _:
                piece = token.content
        said += piece
        yield piece


def _only_within(children: Sequence[Token], pair: tuple[str, str], alone: Sequence[str]) -> bool:
    """Whether every word stands between tokens of that pair, or in a token that counts alone; at least one does."""
    depth, found = 0, False
    for token in children:
        if token.type == pair[0]:
            depth, found = depth + 1, True
        elif token.type == pair[1]:
            depth -= 1
        elif token.type in alone:
            found = True
        elif depth == 0 and _WORD.search(token.content):
            return False
    return found
