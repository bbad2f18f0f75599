"""Identifiers: globally unique, sortable by time, recognisable by their prefix.

An identifier is a prefix, an underscore and 20 characters of Crockford's base 32 in lower case: 48 bits of Unix time
in milliseconds, then 50 random bits. Two ledgers can therefore be united without renaming anything.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import NewType

ItemId = NewType("ItemId", str)
ReceiptId = NewType("ReceiptId", str)
FeedbackId = NewType("FeedbackId", str)
PlanId = NewType("PlanId", str)
EventId = NewType("EventId", str)
StoreId = NewType("StoreId", str)
TokenId = NewType("TokenId", str)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_BITS = 50
_LENGTH = 20


def _new(prefix: str, now: datetime) -> str:
    number = (int(now.timestamp() * 1000) << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
    digits = [_ALPHABET[(number >> shift) & 31] for shift in range(5 * (_LENGTH - 1), -1, -5)]
    return f"{prefix}_{''.join(digits)}"


def new_item_id(now: datetime) -> ItemId:
    """A new knowledge item's id, `k_…`."""
    return ItemId(_new("k", now))


def new_receipt_id(now: datetime) -> ReceiptId:
    """A new receipt's id, `r_…`."""
    return ReceiptId(_new("r", now))


def new_feedback_id(now: datetime) -> FeedbackId:
    """A new feedback's id, `f_…`."""
    return FeedbackId(_new("f", now))


def new_plan_id(now: datetime) -> PlanId:
    """A new prune plan's id, `p_…`."""
    return PlanId(_new("p", now))


def new_event_id(now: datetime) -> EventId:
    """A new ledger event's id, `e_…`."""
    return EventId(_new("e", now))


def new_store_id(now: datetime) -> StoreId:
    """The id of a new ledger, `s_…`; every event names the store it came from."""
    return StoreId(_new("s", now))


def new_token_id(now: datetime) -> TokenId:
    """A new token's id, `t_…`: not secret, and part of the token."""
    return TokenId(_new("t", now))


def age(identifier: str, now: datetime) -> timedelta:
    """How long ago an identifier was made."""
    number = 0
    for digit in identifier.partition("_")[2]:
        number = number * 32 + _ALPHABET.index(digit)
    return now - datetime.fromtimestamp((number >> _RANDOM_BITS) / 1000, UTC)
