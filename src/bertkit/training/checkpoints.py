"""Checkpoints of a run: written while training goes on, whole or not at all, read back on any number of ranks.

```
checkpoints/step-00001000/
  state.json      where the run is, and the sha256 of every other file
  .metadata       torch.distributed.checkpoint's index; a pickle, of which `checkpoint_reader.py` admits only an index
  __0_0.distcp …  tensors
```
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemWriter
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import async_save

from bertkit.checkpoints.durable import make_folder, put_in_place
from bertkit.checkpoints.folders import atomic_file
from bertkit.errors import BadCheckpoint, BertkitError
from bertkit.training.checkpoint_reader import INDEX, REMEDY, SafeReader, read_index
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
        self._present: int | None = None  # the step whose checkpoint is there, as the first rank knows it
        if ranks.is_first:
            make_folder(folder)
            for left_over in folder.glob(".step-*"):
                shutil.rmtree(left_over, ignore_errors=True)
        ranks.wait()

    def save(self, step: int, tensors: Tensors, state: State, score: float | None = None) -> None:
        """Begin to write a checkpoint; returns as soon as the tensors are copied. All ranks call this.

        A step that this run has written, or has begun at, is as it was, and is not written again. A failure to write is
        said by the next call of `settle`; the run goes on, and older checkpoints stay.
        """
        self.settle()
        if self._ranks.by_first(lambda: self._present == step):
            return
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

        Raises:
            UnsafeCheckpoint: reading it would run code that it contains. It was not read.
            BadCheckpoint: it is of another model.
        """
        saved = self._load(self._newest, tensors)
        self._present = None if saved is None else saved.step
        return saved

    def best(self, tensors: Tensors) -> Saved | None:
        """Fill `tensors` from the checkpoint of the best score; None, and nothing changed, where none has a score.

        All ranks call this, when nothing is being written.

        Raises:
            UnsafeCheckpoint, BadCheckpoint: as `newest`.
        """
        return self._load(self._best, tensors)

    def _newest(self) -> Saved | None:
        for path in sorted(self.folder.glob("step-*"), reverse=True):
            problem = damage(path)
            if problem is None:
                return read(path)
            self._say(f"{problem}; going back to the checkpoint before it")
        return None

    def _best(self) -> Saved | None:
        scored = [one for one in finished(self.folder) if one.score is not None and damage(one.folder) is None]
        return min(scored, key=lambda one: one.score or 0.0, default=None)

    def _load(self, choose: Callable[[], Saved | None], tensors: Tensors) -> Saved | None:
        """Fills the tensors from what the first rank chooses: the ranks must not see different folders."""

        def chosen() -> Saved | None:
            saved = choose()
            if saved is not None:
                read_index(saved.folder / INDEX, saved.files)  # says what is wrong before the work
            return saved

        saved = self._ranks.by_first(chosen)
        if saved is None:
            return None
        try:
            load(tensors, storage_reader=SafeReader(saved.folder, saved.files), process_group=self._ranks.saving)
        except CheckpointException as error:
            raise _as_ours(error, saved.folder) from None
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
            put_in_place(partial, self.folder / _name(step))
            self._present = step
            self._drop_old(step)
        except (Exception, CheckpointException) as error:  # a full disk, a network disk gone: training need not end
            shutil.rmtree(partial, ignore_errors=True)
            before = "the one before it stays" if finished(self.folder) else "there is none before it"
            return f"the checkpoint of step {step} could not be written ({_reason(error)}); {before}"
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
    if INDEX not in files:
        return f"{path / STATE}: names no {INDEX}"
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


def _as_ours(error: CheckpointException, folder: Path) -> BertkitError:
    """Why reading failed; torch's error is no `Exception`."""
    reasons = [failure for failure, _ in error.failures.values()]
    ours = next((reason for reason in reasons if isinstance(reason, BertkitError)), None)
    return ours or BadCheckpoint(f"{folder}: does not fit this run ({_reason(error)})", REMEDY)


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
