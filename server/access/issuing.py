"""Issuing tokens: for whom, for what and for how long. A token's text passes here and is kept nowhere."""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from fleetlore.kmu.access import Scope
from fleetlore.kmu.standing import refuse_withdrawn
from fleetlore.server.access.secret import hash_of, id_named, new_text
from fleetlore.server.identity import speaking
from fleetlore.server.imitation import imitated
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import TokenId, new_token_id
from fleetlore.storage.ledger import Ledger, LedgerTransaction
from fleetlore.storage.records import ITSELF, AgentName
from fleetlore.storage.tokens import Token

_NAME = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9._@-]{1,64}")


async def issue(
    ledger: Ledger,
    agent: str,
    scopes: Collection[Scope],
    lasting: timedelta | None,
    *,
    by: AgentName,
    lookalike: bool = False,
) -> tuple[Token, str]:
    """A new token and its text. Raises `Refusal` for a name that is none, or (unless `lookalike`) like another."""

    async def commit(transaction: LedgerTransaction) -> tuple[Token, str]:
        name = _name(agent, await transaction.tokens.known_agents(), lookalike=lookalike)
        if await transaction.withdrawn_by(name) is not None:  # whoever gives it a token lets it speak again
            await transaction.readmit(name)
            await transaction.record("readmitted", agent=by, subject=name)
        return await _add(transaction, name, tuple(sorted(scopes)), lasting, by=by)

    return await ledger.write(commit)


async def rotate(
    ledger: Ledger, named: str, lasting: timedelta | None, grace: timedelta, *, by: AgentName
) -> tuple[Token, Token, str]:
    """The old token, which ends when `grace` is over, and a new one for the same agent and scopes, with its text.

    Raises `Refusal`, also for a revoked one, and for one that had ended before its agent was revoked.
    """

    async def commit(transaction: LedgerTransaction) -> tuple[Token, Token, str]:
        old = await _existing(transaction, named)
        if old.revoked_at is not None:
            raise Refusal("ID", f"{old.id} was revoked", f"Make a new one: fleetlore token create --agent {old.agent}")
        await refuse_withdrawn(transaction, old.agent)
        new, text = await _add(transaction, old.agent, old.scopes, lasting, by=by, instead_of=old.id)
        end = transaction.now + grace
        await transaction.tokens.expire(old.id, end)
        return replace(old, expires_at=min(end, old.expires_at or end)), new, text

    return await ledger.write(commit)


async def revoke(ledger: Ledger, named: Sequence[str], agent: str, *, by: AgentName) -> list[TokenId]:
    """Ends the tokens named, or all of an agent's; returns those that ended. Raises `Refusal` where there is none."""

    async def commit(transaction: LedgerTransaction) -> list[TokenId]:
        if agent:
            ended = list(await transaction.tokens.revoke_all_of(AgentName(agent)))
            if not ended:
                raise Refusal(
                    "--agent", f"{agent!r} has no token that counts", "See which there are: fleetlore token list"
                )
        else:
            tokens = [await _existing(transaction, one) for one in named]
            ended = [token.id for token in tokens if await transaction.tokens.revoke(token.id)]
        for token in ended:
            await transaction.record("token revoked", agent=by, subject=token)
        return ended

    return await ledger.write(commit)


async def _existing(transaction: LedgerTransaction, named: str) -> Token:
    token = id_named(named)
    found = None if token is None else await transaction.tokens.token(token)
    if found is None:
        told = repr(named) if token is None and len(named) <= 24 else token or "this"
        raise Refusal("ID", f"{told} is no token's id here", "See which there are: fleetlore token list")
    return found


async def _add(
    transaction: LedgerTransaction,
    agent: AgentName,
    scopes: tuple[str, ...],
    lasting: timedelta | None,
    *,
    by: AgentName,
    instead_of: str = "",
) -> tuple[Token, str]:
    now: datetime = transaction.now
    identifier = new_token_id(now)
    text = new_text(identifier)
    token = Token(
        id=identifier,
        agent=agent,
        scopes=scopes,
        hash=hash_of(text),
        created_at=now,
        expires_at=None if lasting is None else now + lasting,
    )
    await transaction.tokens.add(token)
    await transaction.record(
        "token created", agent=by, subject=token.id, holder=agent, scopes=scopes, instead_of=instead_of
    )
    return token, text


def _name(name: str, known: Collection[str], *, lookalike: bool) -> AgentName:
    """The name, if it is one and nobody takes it for another's."""
    alike = None if name in known else imitated(name, [ITSELF, *known])
    if not _NAME.fullmatch(name):
        taken_for = f", and looks like {alike}" if alike else ""
        raise Refusal(
            "--agent",
            f"{name!r} is no name of 1 to 64 letters and digits from A to Z and 0 to 9, and ._@-{taken_for}",
            "Choose one that is",
        )
    speaking(name)
    if alike and not lookalike:
        raise Refusal(
            "--agent",
            f"{name} looks like {alike}, whom the fleet knows: people would take one for the other",
            f"Choose another name, or --agent {alike} if it is the same one; --allow-lookalike insists",
        )
    return AgentName(name)
