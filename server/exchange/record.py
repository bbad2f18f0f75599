"""One line of an export: an item with its evidence, as JSON. Written and read here; validated where it is read."""

import json
import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from fleetlore.kmu.evidence import LEAST_TRUST, MOST_TRUST
from fleetlore.kmu.lexicon import normal_form
from fleetlore.server.exchange.lines import MOST_INSIGHT, Arrival, Place, Refused
from fleetlore.storage.dossiers import Dossier, Statement
from fleetlore.storage.identifiers import FeedbackId, ItemId
from fleetlore.storage.records import AgentName, Evidence, Implicit, Item, Kind, Outcome, Space, Stage, Verdict

MARK = "fleetlore"
VERSION = 1

_DIGITS = "[0-9a-hjkmnp-tv-z]{20}"
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def _stored(text: str) -> str:
    if _SURROGATE.search(text):
        raise ValueError
    return text


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError
    return _stored(text)


def _worded(text: str) -> str:
    if not normal_form(text):
        raise ValueError
    return _stored(text)


def _text(value: object) -> object:
    """Numbers would be taken for times since 1970."""
    if not isinstance(value, str):
        raise ValueError
    return value


_Moment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_text)]
_Item = Annotated[str, Field(pattern=rf"^k_{_DIGITS}$")]
_Report = Annotated[str, Field(pattern=rf"^f_{_DIGITS}$")]
_Agent = Annotated[str, Field(pattern=r"^[A-Za-z0-9._@-]{1,64}$")]
_Name = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]
_Tag = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_one_line)]
_Text = Annotated[str, Field(max_length=20_000), AfterValidator(_stored)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ReportLine(_Model):
    """A report that speaks of the item."""

    id: _Report
    agent: _Agent
    at: _Moment
    outcome: Outcome
    implicit: Implicit | Literal[""]
    reasoning: _Text


class VerdictLine(_Model):
    """What a report says of the item."""

    report: _Report
    source: Annotated[str, Field(pattern=rf"^(r_{_DIGITS}|agent:[A-Za-z0-9._@-]{{1,64}})$")]
    project: _Name
    sign: Literal[-1, 1]
    named: bool
    delta: Annotated[float, Field(ge=-20, le=20, allow_inf_nan=False)]


class ItemLine(_Model):
    """An item with its evidence."""

    fleetlore: int
    id: _Item
    space: Space
    owner: Annotated[str, Field(pattern=r"^[A-Za-z0-9._@-]{0,64}$")]
    kind: Kind
    insight: Annotated[str, Field(max_length=MOST_INSIGHT), AfterValidator(_worded)]
    applies_when: _Text
    task_type: _Name
    project: _Name
    tags: Annotated[list[_Tag], Field(max_length=100)]
    author: _Agent
    created_at: _Moment
    updated_at: _Moment
    stage: Stage
    trust: Annotated[float, Field(ge=LEAST_TRUST, le=MOST_TRUST)]
    borne_out_from: _Moment | None
    superseded_by: _Item | None
    conflicts_with: list[_Item]
    origin: _Report
    reports: list[ReportLine]
    verdicts: list[VerdictLine]
    blames: list[_Report]


def written(dossier: Dossier) -> str:
    """A dossier as one line, without its end."""
    item = dossier.item
    values = {
        MARK: VERSION,
        "id": item.id,
        "space": item.space,
        "owner": item.owner,
        "kind": item.kind,
        "insight": item.insight,
        "applies_when": item.applies_when,
        "task_type": item.task_type,
        "project": item.project,
        "tags": item.tags,
        "author": item.author,
        "created_at": _told(item.created_at),
        "updated_at": _told(item.updated_at),
        "stage": item.stage,
        "trust": item.evidence.trust,
        "borne_out_from": _told(dossier.borne_from) if dossier.borne_from else None,
        "superseded_by": item.superseded_by,
        "conflicts_with": dossier.conflicts,
        "origin": item.feedback,
        "reports": [
            {
                "id": one.id,
                "agent": one.agent,
                "at": _told(one.at),
                "outcome": one.outcome,
                "implicit": one.implicit,
                "reasoning": one.reasoning,
            }
            for one in dossier.statements
        ],
        "verdicts": [
            {
                "report": one.feedback,
                "source": one.source,
                "project": one.project,
                "sign": one.sign,
                "named": one.direct,
                "delta": one.delta,
            }
            for one in dossier.verdicts
        ],
        "blames": dossier.blames,
    }
    return json.dumps(values, ensure_ascii=False)


def arrival_of(values: dict[str, Any], place: Place, agent: AgentName) -> Arrival | Refused:
    """A line of an export, checked; `agent` is who imports it."""
    text = str(values.get("insight", "")).encode("utf-8", "replace").decode()
    if (because := _of_another_version(values.get(MARK))) is not None:
        return Refused(place=place, text=text, because=because)
    try:
        line = ItemLine.model_validate(values)
    except ValidationError as error:
        return Refused(place=place, text=text, because=_told_of(error))
    if (because := _impossible(line, agent)) is not None:
        return Refused(place=place, text=text, because=because)
    return Arrival(place=place, dossier=_dossier(line))


def _of_another_version(version: object) -> str | None:
    if version == VERSION and type(version) is int:
        return None
    if type(version) is int and version > VERSION:
        return f"it is of format {version} and this fleetlore reads {VERSION}: upgrade this fleetlore"
    return f"its format is unknown: a line of an export says {json.dumps(MARK)}: {VERSION}"


def _told_of(error: ValidationError) -> str:
    """The first thing that is wrong, in our words."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    name = name.encode("utf-8", "replace").decode()[:80]
    match first["type"]:
        case "missing":
            return f"{name} is missing: every line of an export has it"
        case "extra_forbidden":
            return f"{name} is no field of an export"
        case _:
            return f"{name} is not what an export writes there"


def _impossible(line: ItemLine, agent: AgentName) -> str | None:
    """What each field allows and all together do not."""
    reports = {report.id for report in line.reports}
    named = [line.origin, *line.blames, *(verdict.report for verdict in line.verdicts)]
    lost = next((name for name in named if name not in reports), None)
    if lost is not None:
        return f"it names the report {lost}, which is not among its reports"
    agents = {report.id: report.agent for report in line.reports}
    rules = (
        (
            (line.space == "prompt") != bool(line.owner),
            "owner is the agent whose own item it is, and empty in the general space",
        ),
        (
            line.owner not in ("", agent),
            f"it is {line.owner}'s own, and nobody else may have it: import it with --agent {line.owner}",
        ),
        (agents[line.origin] != line.author, "its author did not make the report that it came with"),
        (
            len({verdict.source for verdict in line.verdicts}) < len(line.verdicts),
            "two of its verdicts have the same source",
        ),
        (line.id in (line.superseded_by, *line.conflicts_with), "it cannot supersede or contradict itself"),
        (line.updated_at < line.created_at, "it was updated before it was created"),
        (
            line.space == "general" and line.stage == "active" and not _backed(line, agents),
            "it is active, and no agent but its author backs it",
        ),
    )
    return next((because for broken, because in rules if broken), None)


def _backed(line: ItemLine, agents: dict[str, str]) -> bool:
    return any(one.sign > 0 and one.named and agents[one.report] != line.author for one in line.verdicts)


def _dossier(line: ItemLine) -> Dossier:
    reports = {report.id: report for report in line.reports}
    return Dossier(
        item=Item(
            id=ItemId(line.id),
            space=line.space,
            owner=line.owner,
            kind=line.kind,
            insight=line.insight,
            applies_when=line.applies_when,
            task_type=line.task_type,
            project=line.project,
            tags=tuple(line.tags),
            author=AgentName(line.author),
            feedback=FeedbackId(line.origin),
            digest="",
            condition="",
            lesson="",
            slot="",
            stage=line.stage,
            evidence=Evidence(trust=line.trust),
            created_at=line.created_at,
            updated_at=line.updated_at,
            superseded_by=ItemId(line.superseded_by) if line.superseded_by else None,
        ),
        verdicts=tuple(
            Verdict(
                item=ItemId(line.id),
                source=one.source,
                agent=AgentName(reports[one.report].agent),
                project=one.project,
                feedback=FeedbackId(one.report),
                at=reports[one.report].at,
                sign=one.sign,
                direct=one.named,
                delta=one.delta,
                implicit=reports[one.report].implicit != "",
            )
            for one in line.verdicts
        ),
        statements=tuple(
            Statement(
                id=FeedbackId(one.id),
                agent=AgentName(one.agent),
                at=one.at,
                outcome=one.outcome,
                implicit=one.implicit,
                reasoning=one.reasoning,
            )
            for one in line.reports
        ),
        conflicts=tuple(ItemId(other) for other in line.conflicts_with),
        blames=tuple(FeedbackId(report) for report in line.blames),
        borne_from=line.borne_out_from,
    )


def _told(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")
