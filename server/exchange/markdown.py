"""Markdown as people write rules for assistants: bullets and short rules become lessons, headings say when they hold.

What is no lesson (code, tables, tables of contents, prose, comments, our own blocks) is skipped and said so.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from fleetlore.kmu.lexicon import normal_form
from fleetlore.server.exchange.inline import Inline, inline_of
from fleetlore.server.exchange.lines import Line, Place, Refused, Skipped, lesson_of

_BETWEEN = " > "
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?P<fields>.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
# Values are often no YAML (`globs: *.ts`), so lines are read as they stand.
_FIELD = re.compile(r"^(?P<name>[A-Za-z_-]+):[ \t]*(?P<value>.*)$", re.MULTILINE)
_LISTED = re.compile(r"^\s+-\s+(?P<entry>.+)$", re.MULTILINE)
_TASK = re.compile(r"\A\[[ xX]\](?:\s+|\Z)")
_ALERT = re.compile(r"\[!(?:NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]\s*", re.IGNORECASE)
_RULE = re.compile(
    r"""\b(?:must|never|always|avoid|do\ not|don[’']t|should|shall|cannot|can[’']t|prefer|ensure|make\ sure|required?|
        only|instead\ of|rather\ than|before|after|use|run|keep|remember|beware|needs?\ to|needed\ to|have\ to|
        has\ to)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_LONGEST_RULE = 60  # words
_LONGEST_CODE = 200
_DEEPEST = 100  # a list in a list is two deeper; the reader drops what lies deeper, and all behind it
# Headings that say nothing of when a rule holds.
_GENERIC = frozenset(
    """agents agents.md claude claude.md gemini gemini.md readme rules rule guidelines guideline instructions notes
    general overview introduction conventions important misc miscellaneous other""".split()  # noqa: SIM905
)
_READER = MarkdownIt("commonmark", {"maxNesting": _DEEPEST}).enable(["table", "strikethrough"])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Context:
    """Where the reader is: the file, how many lines stand before the text, the headings, the bullets above."""

    file: str
    offset: int
    always: tuple[str, ...] = ()
    headings: tuple[tuple[int, str], ...] = ()
    above: tuple[str, ...] = ()

    @property
    def path(self) -> tuple[str, ...]:
        return (*self.always, *(text for _, text in self.headings), *self.above)

    def below(self, level: int, heading: str) -> "_Context":
        return replace(self, headings=(*(entry for entry in self.headings if entry[0] < level), (level, heading)))

    def place(self, node: SyntaxTreeNode) -> Place:
        line = self.offset + (node.map[0] if node.map else 0) + 1
        return Place(file=self.file, line=line, under=_BETWEEN.join(text for _, text in self.headings if text))


def read_markdown(text: str, file: str, blocks: Sequence[tuple[int, int]] = ()) -> Iterator[Line]:
    """The lines of a Markdown text, in their order; `blocks` are our own in it: (first, last) line, counted from 1."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    always, offset, text = _front_matter(text, file)
    lines = text.split("\n")
    for first, last in blocks:
        for line in range(first - 1 - offset, last - offset):
            lines[line] = ""
        because = "our own block: what is in it comes from here"
        yield Skipped(place=Place(file=file, line=first), text=f"lines {first} to {last}", because=because)
    root = SyntaxTreeNode(_READER.parse("\n".join(lines)))
    context = _Context(file=file, offset=offset, always=always)
    title = _title(root)
    for node in root.children:
        if node.type == "heading":
            heading = inline_of(_tokens(node)).whole
            generic = node is title or normal_form(heading) in _GENERIC
            context = context.below(int(node.tag[1]), "" if generic else heading)
        else:
            yield from _block(node, context)


def _front_matter(text: str, file: str) -> tuple[tuple[str, ...], int, str]:
    """What a rule file says of when it applies (`description`, `globs`), how many lines that took, and the rest."""
    found = _FRONT_MATTER.match(text)
    if found is None:
        return (), 0, text
    fields = {
        field["name"].casefold(): field["value"].strip().strip("\"'") for field in _FIELD.finditer(found["fields"])
    }
    globs = fields.get("globs") or fields.get("applyto") or fields.get("paths") or ""
    if not globs and ("globs" in fields or "paths" in fields):
        globs = ", ".join(entry["entry"].strip("\"'") for entry in _LISTED.finditer(found["fields"]))
    globs = globs.strip("[]").replace('"', "").replace("'", "")
    everywhere = globs in ("", "*", "**", "**/*")
    said = [fields.get("description", ""), "" if everywhere else f"files {globs}"]
    return tuple(part for part in said if part), found.group().count("\n"), text[found.end() :]


def _title(root: SyntaxTreeNode) -> SyntaxTreeNode | None:
    """A document's title: its only heading of the first level, if deeper ones follow; it says nothing of any rule."""
    headings = [node for node in root.children if node.type == "heading"]
    first = [node for node in headings if node.tag == "h1"]
    return first[0] if len(first) == 1 and headings[0] is first[0] and len(headings) > 1 else None


def _block(node: SyntaxTreeNode, context: _Context) -> Iterator[Line]:
    if node.level >= _DEEPEST - 2:
        because = "it is nested too deeply, and what follows was not read: nest it less deeply"
        yield Refused(place=context.place(node), text="", because=because)
        return
    match node.type:
        case "bullet_list" | "ordered_list":
            for child in node.children:
                yield from _item(child, context)
        case "blockquote":
            for child in node.children:
                yield from _block(child, context)
        case "paragraph":
            yield from _paragraph(node, context)
        case "fence" | "code_block":
            yield _skipped(node, context, "a code block")
        case "table":
            yield _skipped(node, context, "a table")
        case "html_block":
            yield _skipped(node, context, "a comment" if node.content.lstrip().startswith("<!--") else "HTML")
        case "heading":
            yield _skipped(node, context, "a heading inside a list or a quotation")
        case _:
            pass  # rules between sections say nothing


def _item(item: SyntaxTreeNode, context: _Context) -> Iterator[Line]:
    """A bullet: its own paragraphs are one lesson, what is nested in it holds under its words."""
    spoken = [child for child in item.children if child.type == "paragraph"]
    nested = [child for child in item.children if child.type != "paragraph"]
    if not spoken:
        for child in nested:
            yield from _block(child, context)
        return
    inlines = [inline_of(_tokens(child)) for child in spoken]
    text = _TASK.sub("", " ".join([inlines[0].text, *(inline.whole for inline in inlines[1:])]), count=1).strip()
    announced = text.endswith((":", "："))
    codes = [child for child in nested if child.type in ("fence", "code_block")]
    if (
        announced
        and len(codes) == 1
        and len(nested) == 1
        and len(code := " ".join(codes[0].content.split())) <= _LONGEST_CODE
    ):
        text, announced, nested = f"{text} `{code}`", False, []
    below = any(child.type in ("bullet_list", "ordered_list") for child in nested)
    inline = replace(inlines[0], text=text)
    own = replace(context, above=(*context.above, *([inline.lead] if inline.lead else [])))
    if not (announced and below):
        yield _stated(spoken[0], own, inline, announced=announced)
    words = text.rstrip(":： ")
    inner = replace(own, above=(*own.above, words)) if words and not inline.linked else own
    for child in nested:
        yield from _block(child, inner)


def _paragraph(node: SyntaxTreeNode, context: _Context) -> Iterator[Line]:
    inline = inline_of(_tokens(node))
    text = _ALERT.sub("", inline.text).strip()
    if not text:
        return
    inline = replace(inline, text=text)
    if not inline.linked and (len(text.split()) > _LONGEST_RULE or _RULE.search(inline.whole) is None):
        yield _skipped(node, context, "prose, no rule: make it a bullet to have it taken")
        return
    own = replace(context, above=(*context.above, *([inline.lead] if inline.lead else [])))
    yield _stated(node, own, inline, announced=text.endswith((":", "：")))


def _stated(node: SyntaxTreeNode, context: _Context, inline: Inline, *, announced: bool) -> Line:
    place = context.place(node)
    because = ""
    if inline.linked:
        because = "only a link"
    elif inline.struck:
        because = "struck out"
    elif announced:
        because = "it announces something that is no text"
    elif len(normal_form(inline.text).split()) < 2:
        because = "a single word says nothing" if inline.text else "nothing is in it"
    if because:
        return Skipped(place=place, text=inline.whole, because=because)
    return lesson_of(place, inline.text, applies_when=_BETWEEN.join(part for part in context.path if part))


def _skipped(node: SyntaxTreeNode, context: _Context, because: str) -> Skipped:
    if node.type in ("paragraph", "heading"):
        text = inline_of(_tokens(node)).whole
    elif node.type == "table":
        text = next((inline_of(_tokens(cell)).whole for cell in node.walk() if cell.type == "th"), "")
    else:
        text = next((line for line in node.content.split("\n") if line.strip()), "")
    return Skipped(place=context.place(node), text=text, because=because)


def _tokens(node: SyntaxTreeNode) -> Sequence[Token]:
    """The inline tokens of a paragraph, a heading or a cell."""
    inner = node.children[0] if node.children else None
    return (inner.token.children or []) if inner is not None and inner.token is not None else []
