"""Indexing, the whole job: what has changed is read, cut into passages and embedded; what has gone leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bertkit.config.indexing import Cutting, IndexConfig, IndexSettings
from bertkit.config.strict import parse
from bertkit.errors import InputError, UserError
from bertkit.retrieval.reading import documents_of
from bertkit.retrieval.sources import SourceFiles, below, digest_of, source_files
from bertkit.retrieval.tables import NAME, read_tables
from bertkit.retrieval.writer import IndexWriter, open_writer
from bertkit.workflows.index_model import IndexModel, check_model, new_model
from bertkit.workflows.observer import SILENT, Observer


@dataclass(frozen=True)
class Indexed:
    """What indexing did.

    Attributes:
        files, passages: that the index has now.
        changed, removed, unchanged: files.
        embedded: passages that got a vector of the model; of others there was one that says the same.
        input_tokens: that the model read for them, special tokens included.
        left_out: why files or rows could not be read, a line each.
        passed_over: files of folders that are of no kind that is read, by their endings.
    """

    index: Path
    files: int
    passages: int
    changed: int
    removed: int
    unchanged: int
    embedded: int
    input_tokens: int = 0
    left_out: Sequence[str] = field(default=(), repr=False)
    passed_over: Mapping[str, int] = field(default_factory=dict)

    def record(self) -> dict[str, object]:
        """As JSON values."""
        counts = ("files", "passages", "changed", "removed", "unchanged", "embedded")
        told = {name: getattr(self, name) for name in counts}
        return {"index": str(self.index), **told, "left_out": [*self.left_out], "passed_over": {**self.passed_over}}


def index(config: IndexConfig, observer: Observer = SILENT) -> Indexed:
    """Makes an index of files, or brings one up to date. Killed at any moment, the same call goes on where it stopped.

    Args:
        observer: is told how it gets on.

    Raises:
        UserError: the index has another model or other settings than are asked for; or there is nothing to index.
        InputError: a source is not there.
        FolderInUse: another process writes to it.
        BadIndex: it is damaged.
        OutputError: it cannot be written.
    """
    folder = Path(config.index)
    is_new = not (folder / NAME).is_file()
    if is_new:
        if not config.sources:
            raise UserError("nothing to index", f"Name files or folders: bertkit index FOLDER -o {folder}.")
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserError(f"{folder}: is there already, and is no index", "Choose another place with -o.")
        if not source_files(config.sources).files:
            raise InputError(f"{' '.join(config.sources)}: no file that can be read", "Name a folder with texts in it.")
        settings, model = _new_settings(config)
    else:
        settings = _known_settings(folder, config)
        model = IndexModel(settings.model, config.device)
    with open_writer(folder, settings) as writer:
        sources = [*config.sources] or writer.sources()
        found = source_files(sources)
        for source in config.sources:
            writer.add_source(str(Path(source).resolve()))
        gone, changed, left_out = _read(writer, found, sources, observer)
        embedded = 0
        if writer.waiting():
            with observer.counting("passages") as tick:
                for passages, new in writer.embed(model.passages):
                    embedded += new
                    tick(passages)
        writer.remove(gone)  # after that: what a file that was moved says has its vectors still
        writer.tidy()
        files, passages = writer.counts()
    unchanged = len(found.files) - changed - len(left_out.files)
    return Indexed(
        *(folder, files, passages, changed, len(gone) - len(left_out.known), unchanged, embedded, model.input_tokens),
        left_out=tuple(left_out.lines),
        passed_over=found.passed_over,
    )


@dataclass
class LeftOut:
    """What could not be read.

    Attributes:
        files: whole ones.
        known: those of them that the index has had, and has no more.
        lines: why, of files and of rows.
    """

    observer: Observer
    files: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def note(self, error: UserError) -> None:
        """Why something could not be read; what is missing for it, where something is."""
        line = error.what if isinstance(error, InputError) else f"{error.what} ({error.remedy})"
        self.lines.append(line)
        self.observer.say(f"left out: {line}")


def _read(
    writer: IndexWriter, found: SourceFiles, sources: Sequence[str], observer: Observer
) -> tuple[list[str], int, LeftOut]:
    """Cuts what has changed into passages, which wait. Gives which files have gone, and how many have changed."""
    known, left_out, changed = writer.digests(), LeftOut(observer), 0
    column = writer.settings.cutting.text_column
    with observer.counting("files") as tick:
        for file in found.files:
            path = str(file)
            try:
                digest = digest_of(file)
                if known.get(path) != digest:
                    writer.add(path, digest, documents_of(file, column, left_out.note))
                    changed += 1
            except UserError as error:  # of one file; the others are read
                left_out.note(error)
                left_out.files.append(path)
            tick(1)
    there = {str(file) for file in found.files}
    gone = [path for path in known if path not in there and below(path, sources)]
    left_out.known = [path for path in left_out.files if path in known]
    return [*gone, *left_out.known], changed, left_out


def _new_settings(config: IndexConfig) -> tuple[IndexSettings, IndexModel]:
    """Those of an index that is made, and its model."""
    given = {name: getattr(config, name) for name in Cutting.model_fields if getattr(config, name) is not None}
    cutting = parse(Cutting, given, "index")
    described, model = new_model(config)
    return IndexSettings(model=described, cutting=cutting, precision=config.precision or "float16"), model


def _known_settings(folder: Path, config: IndexConfig) -> IndexSettings:
    """Those of an index that is there.

    Raises:
        UserError: others are asked for.
    """
    with read_tables(folder) as tables:
        settings = tables.settings
    said = {"precision": settings.precision, **settings.cutting.model_dump()}
    for name, value in said.items():
        if (asked := getattr(config, name)) is not None and asked != value:
            option = f"--{name.replace('_', '-')}"
            raise UserError(
                f"{folder}: was made with {option} {value}, not {asked}",
                f"Leave {option} out, or make another index with -o.",
            )
    check_model(settings.model, str(folder), config)
    return settings
