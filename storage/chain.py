"""The chain: each event carries a link, a digest of the link before it and of everything the event says.

Whoever changes, removes, inserts or moves an event must change every later link too. The canonical form is plain enough
for a stranger's verifier: the previous link ("" for the first), id, store, time in microseconds, kind, agent, subject
and body, one a line, in UTF-8, under SHA-256. Only JSON in the body could hold a line break, and JSON escapes it.

A text is bound by the event that tells of it: its body holds a seal, HMAC-SHA-256 under a key that is kept beside the
text and erased with it. Then the seal says nothing of the text any more, not even to who guesses it.
"""

import hashlib
import hmac
import secrets

SEAL = "content"  # what the body of an event calls the seal of its subject's text


def link_of(previous: str, id: str, store: str, at: int, kind: str, agent: str, subject: str, body: str) -> str:
    """The link of an event behind the one whose link is `previous`."""
    return hashlib.sha256("\n".join([previous, id, store, str(at), kind, agent, subject, body]).encode()).hexdigest()


def new_nonce() -> str:
    """A key for the seal of one text."""
    return secrets.token_hex(16)


def seal_of(nonce: str, text: str) -> str:
    """The seal of a text: 32 hexadecimal digits."""
    return hmac.digest(nonce.encode(), text.encode(), "sha256").hex()[:32]
