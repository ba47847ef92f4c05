"""Programs in processes of their own that do not import torch again: they are forked off a process that has.

Importing torch takes longer than most of what such a test looks at. What looks at the importing itself, or needs
settings that torch reads when it is imported, starts Python with `subprocess`.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import NamedTuple

# huggingface_hub is not among them: it reads its settings when it is imported.
IMPORTED = [
    "torch",
    "torch.distributed.fsdp",
    "torch.nn.parallel",
    "httpx2",
    "bertkit.cli.main",
    "bertkit.api.training",
    "bertkit.inference.model",
]


class Ended(NamedTuple):
    """What a program left: its exit code, or minus the signal that ended it, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


class Program:
    """A program that runs. What it writes goes to files, which may be read meanwhile."""

    def __init__(self, process: ForkServerProcess, written: Path) -> None:
        self.process, self.written = process, written

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.process.is_alive()

    def until(self, reached: Callable[[], bool]) -> None:
        """Waits until something is so, or the program has ended."""
        for _ in range(30_000):
            if reached() or not self.running:
                return
            time.sleep(0.02)
        raise AssertionError("it has not come to that in ten minutes")

    def wait(self, timeout_seconds: float = 600.0) -> Ended:
        """Waits for the end; a program that takes longer is killed."""
        self.process.join(timeout_seconds)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        code = self.process.exitcode
        assert code is not None
        return Ended(code, *((self.written / name).read_text(encoding="utf-8") for name in ("stdout", "stderr")))


def start(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    written: Path,
    stdin: Path | None = None,
    cwd: Path | None = None,
) -> Program:
    """Starts a program.

    Args:
        arguments: as Python takes them: `-m` and a module, `-c` and source, or a file, and what the program is told.
        environment: all of it.
        written: a folder for what it writes.
        stdin: what it reads; nothing otherwise.
        cwd: where it works.
    """
    written.mkdir(parents=True, exist_ok=True)
    for name in ("stdout", "stderr"):
        (written / name).write_bytes(b"")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    told = (list(arguments), dict(environment), written, stdin or Path(os.devnull), cwd or Path.cwd())
    process = context.Process(target=_run, args=told)
    process.start()
    return Program(process, written)


def run(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    written: Path,
    stdin: Path | None = None,
    cwd: Path | None = None,
) -> Ended:
    """Runs a program to its end; the arguments are those of `start`."""
    return start(arguments, environment, written, stdin, cwd).wait()


def start_ranks(count: int, arguments: Sequence[str], environment: Mapping[str, str], written: Path) -> list[Program]:
    """One program on several ranks, which are told of one another as torchrun tells them."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    ranks = [{"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count)]
    shared = {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1"}
    shared |= {"MASTER_PORT": str(port)}
    return [start(arguments, {**environment, **shared, **rank}, written / rank["RANK"]) for rank in ranks]


def wait_for_all(ranks: Sequence[Program]) -> Ended:
    """What the first rank left, and what went wrong on any."""
    ended = [rank.wait() for rank in ranks]
    code = next((one.returncode for one in ended if one.returncode), 0)
    return Ended(code, ended[0].stdout, "\n".join(one.stderr for one in ended))


def _run(arguments: list[str], environment: dict[str, str], written: Path, stdin: Path, cwd: Path) -> None:
    """In the new process: becomes the program."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    for number, path, way in (
        (0, stdin, os.O_RDONLY),
        (1, written / "stdout", os.O_WRONLY),
        (2, written / "stderr", os.O_WRONLY),
    ):
        opened = os.open(path, way)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    kind, *rest = arguments
    if kind == "-m":
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        sys.argv = ["-c", *rest[1:]]
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = arguments
        runpy.run_path(kind, run_name="__main__")
