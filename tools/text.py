"""Other people's words in the text form of an answer: quoted, and never longer than they need to be."""

import json


def quoted(text: str) -> str:
    """The text between quotation marks, on one line, so that it cannot pass for the server's own words."""
    return json.dumps(text, ensure_ascii=False)


def clipped(text: str, length: int) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
