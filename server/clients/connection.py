"""How a client reaches fleetlore, and how an entry of its dialect says so.

A secret never comes into a file: an entry names the variable of the environment, or asks for it, as the client can.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleetlore.server.address import address_of
from fleetlore.server.clients.dialects import Dialect
from fleetlore.storage.errors import Refusal

NAME = "fleetlore"
INPUT = "fleetlore-token"

_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """With a `url` a server that runs elsewhere; else one that the client starts with `command`."""

    command: tuple[str, ...] = ()
    data: str = ""
    agent: str = ""
    url: str = ""
    token_env: str = ""

    def hook(self, event: str) -> tuple[str, ...]:
        """The command line of a hook that works on what this connection reaches."""
        options = {"--data": self.data, "--url": self.url, "--token-env": self.token_env}
        return (*self.command, "hook", event, *_given(options))


def entry(dialect: Dialect, connection: Connection) -> dict[str, Any]:
    """What the client's servers hold under our name."""
    if not connection.url:
        options = {"--data": connection.data, "--agent": connection.agent}
        program, *before = connection.command
        started: dict[str, Any] = {"command": program, "args": [*before, "serve", *_given(options)]}
        return {"type": "stdio", **started} if dialect.typed else started
    reached: dict[str, Any] = {"type": "http"} if dialect.typed else {}
    reached[dialect.address] = connection.url
    if connection.token_env and dialect.token_key:
        reached[dialect.token_key] = connection.token_env
    elif connection.token_env:
        told = f"${{input:{INPUT}}}" if dialect.input else dialect.token.replace("NAME", connection.token_env)
        reached["headers"] = {"Authorization": f"Bearer {told}"}
    return reached


def asked(connection: Connection) -> dict[str, Any]:
    """The input that makes VS Code ask once for the token and keep it in its own store of secrets."""
    description = f"Token for the fleetlore server at {connection.url} (others read it from {connection.token_env})"
    return {"type": "promptString", "id": INPUT, "description": description, "password": True}


def is_entry(dialect: Dialect, value: Any) -> bool:  # noqa: ANN401  any JSON value
    """Whether an entry is one that we would write, with whatever options: then nobody has edited it."""
    if not isinstance(value, dict):
        return False
    connection = _reached(dialect, value) if dialect.address in value else _started(value)
    return connection is not None and entry(dialect, connection) == value


def _started(value: Mapping[str, Any]) -> Connection | None:
    args = value.get("args")
    words = [value.get("command"), *(args if isinstance(args, list) else [])]
    if "serve" not in words or not all(isinstance(word, str) for word in words):
        return None
    command, options = words[: words.index("serve")], words[words.index("serve") + 1 :]
    if not command or not is_ours(command) or len(options) % 2:
        return None
    given = dict(zip(options[::2], options[1::2], strict=True))
    return Connection(command=tuple(command), data=given.get("--data", ""), agent=given.get("--agent", ""))


def _reached(dialect: Dialect, value: Mapping[str, Any]) -> Connection | None:
    headers = value.get("headers", {})
    header = headers.get("Authorization", "") if isinstance(headers, dict) else ""
    if dialect.token_key:
        name = value.get(dialect.token_key, "")
    elif dialect.input:
        name = "TOKEN" if header else ""
    else:
        form = re.escape(f"Bearer {dialect.token}").replace("NAME", "(.*)")
        found = re.fullmatch(form, header) if isinstance(header, str) else None
        name = found[1] if found else ""
    url = value[dialect.address]
    return Connection(url=url, token_env=name) if isinstance(url, str) and isinstance(name, str) else None


def is_ours(command: Sequence[str]) -> bool:
    """Whether a command line starts fleetlore."""
    return (bool(command) and Path(command[-1]).stem == NAME) or tuple(command[-2:]) == ("-m", "fleetlore.server")


def check_words(connection: Connection) -> None:
    """Refuses a path that no file of settings can hold."""
    if any(_UNWRITABLE.search(word) for word in (*connection.command, connection.data)):
        raise Refusal("--data", "the path has characters that no file of settings can hold", "Choose another folder")


def check_remote(title: str, dialect: Dialect, url: str, token_env: str, environ: Mapping[str, str]) -> list[str]:
    """Refuses an address or a token that cannot or must not be written; returns what is doubtful about them.

    No message repeats the address or the token: they may hold a secret.
    """
    if not dialect.address:
        raise Refusal(
            "--url",
            f"{title} only knows servers that it starts itself",
            "Leave --url out, or add the team's server in its own settings under Connectors",
        )
    parts = address_of(url)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise Refusal(
            "--url",
            "the address carries more than host and path, which could be a secret and would be written to a file",
            "Leave that out, and name the variable that holds the token with --token-env",
        )
    if token_env and (not _VARIABLE.fullmatch(token_env) or not (token_env.isupper() or token_env in environ)):
        raise Refusal(
            "--token-env",
            "this is not the name of a variable",
            "Put the token into a variable of the environment, such as FLEETLORE_TOKEN, and give its name",
        )
    if token_env and not (dialect.token or dialect.token_key or dialect.input):
        raise Refusal(
            "--token-env",
            f"{title} cannot take a token from the environment, and we write no secret to a file",
            "Leave --token-env out and add the header in its settings yourself, or use the stdio server",
        )
    doubts = []
    if parts.scheme == "http" and token_env and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        doubts.append("the token goes over the network unencrypted; use https")
    if token_env and not dialect.input and token_env not in environ:
        doubts.append(f"{token_env} is not set here; set it where {title} is started")
    return doubts


def _given(options: Mapping[str, str]) -> list[str]:
    return [word for name, value in options.items() if value for word in (name, value)]
