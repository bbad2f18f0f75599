"""What a transaction writes to be evident later: events, chained, and texts, each bound by an event about it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fleetlore.storage.chain import SEAL, new_nonce, seal_of
from fleetlore.storage.connection import Connection
from fleetlore.storage.identifiers import new_event_id
from fleetlore.storage.records import AgentName
from fleetlore.storage.redaction import SCREENING
from fleetlore.storage.rows import StoreInfo, microseconds


class Sealing:
    """The part of a transaction at the time `now` that appends to the chain and keeps texts.

    A text that is kept waits in `unbound` for the event about it, and must find one in the same transaction.
    """

    _connection: Connection
    info: StoreInfo
    now: datetime
    unbound: dict[str, str]

    async def record(self, kind: str, *, agent: AgentName, subject: str, **body: object) -> None:
        """Appends an event. `body` holds identifiers, numbers and digests only: never free text."""
        if subject in self.unbound:
            body[SEAL] = self.unbound.pop(subject)
        await self._connection.run(
            "add_event",
            id=new_event_id(self.now),
            store=self.info.id,
            at=microseconds(self.now),
            kind=kind,
            agent=agent,
            subject=subject,
            body=json.dumps(body),
        )

    async def _keep(self, query: str, subject: str, content: Mapping[str, object]) -> None:
        """Keeps the text of a subject by that query, under a seal."""
        nonce, text = new_nonce(), json.dumps(content)
        await self._connection.run(query, id=subject, body=text, nonce=nonce, screened=SCREENING)
        self.unbound[subject] = seal_of(nonce, text)

    async def _adopt_texts(self, texts: Sequence[tuple[str, str]]) -> None:
        """Keeps many texts, but for those whose subject has one already."""
        rows: list[dict[str, Any]] = [
            {"id": subject, "body": text, "nonce": new_nonce(), "screened": SCREENING} for subject, text in texts
        ]
        await self._connection.run_many("adopt_content", rows)
        kept = await self._connection.rows("nonces_of", ids=json.dumps([row["id"] for row in rows]))
        nonces = {row["id"]: row["nonce"] for row in kept}
        for row in rows:
            if nonces[row["id"]] == row["nonce"]:
                self.unbound[row["id"]] = seal_of(row["nonce"], row["body"])
