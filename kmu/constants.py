"""The numbers of the rule by which evidence counts. What each does is measured in `docs/learning.md`."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Constants:
    """The numbers of the rule, with the symbols that `docs/learning.md` uses."""

    vote: float = 3.0  # exponent of relevance in a vote
    score: float = 2.0  # exponent of relevance in a score
    consensus: float = 1.0  # exponent in a score of the share that the item's lesson has in the votes
    slip: float = 0.2  # e of the first agents; in the credit of what a reliable agent says, e is at most this
    least_slip: float = 0.02
    most_slip: float = 0.9
    slip_rate: float = 0.02  # how fast e follows what is seen of the agent
    newcomers: int = 8  # latest new names whose mean slip rate a new name starts with
    majority: float = 4.0  # exponent of the shares by which others bear a report out
    unheard: float = 2.0  # exponent of the odds that an agent whose reports are mostly not borne out is right
    chance: float = 0.02  # q: chance that an unrelated report agrees
    least_novel: float = 0.1  # least v: chance that a task brings a lesson not known yet
    novel_prior: float = 100.0  # v after n reports is this / (this + n)
    confirmed_prior: tuple[float, float] = (4.0, 20.0)  # a: confirmed votes of all trusted near votes
    decay: float = 0.999  # of a's sums, a report
    hazard: float = 0.9  # how likely an expected item that fails makes a change of the world
    observed: float = 0.35  # slip rate of what was learnt by watching
    shared: float = 0.3  # log-odds that an outcome without names shares out among the items shown
    implied: float = 0.15  # the same for an outcome that was only seen from outside: half as much
    command_failed: float = 0.05  # where all that was seen is a command that failed: most are repaired at once
    living: float = 19.0  # odds that a lesson is still right somewhere before anybody calls it harmful
    revived_prior: tuple[float, float] = (0.5, 2.0)  # blamed lessons that were borne out again, of all that were blamed
    weights: tuple[float, ...] = (0.0, 0.5, 1.0, 1.5)  # of evidence: exponents of trust that are compared
    usual_weight: float = 1.0
    foreseen_decay: float = 0.998  # of the counts by weight, a report
    lead: float = 1.0  # reports that another weight must have foreseen more than the usual one


CONSTANTS = Constants()
