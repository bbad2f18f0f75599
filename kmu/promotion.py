"""Promotion: when a provisional item becomes active, and when it falls back."""

from fleetlore.storage.records import Stage

DEFAULT_BACKERS = 2
_EVEN_ODDS = 0.5


def stage_of(
    current: Stage,
    *,
    backers: int,
    objectors: int,
    trust: float,
    required: int = DEFAULT_BACKERS,
    held: bool = False,
) -> Stage:
    """The stage that outcomes warrant.

    `backers` and `objectors` are agents other than the author, each counted by its latest report that names the item.
    Active needs `required` backers, more of them than objectors, and trust above even odds. An active item falls back
    when objectors are as many as backers: one report, however loud, does not undo what several agents bore out.
    What is `held` until a person has looked at it stays provisional, however many bear it out.
    """
    if held:
        return "provisional"
    if backers >= required and backers > objectors and trust >= _EVEN_ODDS:
        return "active"
    return "provisional" if objectors >= max(backers, 1) else current
