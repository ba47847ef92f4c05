"""How far the preparation of a folder of shards has come: what it takes to go on after it was killed, or to append.

```
SHARDS/.prepare/
  lock          held while somebody writes into the folder
  state.json    replaced with each finished shard
  duplicates/   the index of all documents so far
```

Whoever appends needs this folder; whoever only reads the shards may remove it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import Field

from bertkit.checkpoints import locks
from bertkit.checkpoints.folders import atomic_file
from bertkit.config.strict import Strict, parse
from bertkit.corpora.filters import Filters
from bertkit.corpora.shards import HELD_OUT, MANIFEST, PARTS, TOKENIZER, ShardEntry
from bertkit.errors import InputError, OutputError, UserError

PREPARE, DUPLICATES = ".prepare", "duplicates"
_LOCK, _STATE = "lock", "state.json"
_SAME = "Run it with the same options, or choose another folder."


class PreparationRecipe(Strict):
    """Every option that changes what becomes of a document.

    Attributes:
        filters: what documents must be like; None keeps all.
        duplicates: leave out documents that are nearly (`near`) or wholly (`exact`) like an earlier one, or `keep` all.
        held_out: share of documents to keep from training, chosen by a hash of the document's own text.
        shard_tokens: a shard ends with the document with which it has so many tokens.
    """

    filters: Filters | None = Filters()
    duplicates: Literal["near", "exact", "keep"] = "near"
    held_out: float = Field(default=0.0, ge=0.0, lt=1.0)
    shard_tokens: int = Field(default=16 * 2**20, gt=0, lt=2**31)  # ends are uint32, and the last document goes past


class CorpusFile(Strict):
    """A file of the corpus: how it is read, and its size, by which a file that has changed is noticed."""

    path: str
    format: str | None
    text_column: str
    bytes: int | None


class State(Strict):
    """What is in the shards that are finished.

    Attributes:
        tokenizer_sha256: of the tokenizer's own file, which says its rules too.
        sources: all files so far; those before `run_begins` were prepared by earlier runs.
        finished: whether the last of them has been read to its end.
        source, document: the next document: the number of its file, and how many of that file come before it.
        indexed: documents that went into the index of duplicates.
        counts: of the documents so far.
    """

    schema_version: Literal[1] = 1
    tokenizer_sha256: str
    recipe: PreparationRecipe
    sources: list[CorpusFile]
    run_begins: int = 0
    finished: bool = False
    source: int = 0
    document: int = 0
    indexed: int = 0
    counts: dict[str, int] = Field(default_factory=dict)
    shards: list[ShardEntry] = Field(default_factory=list)
    held_out: list[ShardEntry] = Field(default_factory=list)


def read_state(folder: Path) -> State | None:
    """The state of a folder, None where nothing was prepared yet.

    Raises:
        OutputError: the folder holds something else.
    """
    path = folder / PREPARE / _STATE
    if path.is_file():
        try:
            return parse(State, json.loads(path.read_bytes()), str(path))
        except ValueError:
            raise InputError(f"{path}: not JSON", "Remove the folder and prepare the shards again.") from None
    others = sorted(path.name for path in folder.iterdir() if path.name != PREPARE)
    if MANIFEST in others:
        raise OutputError(f"{folder}: finished shards without {PREPARE}, which appending needs", "Choose a new folder.")
    if others:
        raise OutputError(f"{folder}: is there already and not empty", "Choose a new folder, or remove this one first.")
    return None


def write_state(folder: Path, state: State) -> None:
    """Replaces the state; afterwards a run goes on from here."""
    with atomic_file(folder / PREPARE / _STATE) as file:
        file.write(state.model_dump_json(indent=1))


def begin(folder: Path, found: State | None, new: State, append: bool) -> State:
    """The state to go on from: a new one, an unfinished one, or a finished one to append to.

    Args:
        found: the state of the folder.
        new: what this command would begin with in an empty folder.

    Raises:
        UserError: the folder was made with other options, or from other files; the line says what differs.
    """
    if found is None or not (found.shards or found.held_out):
        if append:
            raise UserError(f"{folder}: has no shards to append to", "Leave --append out.")
        return new
    _refuse_differences(folder, found, new)
    same_files = found.sources[found.run_begins :] == new.sources
    if append and found.finished and not same_files:
        begins = len(found.sources)
        sources = found.sources + new.sources
        return found.model_copy(
            update={"sources": sources, "run_begins": begins, "finished": False, "source": begins, "document": 0}
        )
    if append != (found.run_begins > 0) and not (found.finished and same_files):
        remedy = "Run it with --append." if found.run_begins else "Finish it first: run it without --append."
        raise UserError(f"{folder}: another run has not finished here", remedy)
    if not same_files:
        remedy = "--append adds files to finished shards." if found.finished else _SAME
        raise UserError(f"{folder}: was made from other files: {_first_other(found, new)}", remedy)
    return found


def _refuse_differences(folder: Path, found: State, new: State) -> None:
    if found.tokenizer_sha256 != new.tokenizer_sha256:
        raise UserError(f"{folder}: was made with another tokenizer", _SAME)
    for name in PreparationRecipe.model_fields:
        before, now = getattr(found.recipe, name), getattr(new.recipe, name)
        if before != now:
            raise UserError(f"{folder}: was made with {name} {before}, not {now}", _SAME)


def _first_other(found: State, new: State) -> str:
    before = found.sources[found.run_begins :]
    for one, other in zip(before, new.sources, strict=False):
        if one != other:
            return f"{one.path}, now {other.path}" if one.path != other.path else f"{one.path} has changed"
    return f"{len(before)} of them, now {len(new.sources)}"


def remove_leftovers(folder: Path, state: State) -> None:
    """Removes what a killed run has left: files of shards that the state does not have, and temporary files."""
    for place, shards in ((folder, state.shards), (folder / HELD_OUT, state.held_out)):
        names = {f"{shard.name}.{part}" for shard in shards for part in PARTS}
        for path in place.iterdir() if place.is_dir() else ():
            is_shard = path.name.removesuffix(".partial").endswith(tuple(f".{part}" for part in PARTS))
            if (is_shard and path.name not in names) or _is_temporary(path):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    if not (state.shards or state.held_out):
        shutil.rmtree(folder / TOKENIZER, ignore_errors=True)  # the run before may have had another one
    for path in (folder / PREPARE).iterdir():
        if _is_temporary(path):
            path.unlink()


def _is_temporary(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith((".tmp", ".old"))


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes the folder where it is missing, and keeps every other run out of it.

    Raises:
        OutputError: it cannot be made, or another run writes there.
    """
    try:
        folder.mkdir(exist_ok=True)
        others = any(folder.iterdir())
        if not others or (folder / PREPARE).is_dir():
            (folder / PREPARE).mkdir(exist_ok=True)
        else:
            read_state(folder)  # says what is there instead
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror}") from error
    with locks.locked(folder, f"{PREPARE}/{_LOCK}"):
        yield
