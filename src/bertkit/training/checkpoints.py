"""Checkpoints of a run: written while training goes on, whole or not at all, read back on any number of ranks.

```
checkpoints/step-00001000/
  state.json      where the run is, and the sha256 of every other file
  .metadata       torch.distributed.checkpoint's index; a pickle, so it is read only when its hash is the one above
  __0_0.distcp …  tensors
```
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import async_save

from bertkit.checkpoints.folders import atomic_file
from bertkit.errors import BadCheckpoint, BertkitError
from bertkit.training.ranks import Ranks

STATE = "state.json"
State = Mapping[str, object]
Tensors = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Saved:
    """A finished checkpoint.

    Attributes:
        state: what `save` was given.
        score: the held-out loss at this step, lower is better; None where it was not measured.
        files: the sha256 of every other file of the folder.
    """

    folder: Path
    step: int
    state: State
    score: float | None
    files: Mapping[str, str]


class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: where they are; made where it is missing.
        keep: how many of the newest stay; the one with the best score stays besides.
        say: takes a line about what went wrong and was got over.
    """

    def __init__(self, folder: Path, ranks: Ranks, keep: int, say: Callable[[str], None]) -> None:
        self.folder = folder
        self._ranks = ranks
        self._keep = keep
        self._say = say
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._writing: Future[str | None] | None = None
        if ranks.is_first:
            folder.mkdir(parents=True, exist_ok=True)
            for left_over in folder.glob(".step-*"):
                shutil.rmtree(left_over, ignore_errors=True)
        ranks.wait()

    def save(self, step: int, tensors: Tensors, state: State, score: float | None = None) -> None:
        """Begin to write a checkpoint; returns as soon as the tensors are copied. All ranks call this.

        A failure to write is said by the next call of `settle`; the run goes on, and older checkpoints stay.
        """
        self.settle()
        partial = self.folder / f".{_name(step)}"
        written = async_save(
            tensors,
            storage_writer=FileSystemWriter(partial, single_file_per_rank=True, sync_files=True),
            process_group=self._ranks.saving,
        )
        assert isinstance(written, Future)
        self._writing = self._thread.submit(self._seal, written, partial, step, dict(state), score)

    def settle(self) -> None:
        """Wait until what is being written is written."""
        if self._writing is not None:
            problem = self._writing.result()
            self._writing = None
            if problem is not None and self._ranks.is_first:
                self._say(problem)

    def close(self) -> None:
        """Wait for what is being written, and end the thread that writes."""
        self.settle()
        self._thread.shutdown()

    def newest(self, tensors: Tensors) -> Saved | None:
        """Fill `tensors` from the newest checkpoint that is whole; None, and nothing changed, where there is none.

        All ranks call this. Checkpoints that are damaged are passed over, and said.
        """
        found = None
        if self._ranks.is_first:
            for path in sorted(self.folder.glob("step-*"), reverse=True):
                problem = damage(path)
                if problem is None:
                    found = read(path)
                    break
                self._say(f"{problem}; going back to the checkpoint before it")
        step = int(self._ranks.total([found.step + 1.0 if found else 0.0])[0]) - 1
        if step < 0:
            return None
        saved = read(self.folder / _name(step))
        load(tensors, storage_reader=FileSystemReader(saved.folder), process_group=self._ranks.saving)
        return saved

    def best(self, tensors: Tensors) -> Saved | None:
        """Fill `tensors` from the checkpoint of the best score; None, and nothing changed, where none has a score.

        All ranks call this, when nothing is being written.
        """
        scored = [one for one in finished(self.folder) if one.score is not None and damage(one.folder) is None]
        if not scored:
            return None
        saved = min(scored, key=lambda one: one.score or 0.0)
        load(tensors, storage_reader=FileSystemReader(saved.folder), process_group=self._ranks.saving)
        return saved

    def _seal(self, written: Future[object], partial: Path, step: int, state: State, score: float | None) -> str | None:
        """In the writing thread: what was written becomes a checkpoint; returns what went wrong."""
        try:
            written.result()
            if not self._ranks.is_first:
                return None
            hashes = {file.name: _sha256(file) for file in sorted(partial.iterdir())}
            values = {"schema_version": 1, "step": step, "state": state, "score": score, "files": hashes}
            with atomic_file(partial / STATE) as file:
                json.dump(values, file, indent=1)
            _rename(partial, self.folder / _name(step))
            self._drop_old(step)
        except (Exception, CheckpointException) as error:  # a full disk, a network disk gone: training need not end
            shutil.rmtree(partial, ignore_errors=True)
            return f"the checkpoint of step {step} could not be written ({_reason(error)}); the one before it stays"
        return None

    def _drop_old(self, step: int) -> None:
        """Up to this step: later ones are those, damaged, that the run went back from, and take nobody's place."""
        saved = [one for one in finished(self.folder) if one.step <= step]
        scored = [one for one in saved if one.score is not None]
        best = min(scored, key=lambda one: one.score or 0.0, default=None)
        for one in saved[: -self._keep]:
            if one != best:
                shutil.rmtree(one.folder, ignore_errors=True)


def finished(folder: Path) -> list[Saved]:
    """The finished checkpoints in a folder, the oldest first; unreadable ones are left out."""
    found = []
    for path in sorted(folder.glob("step-*")):
        try:
            found.append(read(path))
        except BadCheckpoint:
            continue
    return found


def read(path: Path) -> Saved:
    """A checkpoint's state.

    Raises:
        BadCheckpoint: it has none, or it cannot be read, or it is that of another folder.
    """
    try:
        values = json.loads((path / STATE).read_bytes())
        saved = Saved(path, int(values["step"]), values["state"], values["score"], dict(values["files"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadCheckpoint(f"{path / STATE}: cannot be read ({type(error).__name__})") from None
    if path.name != _name(saved.step):
        raise BadCheckpoint(f"{path / STATE}: is of step {saved.step}")
    return saved


def damage(path: Path) -> str | None:
    """What is wrong with a checkpoint; None where every hash is right."""
    try:
        files = read(path).files
    except BadCheckpoint as error:
        return error.what
    if ".metadata" not in files:
        return f"{path / STATE}: names no .metadata"
    for name, expected in files.items():
        file = path / Path(name).name
        if not file.is_file():
            return f"{file}: is missing"
        if _sha256(file) != expected:
            return f"{file}: its content has changed since it was written"
    return None


def _name(step: int) -> str:
    return f"step-{step:08d}"


def _reason(error: BaseException) -> str:
    """Why writing failed, in a line; torch's error, which is no `Exception`, has that of each rank."""
    if isinstance(error, CheckpointException) and error.failures:
        error = next(iter(error.failures.values()))[0]
    return error.what if isinstance(error, BertkitError) else " ".join(f"{error}".split())[:300]


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _rename(partial: Path, final: Path) -> None:
    """Puts the checkpoint in its place, and the change of the folder on disk."""
    if final.exists():
        shutil.rmtree(final)
    partial.rename(final)
    descriptor = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
