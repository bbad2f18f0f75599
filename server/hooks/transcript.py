"""The receipts that a session was given, as its transcript names them.

A transcript is the assistant's own file, one JSON object a line. What is looked for is unmistakable, so that its form
does not matter; only the end of a long one is read.
"""

import os
import re
from pathlib import Path

from fleetlore.storage.identifiers import ReceiptId

TAIL_BYTES = 16_000_000
MOST_RECEIPTS = 1_000
# It begins with what it looks for: with a look behind first, 8 MB would take 230 ms in place of 3.
_RECEIPT = re.compile(rb"r_[0-9a-hjkmnp-tv-z]{20}(?![0-9A-Za-z_])")
_WITHIN_A_NAME = re.compile(rb"(?<!\\)[0-9A-Za-z_]\Z")  # behind a backslash it is a line break or the like


def receipts_in(transcript: str) -> list[ReceiptId]:
    """The receipts named at the end of the file, those named last first; none where it cannot be read."""
    if not transcript:
        return []
    try:
        with Path(transcript).expanduser().open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            tail = file.read(TAIL_BYTES)
    except (OSError, ValueError, RuntimeError):  # not there, not a file, a name that cannot be one
        return []
    named = [
        ReceiptId(found[0].decode())
        for found in _RECEIPT.finditer(tail)
        if not _WITHIN_A_NAME.search(tail[max(0, found.start() - 2) : found.start()])
    ]
    return list(dict.fromkeys(reversed(named)))[:MOST_RECEIPTS]
