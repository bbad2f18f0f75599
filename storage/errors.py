"""The error tree. Every message says what is wrong and what to do.

FleetloreError
├── MissingLibrary (ImportError)         an optional library that was not installed
├── ServerUnreachable (ConnectionError)  a fleetlore server elsewhere that does not answer, or not as one
├── IssuerFault (ConnectionError)        an identity provider that says nothing of use about its keys
├── IssuerUnreachable (ConnectionError)  a token that nobody can judge, as its issuer's keys are not to be had
├── Refusal (ValueError)                 a caller's argument: which one, what is wrong, what to do instead
│   └── EditConflict                     somebody else has changed what the caller was changing
├── Forbidden (PermissionError)          a caller who lacks the scope for what it asks
├── FileRefused (ValueError)             a file that people own too and that is not as we could safely change it
├── PolicyImpossible (ValueError)        a number in a policy that no policy can have
├── ServerEnded (RuntimeError)           a server that we started did not start, or is gone
└── DataError (RuntimeError)             the data directory or what is in it
    ├── DataDirectoryUnusable            not a folder, not writable, locked
    │   └── NetworkDisk                  on another machine's disk, where locks do not hold
    ├── DataDirectoryLost                removed, moved or replaced while it was open
    ├── EmbedderMismatch                 vectors made with another embedder
    ├── StorageBusy                      another process writes for longer than one can wait
    ├── NotWritable                      nothing can be stored now; what is there can be read
    │   ├── DataNewer                    written by a later version of fleetlore
    │   ├── DataReadOnly                 this user may only read, or the disk is mounted so
    │   ├── StorageFull                  no room for a write; what was there before stays
    │   └── DiskRefuses                  the disk takes no write, for a reason that it does not tell
    └── StorageFault                     anything else a store reports
        ├── LedgerDamaged                pages of the ledger that cannot be what was written
        └── SpacesDamaged                files of the knowledge spaces that are missing or cannot be read
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import ClassVar


class FleetloreError(Exception):
    """Base of every error that fleetlore raises on purpose."""


def known_fault(error: BaseException) -> FleetloreError | None:
    """The error of ours that this is, or that a group comes down to; None where something else is wrong too."""
    while isinstance(error, BaseExceptionGroup):
        if error.split(FleetloreError)[1] is not None:
            return None
        error = error.exceptions[0]
    return error if isinstance(error, FleetloreError) else None


class Refusal(FleetloreError, ValueError):
    """A call that cannot be carried out as it was made; nothing was stored."""

    def __init__(self, argument: str, problem: str, remedy: str) -> None:
        self.argument = argument
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{argument}: {problem}. {remedy}.")


class EditConflict(Refusal):
    """Somebody else has worded an item anew since the caller read it; nothing was stored."""

    def __init__(self, item: str, *, by: str, at: datetime) -> None:
        when = at.isoformat(sep=" ", timespec="seconds")
        problem = f"{by} changed {item} at {when}, after you had read it"
        super().__init__("id", problem, f"See what it says now: fleetlore show {item}")


class Forbidden(FleetloreError, PermissionError):
    """A caller lacks the scope that this way of asking needs; nothing was shown or stored."""

    def __init__(self, agent: str, way: str, needed: str) -> None:
        self.agent = agent
        self.way = way
        self.needed = needed
        super().__init__(
            f"{way} needs the scope {needed}, which the token of {agent} does not have. "
            "Go on without it, or ask whoever gave you the token."
        )


class MissingLibrary(FleetloreError, ImportError):
    """Something needs a library that comes with an extra of this package."""

    def __init__(self, library: str, extra: str) -> None:
        self.library = library
        super().__init__(f"this needs {library}, which is not installed. Run: pip install 'fleetlore[{extra}]'")


class ServerUnreachable(FleetloreError, ConnectionError):
    """A fleetlore server elsewhere does not answer, or not as one."""

    def __init__(self, url: str, problem: str) -> None:
        self.url = url
        super().__init__(f"the fleetlore server at {url} cannot be used: {problem}. Check that it runs, and --url.")


class IssuerFault(FleetloreError, ConnectionError):
    """An identity provider cannot be asked for its keys, or says nothing of use; raised as its predicate."""


class IssuerUnreachable(FleetloreError, ConnectionError):
    """Nobody can tell whether a token counts: its issuer's keys are not to be had. It may count later."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        super().__init__(
            f"whether this token counts cannot be told now, as the keys of {issuer} cannot be had. "
            "Send it again in a minute; the server's log says what is wrong."
        )


class FileRefused(FleetloreError, ValueError):
    """A file that somebody else owns too cannot be read or changed safely; it was left as it is."""

    def __init__(self, path: Path, line: int | None, problem: str, remedy: str) -> None:
        self.path = path
        self.line = line
        self.problem = problem
        self.remedy = remedy
        place = f"{path}, line {line}" if line else f"{path}"
        super().__init__(f"{place}: {problem}. {remedy}. Nothing was changed in it.")


class PolicyImpossible(FleetloreError, ValueError):
    """A policy with a value that makes no sense."""

    def __init__(self, name: str, value: object, allowed: str) -> None:
        self.name = name
        self.value = value
        super().__init__(f"the policy's {name} is {value}, and must be {allowed}.")


class ServerEnded(FleetloreError, RuntimeError):
    """A server that this process had started ended by itself; carries the end of its log."""

    def __init__(self, log: Iterable[str]) -> None:
        said = " ".join(" ".join(log).split()).removeprefix("fleetlore: ").rstrip(".") or "it says nothing"
        super().__init__(f"the server did not start, or ended by itself: {said}.")


class DataError(FleetloreError, RuntimeError):
    """The data directory, or what is in it, cannot be used as asked.

    `part` is what is degraded by it, `brief` why, in words that name no place.
    """

    part: ClassVar[str] = "ledger"
    brief: ClassVar[str] = "the server's log says why"


class DataDirectoryUnusable(DataError):
    """The data directory is a file, cannot be created, or cannot be written."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        super().__init__(f"data directory {path}: {problem}. Choose another with --data or FLEETLORE_DATA.")


class NetworkDisk(DataDirectoryUnusable):
    """The data directory lies on another machine's disk."""

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self.kind = kind
        DataError.__init__(
            self,
            f"data directory {path} lies on a network disk ({kind}), where locks between processes do not hold: "
            "what two of them write may be lost. Run one server on the machine that has the disk, for all to connect "
            "to (fleetlore serve --transport http), or choose a local directory with --data. If no other machine ever "
            "opens this one: --allow-network-disk.",
        )


class DataDirectoryLost(DataError):
    """The ledger that was opened is no longer the file at its path."""

    part = "data directory"
    brief = "the data directory was removed or replaced"

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"data directory {path} was removed, moved or replaced while this server used it: nothing was stored. "
            "Put it back where it was (the server then goes on by itself), or end the server and start it anew."
        )


class EmbedderMismatch(DataError):
    """The vectors in the spaces were made with another embedder than the one configured."""

    def __init__(self, stored: str, configured: str) -> None:
        self.stored = stored
        self.configured = configured
        super().__init__(
            f"this data was made with the embedder {stored}, but {configured} is configured. "
            f"Start with --embedder {stored}, or, with the same --data, make its vectors anew: "
            f"fleetlore rebuild --embedder {configured}"
        )


class StorageBusy(DataError):
    """Another process held the ledger, or a lock file, for longer than one waits; nothing was stored."""

    def __init__(self, held: str = "ledger.sqlite") -> None:
        super().__init__(
            f"another process has kept {held} locked all the while: nothing was stored. Send it again; if it stays so, "
            f"that process is suspended or stuck: resume or end whoever holds {held}."
        )


class NotWritable(DataError):
    """Nothing can be stored now; reading goes on."""


class DataNewer(NotWritable):
    """The ledger was written by a later version: this one may read it, as far as it understands it."""

    brief = "a newer fleetlore made this data, and this one may only read it: upgrade it"

    def __init__(self, path: Path, found: int, known: int) -> None:
        self.found = found
        self.known = known
        super().__init__(
            f"data directory {path} was made by a newer fleetlore (schema {found}, this one knows {known}): this one "
            "may only read it, and nothing was stored. Upgrade this fleetlore and start it anew, or choose another "
            "directory with --data."
        )


class DataReadOnly(NotWritable):
    """This process may read the data directory and not write it."""

    part = "data directory"
    brief = "the data directory is read-only"

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"data directory {path} is read-only for this user: nothing was stored, and what is there can be read. "
            "Make it and the files in it writable again (its owner, its permissions, how its disk is mounted); "
            "a server then goes on by itself."
        )


class StorageFull(NotWritable):
    """A store had no room; the write was refused whole."""

    part = "disk"
    brief = "the disk is full"

    def __init__(self) -> None:
        super().__init__("the data directory is full: nothing was stored. Free some disk space and send it again.")


class DiskRefuses(NotWritable):
    """The disk refused a write, and not for want of room."""

    part = "disk"
    brief = "the disk refuses to be written"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the disk refused a write ({reason}): nothing was stored. Look at this user's quota and limits, "
            "and at what the system's log says of the disk; then send it again."
        )


class StorageFault(DataError):
    """A store reported an error of its own."""

    def __init__(self, store: str, reason: str) -> None:
        super().__init__(f"the {store} reported an error: {reason}. Nothing was stored; see the server's log.")


class LedgerDamaged(StorageFault):
    """Pages of the ledger cannot be what was written."""

    brief = "the ledger is damaged"

    def __init__(self, path: Path, reason: str) -> None:
        DataError.__init__(
            self,
            f"{path} is damaged ({reason}): nothing was stored. fleetlore check shows what is wrong with it, and "
            "fleetlore restore FILE puts back a backup.",
        )


class SpacesDamaged(StorageFault):
    """Files of the knowledge spaces are missing, or cannot be read; the ledger still has all that was in them."""

    part = "spaces"
    brief = "the knowledge spaces cannot be used"

    def __init__(self, reason: str) -> None:
        DataError.__init__(
            self,
            f"the knowledge spaces cannot be used ({reason}): nothing was stored, and nothing is lost, as the ledger "
            "has all that was in them. fleetlore check shows what is wrong, and fleetlore rebuild makes them anew.",
        )
