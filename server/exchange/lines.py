"""What a line of a file turns out to be: a lesson, an item with its evidence, nothing, or something that is refused."""

from dataclasses import dataclass

from fleetlore.storage.dossiers import Dossier
from fleetlore.storage.records import Kind

MOST_INSIGHT = 4_000
MOST_CONDITION = 4_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where something stands: a file as people name it, a line counted from 1, the headings above it."""

    file: str
    line: int
    under: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def told(self) -> str:
        """The place in words, as provenance keeps it."""
        return f"{self.file}, line {self.line}{f', under {self.under}' if self.under else ''}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """A lesson as somebody wrote it down; "" where the file says nothing of it."""

    place: Place
    insight: str
    applies_when: str = ""
    kind: Kind | None = None
    task_type: str = ""
    project: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """An item as another store exported it."""

    place: Place
    dossier: Dossier


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """No lesson, on purpose."""

    place: Place
    text: str
    because: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """Something that cannot be taken, and what to do."""

    place: Place
    text: str
    because: str


Line = Lesson | Arrival | Skipped | Refused


def lesson_of(
    place: Place,
    insight: str,
    *,
    applies_when: str = "",
    kind: Kind | None = None,
    task_type: str = "",
    project: str = "",
    tags: tuple[str, ...] = (),
) -> Lesson | Refused:
    """A lesson, if it can be one: within the lengths that the memory takes, of whole characters."""
    for name, text, most in (("lesson", insight, MOST_INSIGHT), ("condition", applies_when, MOST_CONDITION)):
        if len(text) > most:
            problem = f"the {name} has {len(text):,} characters, at most {most:,} are allowed: split or shorten it"
            return Refused(place=place, text=insight, because=problem)
        if any("\ud800" <= character <= "\udfff" for character in text):
            problem = f"the {name} has half of a surrogate pair, which cannot be stored: write valid Unicode"
            return Refused(place=place, text=insight.encode("utf-8", "replace").decode(), because=problem)
    return Lesson(
        place=place,
        insight=insight,
        applies_when=applies_when,
        kind=kind,
        task_type=task_type,
        project=project,
        tags=tags,
    )
