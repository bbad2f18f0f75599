"""Who deserves a look, judged without a ledger."""

from datetime import UTC, datetime, timedelta

from fleetlore.kmu.standing import judged
from fleetlore.storage.identifiers import PlanId
from fleetlore.storage.records import AgentName
from fleetlore.storage.standings import AgentStanding

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def standing(name, *, day=0, **known):
    counts = dict.fromkeys(("reports", "judged", "lessons", "active", "provisional", "contested"), 0)
    counts |= dict.fromkeys(("superseded", "pruned", "merged"), 0)
    seen = NOW + timedelta(days=day)
    return AgentStanding(agent=AgentName(name), first_seen=seen, last_seen=seen, **counts | known)


def lowered(name, known):
    return next((other for other in known if other != name and other.casefold() == name.casefold()), None)


def nobody(_name, _known):
    return None


def order(*standings, alike=nobody):
    return [one.standing.agent for one in judged(standings, alike=alike)]


def test_who_slips_comes_first_then_whose_lessons_are_doubted_and_who_was_revoked_last():
    assert order(
        standing("good", slip=0.05, reports=50),
        standing("revoked", slip=0.9, withdrawn_by=PlanId("p_1")),
        standing("new"),
        standing("liar", slip=0.8),
        standing("doubted", slip=0.2, lessons=8, contested=3, pruned=2),
    ) == ["liar", "doubted", "good", "new", "revoked"]


def test_what_makes_an_agent_worth_a_look_is_said():
    liar, doubted, good = judged(
        [
            standing("good", slip=0.19, lessons=40, contested=2),
            standing("liar", slip=0.6),
            standing("doubted", lessons=8, contested=3, pruned=2),
        ],
        alike=nobody,
    )
    assert (liar.reliability, liar.because) == (0.4, ("its reports are not borne out",))
    assert (doubted.reliability, doubted.because) == (None, ("5 of its 8 lessons are contested or pruned",))
    assert (good.reliability, good.because) == (0.81, ())


def test_of_two_names_that_look_alike_the_later_imitates():
    later, first = judged([standing("Ana", day=3), standing("ana", reports=9)], alike=lowered)
    assert (later.standing.agent, later.imitates, later.because) == ("Ana", "ana", ("its name looks like ana",))
    assert (first.standing.agent, first.imitates, first.because) == ("ana", None, ())


def test_one_pruned_lesson_is_no_verdict():
    assert judged([standing("new", lessons=1, pruned=1)], alike=nobody)[0].because == ()
