"""The options of `fleetlore serve` that say who may come in by the network; the command is given an `Access`."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from fleetlore.server.access.settings import Access, Limits
from fleetlore.server.access.sources import is_host, is_origin
from fleetlore.server.command_group import ENVIRONMENT
from fleetlore.storage.errors import Refusal

_USUAL = Limits()
_SECONDS = click.FloatRange(0, 3600, min_open=True)


def access_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options to a command, which is given them as `access`."""

    @click.option(
        "--auth",
        type=click.Choice(["auto", "required"]),
        default="auto",
        envvar=f"{ENVIRONMENT}_AUTH",
        help="auto: everybody needs a token as soon as there is one; required: even before (http).",
    )
    @click.option(
        "--allow-anonymous-network",
        is_flag=True,
        envvar=f"{ENVIRONMENT}_ALLOW_ANONYMOUS_NETWORK",
        help="Listen beyond this machine without any token: whoever reaches it can read and write everything.",
    )
    @click.option(
        "--allow-host",
        multiple=True,
        show_default="from --host",
        callback=_checked(is_host, "a name such as memory.example.com, with or without a port"),
        envvar=f"{ENVIRONMENT}_ALLOW_HOST",
        help="A name that clients reach the server by, such as memory.example.com.",
    )
    @click.option(
        "--allow-origin",
        multiple=True,
        show_default="the server's own",
        callback=_checked(is_origin, "an origin such as https://app.example.com, without a path"),
        envvar=f"{ENVIRONMENT}_ALLOW_ORIGIN",
        help="An origin whose pages may call the server, such as https://app.example.com.",
    )
    @click.option("--tls-cert", **_file("TLS_CERT"), help="Certificate chain (PEM): the server then speaks https.")
    @click.option("--tls-key", **_file("TLS_KEY"), help="The certificate's private key (PEM, without a passphrase).")
    @_limit("--max-request-bytes", click.IntRange(10_000, 10**9), _USUAL.request_bytes, "Largest body of a request.")
    @_limit("--calls-per-minute", click.IntRange(0), _USUAL.calls_per_minute, "Of one agent or address; 0: any.")
    @_limit("--bytes-per-minute", click.IntRange(0), _USUAL.bytes_per_minute, "Of one agent or address; 0: any.")
    @_limit("--body-timeout", _SECONDS, _USUAL.body_seconds, "Seconds in which a request must have arrived.")
    @_limit("--call-timeout", _SECONDS, _USUAL.call_seconds, "Seconds in which an answer must begin.")
    @wraps(command)
    def given(
        *,
        auth: str,
        allow_anonymous_network: bool,
        allow_host: tuple[str, ...],
        allow_origin: tuple[str, ...],
        tls_cert: Path | None,
        tls_key: Path | None,
        max_request_bytes: int,
        calls_per_minute: int,
        bytes_per_minute: int,
        body_timeout: float,
        call_timeout: float,
        **rest: object,
    ) -> None:
        if (tls_cert is None) != (tls_key is None):
            raise Refusal("--tls-cert", "a certificate and its key go together", "Give --tls-cert and --tls-key")
        limits = Limits(
            request_bytes=max_request_bytes,
            calls_per_minute=calls_per_minute,
            bytes_per_minute=bytes_per_minute,
            body_seconds=body_timeout,
            call_seconds=call_timeout,
        )
        access = Access(
            required=auth == "required",
            anonymous_network=allow_anonymous_network,
            hosts=allow_host,
            origins=allow_origin,
            certificate=tls_cert,
            key=tls_key,
            limits=limits,
        )
        command(access=access, **rest)

    return given


def _checked(allowed: Callable[[str], bool], form: str) -> Callable[..., tuple[str, ...]]:
    """A callback that takes values of that form alone."""

    def check(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            if not allowed(value):
                raise click.BadParameter(f"{value!r} is not {form}.")
        return values

    return check


def _file(variable: str) -> dict[str, Any]:
    return {
        "type": click.Path(path_type=Path, dir_okay=False),
        "default": None,
        "envvar": f"{ENVIRONMENT}_{variable}",
    }


def _limit(
    name: str, kind: click.ParamType[Any], usual: float, text: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    variable = f"{ENVIRONMENT}_{name.removeprefix('--').replace('-', '_').upper()}"
    return click.option(name, type=kind, default=usual, envvar=variable, help=text)
