"""Peers beside bertkit, each in a process of its own, by any Python that has its library. Torch-free."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bertkit.benchmarking.cells import Batches
from bertkit.config.encoder import EncoderConfig
from bertkit.errors import BertkitError, OutOfMemory, UserError, near_match
from bertkit.families.catalogue import FAMILIES
from bertkit.families.foreign_config import read_config, write_config

PROGRAM = Path(__file__).with_name("peer_program.py")
NAMES = ("transformers", "onnxruntime", "openvino")


class Absent(Exception):
    """The peer does not take part, and why."""


class Peer:
    """A process that does rounds when it is told to, and waits otherwise.

    Args:
        python: the interpreter that has the peer's library.
        setup: as `peer_program.py` reads it.

    Raises:
        Absent: it is not installed, or has no such work.
    """

    def __init__(self, name: str, python: str, setup: Mapping[str, object], program: Path = PROGRAM) -> None:
        self.name = name
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [python, str(program), name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
            )
        except OSError as error:
            self._log.close()
            raise Absent(f"{python}: {error.strerror}") from None
        answer = self._asked(setup)
        if "cannot" in answer:
            self.close()
            raise Absent(str(answer["cannot"]))
        self.version = str(answer["version"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets it end."""
        self._process.communicate()
        self._log.close()

    def seconds(self, batches: Batches) -> float:
        """Does a round.

        Raises:
            OutOfMemory: it does not fit.
            BertkitError: the process has ended.
        """
        answer = self._asked(batches)
        if "no_memory" in answer:
            raise OutOfMemory(f"{self.name}: a batch of {len(batches[-1])} texts does not fit")
        return float(answer["seconds"])

    def _asked(self, question: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # it has ended: its last words say why
            print(json.dumps(question), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            said = [one for one in self._log.read().splitlines() if one.strip()]
            raise BertkitError(f"{self.name} has failed: {said[-1] if said else 'it said nothing'}", REMEDY)
        answer: dict[str, Any] = json.loads(line)
        return answer


REMEDY = "Leave it out with --peers, or name a Python in which it works with --peer-python NAME=PATH."


def pythons(names: str, given: list[str]) -> dict[str, str]:
    """The interpreter of each peer that is to take part.

    Args:
        names: `auto`, which is those that are installed or have an interpreter; `none`; or names with commas between.
        given: `NAME=PATH`.

    Raises:
        UserError: a name that is none.
    """
    found = dict(one.partition("=")[::2] for one in given)
    wanted = [*names.split(",")] if names not in ("auto", "none") else []
    for name in (*found, *wanted):
        if name not in NAMES:
            raise UserError(f"unknown peer {name!r}{near_match(name, NAMES)}", f"Choose of {', '.join(NAMES)}.")
    if names == "none":
        return {}
    if names == "auto":
        wanted = [name for name in NAMES if name in found or find_spec(name) is not None]
    return {name: found.get(name, sys.executable) for name in wanted}


def hub_config(config: EncoderConfig) -> dict[str, object] | None:
    """The encoder in the words of a family that says all of it; None where no family does."""
    order = sorted(FAMILIES.values(), key=lambda family: config not in family.presets.values())
    for family in order:
        try:
            written = write_config(family, config)
            with tempfile.TemporaryDirectory() as folder:
                (Path(folder) / "config.json").write_text(json.dumps(written), encoding="utf-8")
                if read_config(Path(folder)).encoder == config:
                    return written
        except (
            BertkitError,
            AttributeError,
            AssertionError,
        ):  # it has no word for something, or asks for more
            continue
    return None
