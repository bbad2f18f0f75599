"""The key ring: an issuer's keys as last published, asked for anew when they age or a token names an unknown one."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import anyio
from anyio.abc import TaskGroup
from jwt import PyJWK

from fleetlore.server.oauth.keys import Keys
from fleetlore.storage.errors import IssuerFault, IssuerUnreachable

logger = logging.getLogger(__name__)

FRESH = timedelta(minutes=5)  # older keys are asked for anew, while they go on
PAUSE = timedelta(seconds=10)  # between two requests, whatever tokens ask for
LIMIT = timedelta(hours=1)  # older keys count no more


class KeyRing:
    """Keys by id and algorithm. Ages are of the given clock; one that was set back counts as none.

    There is at most one request at a time. It runs beside the calls, of which those wait that could not go on.
    """

    def __init__(self, issuer: str, ask: Callable[[], Awaitable[Keys]], clock: Callable[[], datetime]) -> None:
        self._issuer = issuer
        self._ask = ask
        self._clock = clock
        self._keys: Keys = {}
        self._published: datetime | None = None
        self._asked: datetime | None = None
        self._asking: anyio.Event | None = None
        self._problem = ""
        self._tasks: TaskGroup | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Asks for the keys, and goes on asking while this is open. Who is away when it opens may come later."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            self.refresh()
            yield
            tasks.cancel_scope.cancel()

    def refresh(self) -> None:
        """Asks for keys that have aged, if it is time to; waits for nothing."""
        if not self._is_within(FRESH, self._published):
            self._request()

    async def key(self, kid: str, algorithm: str) -> PyJWK | None:
        """The key of that id, if the issuer publishes it. Raises `IssuerUnreachable` where that cannot be told."""
        self.refresh()
        if (key := self._usable().get((kid, algorithm))) is not None:
            return key
        self._request()
        await self.settled()
        key = self._usable().get((kid, algorithm))
        if key is None and self._problem:
            raise IssuerUnreachable(self._issuer)
        return key

    async def settled(self) -> None:
        """Waits for the request that is under way, if one is."""
        if self._asking is not None:
            await self._asking.wait()

    def trouble(self) -> str:
        """What is wrong with the issuer and what that means; "" where nothing is."""
        if not self._problem:
            return ""
        if self._usable() and self._published is not None:
            until = (self._published + LIMIT).isoformat(sep=" ", timespec="seconds")
            return f"{self._issuer}: {self._problem}. The keys that it had are used until {until}"
        return f"{self._issuer}: {self._problem}. Its tokens are refused until it can be asked again"

    def _usable(self) -> Keys:
        return self._keys if self._is_within(LIMIT, self._published) else {}

    def _is_within(self, span: timedelta, moment: datetime | None) -> bool:
        return moment is not None and timedelta() <= self._clock() - moment < span

    def _request(self) -> None:
        if self._asking is None and not self._is_within(PAUSE, self._asked):
            assert self._tasks is not None
            self._asking = anyio.Event()
            self._asked = self._clock()
            self._tasks.start_soon(self._fetch, self._asked, self._asking)

    async def _fetch(self, now: datetime, answered: anyio.Event) -> None:
        try:
            self._keys = await self._ask()
        except IssuerFault as fault:
            self._fail(str(fault))
        except Exception:  # the edge of a background task: nobody waits for ever, and the server goes on
            logger.exception("the keys of %s cannot be read", self._issuer)
            self._fail("its keys cannot be read; the server's log says why")
        else:
            self._published, self._problem = now, ""
        finally:
            self._asking = None
            answered.set()

    def _fail(self, problem: str) -> None:
        if problem != self._problem:
            logger.warning("the keys of %s cannot be had: %s", self._issuer, problem)
        self._problem = problem
