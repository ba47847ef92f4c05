"""A server's life: addresses, time-outs of connections, and how it ends."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import bertkit
from bertkit.errors import BertkitError, UserError
from bertkit.inference.served import ServedModel
from bertkit.inference.serving import served
from bertkit.server import run as running
from bertkit.server.run import address_of, bind
from bertkit.server.settings import Seconds, ServeSettings

ROOT = Path(__file__).parents[2]
BODY = b'{"model": "vectors", "rows": ["w1 w2"]}'


class Live:
    """A server in a thread, on a port of its own."""

    def __init__(self, load: Callable[[], list[ServedModel]], settings: ServeSettings) -> None:
        self.told: list[str] = []
        self.ready = threading.Event()
        self.connections: list[http.client.HTTPConnection] = []
        self.code: int | BertkitError | None = None
        self.life: Any = None
        self.settings = settings
        self._load = load
        self.listening = bind(settings)
        self.address = self.listening.getsockname()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        assert self.ready.wait(60)

    def _run(self) -> None:
        import asyncio

        self.life = running._Life(self.settings, self._load, self._tell)
        try:
            self.code = asyncio.run(self.life.live(self.listening))
        except BertkitError as error:
            self.code = error
        self.ready.set()

    def _tell(self, line: str) -> None:
        self.told.append(line)
        if line.startswith("ready"):
            self.ready.set()

    def end(self, number: int = signal.SIGTERM) -> None:
        self.life._server.handle_exit(number, None)
        self.thread.join(60)
        assert not self.thread.is_alive()

    def connect(self) -> http.client.HTTPConnection:
        self.connections.append(http.client.HTTPConnection(*self.address[:2], timeout=30))
        return self.connections[-1]


Start = Callable[..., Live]


@pytest.fixture
def start(models: Mapping[str, bertkit.Model]) -> Iterator[Start]:
    started: list[Live] = []

    def start(load: Any = None, **settings: Any) -> Live:
        loads = load or (lambda: [served("vectors", models["vectors"])])
        started.append(Live(loads, ServeSettings(**{"port": 0, **settings})))
        return started[-1]

    yield start
    for one in started:
        for connection in one.connections:
            connection.close()
        if one.thread.is_alive():
            one.end()
        one.listening.close()


def test_it_answers_and_ends_with_0_after_what_it_accepted(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    live = start()
    lane = live.life._application.service.lanes[0]
    began, go, run = threading.Event(), threading.Event(), lane.engine.backend.run

    def hold(batch: Any) -> Any:
        began.set()
        assert go.wait(30)
        return run(batch)

    monkeypatch.setattr(lane.engine.backend, "run", hold)
    connection = live.connect()
    connection.request("POST", "/v1/predict", BODY)
    assert began.wait(30)
    ending = threading.Thread(target=live.end)
    ending.start()
    with contextlib.suppress(OSError):  # the socket goes a moment later
        while True:
            socket.create_connection(live.address).close()
    go.set()
    response = connection.getresponse()
    assert (response.status, b"embedding" in response.read()) == (200, True)
    ending.join(60)
    assert live.code == 0
    assert live.told[0].startswith("listening on http://127.0.0.1:")
    assert live.told[1].startswith("ready: vectors at http://127.0.0.1:")


def test_ctrl_c_ends_with_130(start: Start) -> None:
    live = start()
    live.end(signal.SIGINT)
    assert live.code == 130


def test_a_head_that_comes_a_byte_at_a_time_is_cut_off(start: Start) -> None:
    live = start(seconds=Seconds(header=0.2))
    with socket.create_connection(live.address, timeout=30) as silent, socket.create_connection(live.address) as slow:
        slow.settimeout(30)
        sent = 0
        with contextlib.suppress(OSError):  # reset, or a broken pipe
            for byte in b"POST /v1/predict HTTP/1.1\r\nX: " + b"x" * 10_000:
                sent += slow.send(bytes([byte]))
                threading.Event().wait(0.005)
        assert sent < 1_000
        assert_closed(silent)
    connection = live.connect()
    for _ in range(2):  # a connection that is kept has its time anew
        connection.request("POST", "/v1/predict", BODY)
        assert connection.getresponse().read()
        threading.Event().wait(0.15)


def assert_closed(connection: socket.socket) -> None:
    with contextlib.suppress(ConnectionResetError):
        assert connection.recv(1) == b""


def test_an_idle_connection_is_closed(start: Start) -> None:
    live = start(seconds=Seconds(idle=0))
    connection = live.connect()
    connection.request("GET", "/health")
    assert connection.getresponse().read()
    assert connection.sock is not None
    assert_closed(connection.sock)


def test_what_is_no_http_is_refused(start: Start) -> None:
    live = start()
    for sent in (
        b"\x16\x03\x01\x02\x00",
        b"POST / HTTP/1.1\r\n\r\n",
    ):
        with socket.create_connection(live.address, timeout=30) as connection:
            connection.sendall(sent + b"\r\n\r\n")
            assert b" 400 " in connection.recv(100)


def test_a_unix_socket_is_its_owners_and_is_taken_over_from_the_dead(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "s"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    live = start(socket=path)
    assert path.stat().st_mode & 0o777 == 0o600
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    with pytest.raises(UserError, match="another server listens"):
        bind(live.settings)
    assert address_of(live.listening, live.settings) == f"unix:{path}"


def test_an_address_in_use_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UserError, match="in use"):
        bind(ServeSettings(port=taken.getsockname()[1]))


def test_a_model_that_cannot_be_loaded_ends_it(start: Start) -> None:
    def load() -> list[ServedModel]:
        raise UserError("model x: no such thing")

    live = start(load)
    assert isinstance(live.code, UserError)
    assert "no such thing" in str(live.code)


def test_what_dies_too_often_ends_it(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    live = start()
    backend = live.life._application.service.lanes[0].engine.backend

    def die(batch: object) -> None:
        raise SystemExit

    monkeypatch.setattr(backend, "run", die)
    statuses = []
    with contextlib.suppress(OSError, http.client.HTTPException):
        for _ in range(9):
            connection = live.connect()
            connection.request("POST", "/v1/predict", BODY)
            statuses.append(connection.getresponse().status)
    live.thread.join(60)
    assert set(statuses) == {503}
    assert "died too often" in str(live.code)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "certificate.pem", folder / "key.pem"
    asked = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost".split()
    try:
        subprocess.run(
            ["openssl", *asked, "-addext", "subjectAltName=IP:127.0.0.1", "-out", files[0], "-keyout", files[1]],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("openssl is not there to make a certificate with")
    return files


def test_tls_by_files(start: Start, certificate: tuple[Path, Path]) -> None:
    live = start(certificate=certificate[0], private_key=certificate[1])
    assert live.told[0].startswith("listening on https://")
    context = ssl.create_default_context(cafile=str(certificate[0]))
    connection = http.client.HTTPSConnection(*live.address[:2], context=context, timeout=30)
    connection.request("POST", "/v1/predict", BODY)
    assert connection.getresponse().status == 200
    connection.close()


def test_a_batch_that_takes_for_ever_ends_it(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts it again has a server; and nobody waits for what is stuck."""
    live = start(seconds=Seconds(drain=0.2))
    application = live.life._application
    stuck, never = threading.Event(), threading.Event()

    def stick(batch: object) -> None:
        stuck.set()
        never.wait(60)

    monkeypatch.setattr(application.service.lanes[0].engine.backend, "run", stick)
    live.connect().request("POST", "/v1/predict", BODY)
    assert stuck.wait(30)
    application._clock = lambda: float("inf")
    live.thread.join(60)
    never.set()
    assert not live.thread.is_alive()
    assert "takes for ever" in str(live.code)


def test_a_reload_that_fails_is_told_and_all_goes_on(start: Start, models: Mapping[str, bertkit.Model]) -> None:
    loads = iter([[served("vectors", models["vectors"])]])
    live = start(lambda: next(loads))  # a second time it fails, in a way that nobody has thought of
    live.life._server.reload()
    connection = live.connect()
    while not any("not reloaded" in line for line in live.told):
        connection.request("POST", "/v1/predict", BODY)
        response = connection.getresponse()
        assert (response.status, b"embedding" in response.read()) == (200, True)


def test_a_certificate_that_is_none_says_so(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("no")
    with pytest.raises(UserError, match="c: "):
        running._config(
            ServeSettings(certificate=tmp_path / "c", private_key=tmp_path / "c"),
            running.Application(ServeSettings()),
            lambda: False,
        )


def test_the_command_from_its_first_line_to_its_last(folders: Mapping[str, Path], tmp_path: Path) -> None:
    """As it is typed: a process, ready, asked, told to end by SIGTERM."""
    command = [sys.executable, "-m", "bertkit", "serve", "-m", f"vectors={folders['vectors']}@sentence-embedding"]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen([*command, "--port", "0"], stderr=subprocess.PIPE, text=True, env=env) as process:
        assert process.stderr is not None
        lines = [process.stderr.readline(), process.stderr.readline()]
        port = int(lines[0].rpartition(":")[2])
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request("POST", "/v1/predict", BODY)
            assert connection.getresponse().status == 200
        process.send_signal(signal.SIGHUP)
        reloaded = [process.stderr.readline(), process.stderr.readline(), process.stderr.readline()]
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert process.wait(60) == 0
    assert lines[1].startswith("ready: vectors at ")
    log = "".join(reloaded) + rest
    assert '"route": "/v1/predict", "status": 200' in log
    assert "reloaded: vectors\n" in log
    assert "w1" not in log
