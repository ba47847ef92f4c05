"""A corpus to shards: documents are read, filtered, cut into sentences, tokenised and written, in bounded memory.

One process reads and writes; others do what needs no other document (`prepared_chunk.py`). Documents come back in their
order, so nothing depends on how many processes there are. Killed at any moment, the same call goes on from the last
finished shard and ends with the same bytes.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bertkit.checkpoints.digests import sha256
from bertkit.checkpoints.folders import atomic_file, atomic_folder
from bertkit.corpora.documents import Document, format_of, list_sources, read_documents
from bertkit.corpora.duplicates import DuplicateIndex
from bertkit.corpora.prepare_state import (
    DUPLICATES,
    PREPARE,
    CorpusFile,
    PreparationRecipe,
    State,
    begin,
    locked,
    read_state,
    remove_leftovers,
    write_state,
)
from bertkit.corpora.prepared_chunk import ChunkRules, CorpusPosition, Prepared, chunk_worker, chunks_of
from bertkit.corpora.shard_writer import ShardWriter, dtype_of
from bertkit.corpora.shards import HELD_OUT, MANIFEST, TOKENIZER, Manifest, ShardEntry
from bertkit.errors import InputError
from bertkit.formats.files import STDIN
from bertkit.tokenization.in_order import map_in_order
from bertkit.tokenization.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Writing:
    """How the documents of a corpus are written, as `read_documents` takes it.

    Attributes:
        format: told by each file's ending and beginning where None.
        text_column: the field or column that holds the text, in formats with such.
    """

    format: str | None = None
    text_column: str = "text"


AS_IT_LOOKS = Writing()
# Of lines that are sentences: nothing in the file says which of them belong together.
SENTENCES = (
    "Each line was a document of its own. Where lines are sentences, put a blank line between documents, or say "
    "--format blank-line if each file is one document."
)
KEEP_SHORT = "Where they are documents, --min-characters 1 keeps short ones."


def prepare(
    corpus: Sequence[str],
    folder: Path,
    tokenizer: Tokenizer,
    recipe: PreparationRecipe,
    *,
    written: Writing = AS_IT_LOOKS,
    processes: int = 1,
    append: bool = False,
    progress: Callable[[int], None] = lambda text_bytes: None,
) -> Manifest:
    """Makes a folder of shards, goes on with one that is not finished, or appends to one that is.

    Args:
        corpus: files, or folders of files, as `list_sources` and `read_documents` take them.
        written: how its documents are written.
        folder: where the shards go. While it is not finished it has no manifest (appending: the old one).
        processes: how many prepare documents beside this one, which reads and writes; 1 does all in this one.
        append: the shards are there and finished; this corpus is added to them.
        progress: called with the number of bytes of text that have been dealt with since the last call.

    Returns:
        What is in the folder now, earlier runs included.

    Raises:
        InputError: a file cannot be read, or nothing of the corpus is left.
        UserError: the folder was begun with other options.
        OutputError: the folder cannot be written, or another run writes there.
    """
    sources = [
        CorpusFile(path=path, format=written.format, text_column=written.text_column, bytes=_size(path))
        for path in list_sources(corpus)
    ]
    for source in sources:
        read_documents(
            source.path, format=source.format, text_column=source.text_column
        )  # says what is wrong before the work
    with locked(folder):
        new = State(tokenizer_sha256=_tokenizer_sha256(tokenizer), recipe=recipe, sources=sources)
        state = begin(folder, read_state(folder), new, append)
        write_state(folder, state)
        remove_leftovers(folder, state)
        _save_tokenizer(tokenizer, folder)
        if not state.finished:
            state = _Run(folder, state, tokenizer).read(processes, progress)
        manifest = _write_manifests(folder, state, tokenizer)
        write_state(folder, state.model_copy(update={"finished": True}))
    return manifest


class _Run:
    """One run over the part of a corpus that is left."""

    def __init__(self, folder: Path, state: State, tokenizer: Tokenizer) -> None:
        self._folder = folder
        self._state = state
        self._recipe = state.recipe
        self._counts = Counter(state.counts)
        self._indexed = state.indexed  # up to the document that is being written
        dtype = dtype_of(tokenizer.vocab_size)
        self._shards, self._held_out = list(state.shards), list(state.held_out)
        self._training = ShardWriter(folder, dtype, self._shards)
        self._aside = ShardWriter(folder / HELD_OUT, dtype, self._held_out)
        self._index: DuplicateIndex | None = None
        if self._recipe.duplicates != "keep":
            self._index = DuplicateIndex(folder / PREPARE / DUPLICATES, near=self._recipe.duplicates == "near")
            self._index.rewind(state.indexed)

    def read(self, processes: int, progress: Callable[[int], None]) -> State:
        """Reads to the end of the corpus and returns where it got to."""
        near = None if self._recipe.duplicates == "keep" else self._recipe.duplicates == "near"
        rules = ChunkRules(self._folder / TOKENIZER, self._recipe.filters, near, self._recipe.held_out)
        chunks = chunks_of(_documents(self._state))
        try:
            for prepared in map_in_order(partial(chunk_worker, rules), chunks, processes):
                for document, duplicate in zip(prepared, self._duplicates(prepared), strict=True):
                    self._write(document, duplicate)
                progress(sum(document.text_bytes for document in prepared))
            self._finish_shards(len(self._state.sources), 0)
        finally:
            self._training.close()
            self._aside.close()
            if self._index is not None:
                self._index.close()
        return self._state

    def _duplicates(self, prepared: list[Prepared]) -> list[str | None]:
        """For each document why it is left out as a duplicate of an earlier one."""
        if self._index is None:
            return [None] * len(prepared)
        fingerprints = [document.fingerprint for document in prepared if document.fingerprint is not None]
        found = iter(self._index.add_batch(fingerprints, self._indexed))
        return [None if document.fingerprint is None else next(found) for document in prepared]

    def _write(self, document: Prepared, duplicate: str | None) -> None:
        self._counts["documents_read"] += 1
        self._counts["text_bytes"] += document.text_bytes
        self._indexed += document.fingerprint is not None
        reason = document.reason or duplicate
        if reason is not None:
            self._counts[reason] += 1
            return
        self._counts["sentences_without_tokens"] += document.dropped_sentences
        writer = self._aside if document.held_out else self._training
        writer.add(document.ids_T, document.lengths_S)
        if writer.tokens >= self._recipe.shard_tokens:
            self._finish_shards(document.position.source, document.position.number + 1)

    def _finish_shards(self, source: int, document: int) -> None:
        """Ends the shards of both kinds, so that a run can go on with the document that comes next."""
        self._training.finish()
        self._aside.finish()
        if self._index is not None:
            self._index.commit()
        self._state = self._state.model_copy(
            update={
                "source": source,
                "document": document,
                "indexed": self._indexed,
                "counts": dict(sorted(self._counts.items())),
                "shards": list(self._shards),
                "held_out": list(self._held_out),
            }
        )
        write_state(self._folder, self._state)


def _documents(state: State) -> Iterator[tuple[CorpusPosition, Document]]:
    for number, source in enumerate(state.sources[state.source :], state.source):
        start = state.document if number == state.source else 0
        documents = read_documents(source.path, format=source.format, text_column=source.text_column, start=start)
        for document in documents:
            yield CorpusPosition(number, document.number), document


def _write_manifests(folder: Path, state: State, tokenizer: Tokenizer) -> Manifest:
    if not state.shards:
        read = state.counts.get("documents_read", 0)
        left_out = {name: count for name, count in state.counts.items() if name not in ("documents_read", "text_bytes")}
        why = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in left_out.items())
        raise InputError(
            f"nothing is left of the corpus: {read:,} documents read{f', {why}' if why else ''}",
            f"{SENTENCES} {KEEP_SHORT}"
            if short_lines(state.sources, state.counts)
            else "Name files that hold running text; --no-filters keeps documents of every kind.",
        )
    if state.held_out:
        _save_tokenizer(tokenizer, folder / HELD_OUT)
        _write_manifest(folder / HELD_OUT, state, state.held_out, tokenizer)
    return _write_manifest(folder, state, state.shards, tokenizer)


def short_lines(sources: Sequence[CorpusFile], counts: Mapping[str, int]) -> bool:
    """Whether lines were read as documents of their own, most of them too short to keep: perhaps sentences."""
    if 2 * counts.get("too_short", 0) <= counts.get("documents_read", 0):
        return False
    return any((source.format or format_of(source.path)) == "lines" for source in sources)


def _write_manifest(folder: Path, state: State, shards: list[ShardEntry], tokenizer: Tokenizer) -> Manifest:
    manifest = Manifest(
        vocab_sha256=tokenizer.vocab_sha256(),
        dtype=dtype_of(tokenizer.vocab_size),
        documents=sum(shard.documents for shard in shards),
        sentences=sum(shard.sentences for shard in shards),
        tokens=sum(shard.tokens for shard in shards),
        settings={**state.recipe.model_dump(), "sources": [source.model_dump() for source in state.sources]},
        counts=state.counts,
        shards=shards,
    )
    with atomic_file(folder / MANIFEST) as file:
        file.write(manifest.model_dump_json(indent=1) + "\n")
    return manifest


def _save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    if not (folder / TOKENIZER).is_dir():
        with atomic_folder(folder / TOKENIZER) as made:
            tokenizer.save(made)


def _tokenizer_sha256(tokenizer: Tokenizer) -> str:
    with tempfile.TemporaryDirectory() as made:
        tokenizer.save(Path(made))
        return sha256(Path(made) / "tokenizer.json")


def _size(path: str) -> int | None:
    return None if path == STDIN else Path(path).stat().st_size
