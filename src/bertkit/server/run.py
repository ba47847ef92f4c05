"""A server's life: it binds, loads, answers, and ends when it is told to, once it has answered what it accepted."""

from __future__ import annotations

import asyncio
import logging
import math
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from bertkit.errors import BertkitError, UserError
from bertkit.inference.served import ServedModel
from bertkit.server.app import Application
from bertkit.server.exchanging import Exchanger
from bertkit.server.service import Service
from bertkit.server.settings import Seconds, ServeSettings
from bertkit.server.watching import Watchdog, bound_memory

INTERRUPTED = 130
HEAD_BYTES = 16 * 1024
CONNECTIONS = 1_000  # and as many requests at once; more get 503

Load = Callable[[], Sequence[ServedModel]]


def run(settings: ServeSettings, load: Load, told: Callable[[str], None]) -> int:
    """Serves until a signal says to end.

    Args:
        load: gives the models; it is called once the address is bound, while probes are answered, and again when
            they are to be exchanged.
        told: is told where it listens, and when it is ready.

    Returns:
        0 after SIGTERM, 130 after Ctrl-C.

    Raises:
        UserError: the address or the certificate cannot be used.
        BertkitError: a model cannot be loaded, or what computes has died too often.
    """
    bound_memory()
    listening = bind(settings)
    try:
        return asyncio.run(_Life(settings, load, told).live(listening))
    finally:
        listening.close()
        if settings.socket is not None:
            settings.socket.unlink(missing_ok=True)


def bind(settings: ServeSettings) -> socket.socket:
    """The socket that requests come through. A Unix socket is its owner's alone.

    Raises:
        UserError: it cannot be had.
    """
    try:
        if settings.socket is not None:
            return _bind_unix(settings.socket)
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
    except OSError as error:
        where = settings.socket or f"{settings.host}:{settings.port}"
        raise UserError(
            f"{where}: {error.strerror or error}", "Choose another with --port, --host or --socket."
        ) from None
    return bound


def _bind_unix(path: Path) -> socket.socket:
    if path.is_socket():
        probe = socket.socket(socket.AF_UNIX)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:  # what a server left that was killed
            path.unlink()
        else:
            raise UserError(f"{path}: another server listens there", "Choose another with --socket.")
        finally:
            probe.close()
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(path))
    path.chmod(0o600)
    return bound


def address_of(listening: socket.socket, settings: ServeSettings) -> str:
    """Where requests go, as one types it."""
    if settings.socket is not None:
        return f"unix:{settings.socket}"
    host, port = listening.getsockname()[:2]
    scheme = "http" if settings.certificate is None else "https"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


class _Life:
    """One server, from its first request to its last."""

    def __init__(self, settings: ServeSettings, load: Load, told: Callable[[str], None]) -> None:
        self._settings = settings
        self._load = load
        self._told = told
        self._application = Application(settings)
        self._error: BertkitError | None = None
        self._is_ending = False
        self._reloading: set[asyncio.Future[None]] = set()  # a task that nobody holds may be let go of
        self._exchanger = Exchanger(self._application, self._made)
        config = _config(settings, self._application, lambda: self._is_ending)
        self._server = _Server(config, self._drain, self._reload)

    async def live(self, listening: socket.socket) -> int:
        """Serves on a socket; returns the code to exit with."""
        self._loop = asyncio.get_running_loop()
        self._application.reload = self._exchanger.exchange
        address = address_of(listening, self._settings)
        serving = asyncio.create_task(self._server.serve([listening]))
        loading = asyncio.create_task(self._ready(address))
        watching = asyncio.create_task(Watchdog(self._application, self._settings.most_bytes, self._stuck).watch())
        self._told(f"listening on {address}")
        try:
            await serving
        except SystemExit:
            raise UserError("the server cannot start", "Its log says why.") from None
        for task in (loading, watching):
            task.cancel()
        await asyncio.wait({loading, watching})
        await self._exchanger.settle()
        if (service := self._application.service) is not None:
            await asyncio.to_thread(service.close)
        if self._error is not None:
            raise self._error
        return INTERRUPTED if self._server.interrupted else 0

    async def _ready(self, address: str) -> None:
        try:
            service = await asyncio.to_thread(self._made)
        except BertkitError as error:
            self._error = error
            self._server.end()
            return
        self._application.serve(service)
        self._told(f"ready: {', '.join(service.models)} at {address} (Ctrl-C ends)")

    def _made(self) -> Service:
        """The models, loaded and computing."""
        watch = self._application.metrics.batch
        service = Service(self._load(), self._settings, watch=watch, on_death=self._died)
        service.start()
        return service

    def _stuck(self) -> None:
        self._error = BertkitError("a batch takes for ever", "Start the server again; the log says of which model.")
        self._server.end()

    def _died(self) -> None:
        self._error = BertkitError("what computes has died too often", "The log says where; start the server again.")
        self._loop.call_soon_threadsafe(self._server.end)

    def _reload(self) -> None:
        """A signal asks for it; nobody is there to be told but the log."""

        async def exchange() -> None:
            try:
                names = await self._exchanger.exchange()
            except BertkitError as error:
                self._told(f"not reloaded, the models are as they were: {error}")
            else:
                self._told(f"reloaded: {', '.join(names)}")

        def begin() -> None:
            task = asyncio.ensure_future(exchange())
            self._reloading.add(task)
            task.add_done_callback(self._reloading.discard)

        self._loop.call_soon_threadsafe(begin)

    def _drain(self) -> None:
        self._is_ending = True
        if self._application.service is not None:
            self._application.service.is_draining = True


class _Server(uvicorn.Server):
    """uvicorn's, ended by signals without their killing the process afterwards."""

    def __init__(self, config: uvicorn.Config, drain: Callable[[], None], reload: Callable[[], None]) -> None:
        super().__init__(config)
        self.reload = reload
        self.interrupted = False
        self._drain = drain

    def end(self) -> None:
        """Finish what was accepted, then end."""
        self._drain()
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came; a second one does not wait."""
        self.interrupted = self.interrupted or sig == signal.SIGINT
        if self.should_exit:
            self.force_exit = True
        self.end()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Takes signals while it serves, which only a program's main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handlers: dict[signal.Signals, Callable[[int, FrameType | None], None]] = {
            signal.SIGINT: self.handle_exit,
            signal.SIGTERM: self.handle_exit,
            signal.SIGHUP: lambda number, frame: self.reload(),
        }
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Connection(H11Protocol):
    """A connection whose head must come in time, all of it: one byte now and then is not enough."""

    seconds = Seconds().header
    is_ending: Callable[[], bool] = staticmethod(lambda: False)
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm()
        self._end_with_the_server()

    def data_received(self, data: bytes) -> None:
        if self._timer is None and not self._is_answering():
            self._arm()
        super().data_received(data)
        if self._is_answering():
            self._disarm()

    def on_response_complete(self) -> None:
        self._disarm()
        super().on_response_complete()
        self._end_with_the_server()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def _end_with_the_server(self) -> None:
        """uvicorn tells the connections that it has when it ends; this one may have come a moment later."""
        if self.is_ending() and not self._is_answering():
            self.transport.close()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _arm(self) -> None:
        self._timer = self.loop.call_later(self.seconds, self.transport.abort)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _config(settings: ServeSettings, application: Application, is_ending: Callable[[], bool]) -> uvicorn.Config:
    own = {"seconds": settings.seconds.header, "is_ending": staticmethod(is_ending)}
    connection = type("_TimedConnection", (_Connection,), own)
    config = uvicorn.Config(
        application.asgi,
        http=connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        h11_max_incomplete_event_size=HEAD_BYTES,
        timeout_keep_alive=math.ceil(settings.seconds.idle),
        timeout_graceful_shutdown=math.ceil(settings.seconds.drain),
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.private_key,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise UserError(f"{settings.certificate}: {error}", "Give a PEM certificate and its key.") from None
    return config


def log_to_stderr(*, requests: bool) -> None:
    """One line of JSON a request on standard error, and what goes wrong. A full disk stops nobody.

    Args:
        requests: log each request, not only what goes wrong.
    """
    logging.raiseExceptions = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter('{"time": "%(asctime)s", "level": "%(levelname)s", "log": %(message)s}'))
    for name, level in (
        ("bertkit.server", logging.INFO if requests else logging.WARNING),
        ("uvicorn", logging.WARNING),
    ):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level)
        logger.propagate = False
