"""A model hub on this machine: enough of its HTTP interface for huggingface_hub, served from a folder.

`root/org/name/` holds the files of the main branch of `org/name`, `root/org/name@tag/` those of another revision. A
commit's name is made from the files' content, so a changed file is a new commit.

    with HubStub(tmp_path / "hub") as hub:
        subprocess.run([...], env=hub.environment(tmp_path / "home"))
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

TOKEN = "hf_letmein"


class HubStub:
    """The running server. What it was asked stands in `requests`; its moods are the fields below.

    gated: repositories that only TOKEN opens (403 without).
    refused_tokens: tokens that are answered with 401, as an expired one is.
    cut: file names whose content stops in the middle and closes the connection.
    lost: file names that are listed but answer 404.
    silent: file names whose content stops in the middle and keeps the connection open until `close`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.requests: list[str] = []
        self.gated: set[str] = set()
        self.refused_tokens: set[str] = set()
        self.cut: set[str] = set()
        self.lost: set[str] = set()
        self.silent: set[str] = set()
        self.reached_silence = threading.Event()
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def downloads(self) -> list[str]:
        """The files that were downloaded since the last `requests.clear()`, sorted."""
        files = [line.removeprefix("GET ") for line in self.requests if line.startswith("GET ") and "/resolve/" in line]
        return sorted(file.split("/resolve/")[1].partition("/")[2] for file in files)

    def environment(self, home: Path, **extra: str) -> dict[str, str]:
        """The environment of a process that takes this for the hub and keeps its cache in `home`."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_"))}
        return kept | {"HF_ENDPOINT": self.url, "HF_HOME": str(home), "NO_PROXY": "127.0.0.1"} | extra

    def add(self, repository: str, files: dict[str, bytes | str]) -> Path:
        """Writes files into a repository (`org/name` or `org/name@revision`)."""
        folder = self.root / repository
        for name, content in files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        return folder

    def commit(self, repository: str) -> str:
        """The 40 digits that name the present content of a repository."""
        folder = self.root / repository
        listing = [(name, hashlib.sha1((folder / name).read_bytes()).hexdigest()) for name in self.names(folder)]
        return hashlib.sha1(json.dumps(listing).encode()).hexdigest()

    def names(self, folder: Path) -> list[str]:
        return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())

    def find(self, repository: str, revision: str) -> Path | None:
        """The folder of a repository at a branch, tag or commit."""
        main = self.root / repository
        for folder in (main, *main.parent.glob(f"{main.name}@*")):
            tag = folder.name.partition("@")[2] or "main"
            if folder.is_dir() and revision in (tag, self.commit(folder.relative_to(self.root).as_posix())):
                return folder
        return None

    def close(self) -> None:
        """Stops answering: from here on connections are refused."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.closing.is_set():
            self.close()


def _handler_of(hub: HubStub) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        stub = hub

    return Handler


class _Handler(BaseHTTPRequestHandler):
    stub: HubStub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        self.stub.requests.append(f"{self.command} {path}")
        api = re.fullmatch(r"/api/models/(.+?)(?:/(revision|tree)/([^/]+))?", path)
        file = re.fullmatch(r"/(.+?)/resolve/([^/]+)/(.+)", path)
        match = api or file
        if match is None:
            return self._refuse(404, "EntryNotFound")
        repository = match[1]
        revision = (api[3] if api else match[2]) or "main"
        if not (self.stub.root / repository).is_dir():
            return self._refuse(401, "RepoNotFound")
        token = (self.headers["Authorization"] or "").removeprefix("Bearer ")
        if token in self.stub.refused_tokens:
            return self._refuse(401, "", "Invalid credentials in Authorization header")
        if repository in self.stub.gated and token != TOKEN:
            return self._refuse(403, "GatedRepo")
        folder = self.stub.find(repository, revision)
        if folder is None:
            return self._refuse(404, "RevisionNotFound")
        if file:
            return self._send_file(folder, file[3])
        return self._send_json(self._tree(folder) if match[2] == "tree" else self._info(repository, folder))

    def _info(self, repository: str, folder: Path) -> dict[str, object]:
        names = self.stub.names(folder)
        siblings = [{"rfilename": name} for name in names]
        return {"id": repository, "sha": self._commit(folder), "siblings": siblings, "private": False, "tags": []}

    def _tree(self, folder: Path) -> list[dict[str, object]]:
        return [
            {"type": "file", "path": name, "size": (folder / name).stat().st_size, "oid": _etag(folder / name)}
            for name in self.stub.names(folder)
        ]

    def _commit(self, folder: Path) -> str:
        return self.stub.commit(folder.relative_to(self.stub.root).as_posix())

    def _send_file(self, folder: Path, name: str) -> None:
        file = folder / name
        if not file.is_file() or name in self.stub.lost:
            return self._refuse(404, "EntryNotFound")
        content = file.read_bytes()
        begin = int(match[1]) if (match := re.match(r"bytes=(\d+)-", self.headers["Range"] or "")) else 0
        headers = {"ETag": f'"{_etag(file)}"', "X-Repo-Commit": self._commit(folder), "Accept-Ranges": "bytes"}
        if begin:
            headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        self._send(206 if begin else 200, content[begin:], headers, name)
        return None

    def _send_json(self, content: object) -> None:
        self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _refuse(self, status: int, code: str, message: str = "") -> None:
        self._send(status, b"{}", {"X-Error-Code": code, "X-Error-Message": message})

    def _send(self, status: int, content: bytes, headers: dict[str, str], name: str = "") -> None:
        self.send_response(status)
        for header, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(header, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if name in self.stub.cut | self.stub.silent:
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            self.close_connection = True
            if name in self.stub.silent:
                self.stub.reached_silence.set()
                self.stub.closing.wait(60)
            return
        self.wfile.write(content)


def _etag(file: Path) -> str:
    return hashlib.sha1(file.read_bytes()).hexdigest()
