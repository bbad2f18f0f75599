"""The ledger's time, which never runs backwards, though the clocks of those who write may be hours apart."""

from datetime import datetime, timedelta

from fleetlore.storage.connection import Connection
from fleetlore.storage.rows import moment

_CLOCKS_APART = timedelta(days=1)


async def time_of(connection: Connection, now: datetime) -> datetime:
    """The time of a transaction: by the clock, and never before the last one, though a clock ahead made that.

    What is more than a day ahead is a clock that is wrong, and followed by nobody.
    """
    row = await connection.row("latest_time")
    latest = now if row is None else moment(row["at"])
    return latest if now < latest <= now + _CLOCKS_APART else now
