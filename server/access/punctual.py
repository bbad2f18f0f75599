"""A connection that must bring its requests in time: who sends a head byte by byte would else hold it for ever."""

from asyncio import TimerHandle, Transport

from uvicorn.protocols.http.h11_impl import H11Protocol


class PunctualProtocol(H11Protocol):
    """uvicorn's own, closed where a head does not arrive in time, or the rest of a request that was answered before."""

    patience_seconds = 10.0
    _waiting: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A client has connected."""
        super().connection_made(transport)
        self._note_arrears()

    def data_received(self, data: bytes) -> None:
        """A client has sent something."""
        super().data_received(data)
        self._note_arrears()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        super().connection_lost(exc)
        if self._waiting is not None:
            self._waiting.cancel()

    def send_400_response(self, msg: str) -> None:
        """What was sent is no HTTP: the connection ends with that, and nothing answers the request that it broke."""
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        super().send_400_response(msg)

    def _note_arrears(self) -> None:
        if not self._owes() and self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        elif self._owes() and self._waiting is None:
            self._waiting = self.loop.call_later(self.patience_seconds, self.transport.close)

    def _owes(self) -> bool:
        """Whether nothing is being answered: whatever has been sent since is not whole yet."""
        return self.cycle is None or self.cycle.response_complete


def punctual(seconds: float) -> type[PunctualProtocol]:
    """The connection with that much patience."""
    return type("PunctualProtocol", (PunctualProtocol,), {"patience_seconds": seconds})
