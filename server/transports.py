"""Transports: stdio for one client, HTTP for a fleet (streamable at /mcp, legacy SSE at /sse, /hooks, /healthz)."""

import os
import select
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace

import anyio
import uvicorn
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fleetlore.server.access.gate import HEALTH, Gate
from fleetlore.server.access.punctual import punctual
from fleetlore.server.access.sources import is_loopback
from fleetlore.server.access.tls import check_certificate
from fleetlore.server.access.turned_away import refusal
from fleetlore.server.app import SharedMemory
from fleetlore.server.hooks.route import hooks_route
from fleetlore.server.listening import listening, log_address
from fleetlore.server.oauth.resource import challenge, host_of, resource_routes
from fleetlore.server.settings import Settings
from fleetlore.server.workers import READY
from fleetlore.storage.errors import FleetloreError, Refusal

_GRACE_SECONDS = 1


async def serve_stdio(server: MCPServer[None]) -> None:
    """Serves one client until its input ends or a signal comes."""

    async def end_input_on_signal(stop: int) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                os.write(stop, b".")

    # The SDK reads in a thread that cannot be interrupted: a signal reaches it as the end of its input.
    stop = _relay_input()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(end_input_on_signal, stop)
        await server.run_stdio_async()
        tasks.cancel_scope.cancel()


def _relay_input() -> int:
    """Puts a pipe in the place of the standard input; a byte written to the returned descriptor ends it."""
    source = os.dup(0)
    reading, writing = os.pipe()
    stopped, stop = os.pipe()
    os.dup2(reading, 0)
    os.close(reading)

    def relay() -> None:
        with open(writing, "wb", buffering=0) as sink, suppress(OSError):  # noqa: PTH123  a descriptor, not a path
            while stopped not in select.select([source, stopped], [], [])[0] and (block := os.read(source, 65_536)):
                sink.write(block)

    threading.Thread(target=relay, name="stdin", daemon=True).start()
    return stop


def http_app(server: MCPServer[None], shared: SharedMemory, settings: Settings) -> Gate:
    """One application with every route, behind the gate; its lifespan is the server's."""

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse(await shared.health())

    # The gate has looked at Host, Origin and size. Stateless: sessions would die with a restart, and cost memory each.
    unguarded = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    most = settings.access.limits.request_bytes
    app = server.streamable_http_app(
        stateless_http=True, json_response=True, transport_security=unguarded, max_request_body_size=most
    )
    if settings.alone:
        for route in server.sse_app(transport_security=unguarded, max_request_body_size=most).routes:
            if isinstance(route, Route):
                route.app = _answering_once(route.app)
            app.router.routes.append(route)
    else:
        app.router.routes.append(Route("/sse", _of_one_process))
    app.router.routes.append(Route(HEALTH, healthz, methods=["GET"]))
    app.router.routes.append(hooks_route(shared.hook))
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(FleetloreError, _unable)
    app.add_exception_handler(Exception, _failed)
    access, oauth = settings.access, settings.oauth
    if oauth is None:
        return Gate(app, access, shared.verifiers(), listening=settings.host, alive=shared.alive)
    metadata = resource_routes(oauth)
    app.router.routes.extend(metadata)
    return Gate(
        app,
        replace(access, hosts=(*access.hosts, host_of(oauth))),
        shared.verifiers(),
        listening=settings.host,
        alive=shared.alive,
        challenge=challenge(oauth),
        public=frozenset(route.path for route in metadata),
    )


async def _of_one_process(_: Request) -> Response:
    raise HTTPException(
        501, "the streams of /sse need a server of one process, and this one has workers. Connect to /mcp."
    )


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = {404: "there is nothing here. Clients connect to /mcp.", 405: "this cannot be asked in this way."}
    sentence = told.get(error.status_code, error.detail)
    return refusal(request.url.path, error.status_code, sentence, headers=error.headers)


async def _unable(request: Request, error: Exception) -> Response:
    return refusal(request.url.path, 503, str(error))


async def _failed(request: Request, _: Exception) -> Response:
    return refusal(
        request.url.path, 500, "the server failed at this request, and its log says why. Send it again once."
    )


def _answering_once(app: ASGIApp) -> ASGIApp:
    """The SDK's event stream starts a second answer once the server, or its client, has ended it: that is not sent."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        started = ended = False

        async def send_once(message: Message) -> None:
            nonlocal started, ended
            if not ended and not (started and message["type"] == "http.response.start"):
                await send(message)
            started = True
            ended = ended or (message["type"] == "http.response.body" and not message.get("more_body", False))

        await app(scope, receive, send_once)

    return wrapped


class _Listener(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals alone: uvicorn would raise them again once it has stopped, and so end the process by them."""
        yield

    async def stop_on_signal(self) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for number in signals:
                self.handle_exit(number, None)

    async def stop_with_input(self) -> None:
        await anyio.wait_readable(0)
        self.handle_exit(signal.SIGTERM, None)


async def serve_http(
    server: MCPServer[None], shared: SharedMemory, settings: Settings, given: socket.socket | None = None
) -> None:
    """Serves a fleet until a signal comes. Raises `Refusal` where it may not or cannot listen.

    A worker is `given` what it listens on, and ends with whoever did.
    """
    access = settings.access
    check_certificate(access)
    [listener] = [given] if given else listening(settings.host, settings.port)
    with closing(listener):
        # Opened here, a fault of the data is raised; in the application's lifespan uvicorn would swallow it.
        async with shared.opened():
            gate = http_app(server, shared, settings)
            if not (is_loopback(settings.host) or access.anonymous_network or await gate.in_force()):
                raise Refusal(
                    "--host",
                    f"{settings.host} is not a loopback address, and listening there without authentication is refused",
                    "Make the first token with: fleetlore token create --agent NAME; or listen on 127.0.0.1",
                )
            config = uvicorn.Config(
                gate,
                http=punctual(access.limits.body_seconds),
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                ssl_certfile=access.certificate,
                ssl_keyfile=access.key,
                limit_concurrency=access.limits.connections + 1,  # from which on uvicorn turns away
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
            uvicorn_server = _Listener(config)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(uvicorn_server.stop_on_signal)
                if given:
                    tasks.start_soon(uvicorn_server.stop_with_input)
                    os.write(1, READY)
                else:
                    log_address(access.scheme, settings.host, listener)
                await uvicorn_server.serve(sockets=[listener])
                tasks.cancel_scope.cancel()
