"""Which files a search can read, and each of them as documents."""

from __future__ import annotations

import datetime
import gzip
import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bertkit.errors import InputError, near_match
from bertkit.formats.files import open_bytes, readable
from bertkit.formats.rows import Row, read_rows
from bertkit.retrieval.documents import FieldValue, SourceDocument, TextBlock
from bertkit.retrieval.html import html_blocks
from bertkit.retrieval.markdown import markdown_blocks
from bertkit.retrieval.pdf import read_pdf
from bertkit.retrieval.plain_text import text_blocks
from bertkit.retrieval.traced import Stretch, Traced

FORMAT_OF_ENDING: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys((".txt", ".text", ".rst"), "text"),
        **dict.fromkeys((".md", ".markdown"), "markdown"),
        **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
        ".pdf": "pdf",
        **dict.fromkeys((".jsonl", ".ndjson"), "jsonl"),
        ".csv": "csv",
        ".tsv": "tsv",
        ".parquet": "parquet",
    }
)
TEXT_COLUMN = "text"
HEADING_COLUMN = "title"
_GZIP = b"\x1f\x8b"  # no PDF begins so
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_FRONT_MATTER = re.compile(r"---[^\S\n]*\n(.*?)^(?:---|\.\.\.)[^\S\n]*$", re.DOTALL | re.MULTILINE)
_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?([\w-]+)", re.IGNORECASE)

BadRow = Callable[[InputError], None]


def format_of(path: Path) -> str | None:
    """How a file is read, by its ending, `.gz` put aside; None where it is not."""
    name = path.name.lower().removesuffix(".gz")
    return FORMAT_OF_ENDING.get(Path(name).suffix)


def documents_of(path: Path, text_column: str | None, on_bad_row: BadRow) -> Iterator[SourceDocument]:
    """The documents of a file: itself, or its rows.

    Args:
        text_column: of files of rows; `text` when left out.
        on_bad_row: is called with the error of a row that cannot be read; reading goes on.

    Raises:
        InputError: the file cannot be read.
        UserError: what reads such files is not installed.
    """
    format = format_of(path)
    facts: dict[str, FieldValue] = {"file": path.name, "format": format}
    if format in ("jsonl", "csv", "tsv", "parquet"):
        is_right = False  # where the first row is no such row, none is
        for row in read_rows(str(path), on_bad_row=on_bad_row):
            try:
                found = _of_row(row, text_column or TEXT_COLUMN, facts, format in ("csv", "tsv"))
            except InputError as error:
                if not is_right:
                    raise
                on_bad_row(error)
                continue
            is_right = True
            if found is not None:
                yield found
        return
    document = _WHOLE[format or "text"](_content(path, is_text=format != "pdf"), str(path))
    yield SourceDocument(document.blocks, {**facts, **document.fields})


def _content(path: Path, *, is_text: bool) -> bytes:
    """The bytes of a file, gzip undone; of a text in UTF-8, whatever it is written in."""
    name = str(path)
    if is_text:
        with open_bytes(name) as file, readable(name, "to its end"):
            return file.read()
    with readable(name, "to its end"):
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(_GZIP) else content


def _decoded(content: bytes, name: str) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{name}:{line}: not valid UTF-8 (byte 0x{content[error.start]:02x})", "Convert the file to UTF-8."
        ) from None
    if "\0" in text:
        raise InputError(f"{name}: contains a NUL character", "Is it a text? Convert it to UTF-8.")
    return text


def _text(content: bytes, name: str) -> SourceDocument:
    return SourceDocument(text_blocks(_decoded(content, name)))


def _markdown(content: bytes, name: str) -> SourceDocument:
    source, fields = _decoded(content, name), dict[str, FieldValue]()
    if (found := _FRONT_MATTER.match(source)) is not None:
        fields = _front_matter(found[1])
        source = re.sub(r"[^\n]", " ", found[0]) + source[found.end() :]  # every offset stays
    return SourceDocument(markdown_blocks(source), fields)


def _front_matter(text: str) -> dict[str, FieldValue]:
    """What stands before a page between two lines of `---`; nothing where it is no YAML."""
    import yaml

    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return {str(name): _as_json(value) for name, value in values.items()} if isinstance(values, dict) else {}


def _html(content: bytes, name: str) -> SourceDocument:
    declared = _CHARSET.search(content[:4096])
    try:
        source = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            source = content.decode(declared[1].decode() if declared else "cp1252")
        except (UnicodeDecodeError, LookupError):
            source = _decoded(content, name)
    blocks, title = html_blocks(source)
    return SourceDocument(blocks, {"title": title.strip()} if title.strip() else {})


_WHOLE: Mapping[str, Callable[[bytes, str], SourceDocument]] = {
    "text": _text,
    "markdown": _markdown,
    "html": _html,
    "pdf": read_pdf,
}


def _of_row(row: Row, column: str, facts: Mapping[str, FieldValue], untyped: bool) -> SourceDocument | None:
    """A row's document; None where its text is empty."""
    if column not in row.fields:
        known = ", ".join(map(repr, row.fields))
        raise InputError(
            f"{row.place}: no column {column!r}{near_match(column, row.fields)}; the columns are {known}",
            "Name the one that holds the text with --text-column.",
        )
    text = row.fields[column]
    if text is None:
        return None
    if not isinstance(text, str):
        raise InputError(f"{row.place}: the column {column!r} is not text", "Name another with --text-column.")
    others = {name: _as_json(_cell(value) if untyped else value) for name, value in row.fields.items()}
    heading = others.get(HEADING_COLUMN)
    heading = heading if isinstance(heading, str) and column != HEADING_COLUMN else ""
    blocks = [TextBlock(_lineless(block.text), heading) for block in text_blocks(text)]
    del others[column]
    return SourceDocument(blocks, {**facts, **others}, row=int(row.place.rpartition(":")[2]))


def _lineless(text: Traced) -> Traced:
    """The same text; its lines are not those of the file that it is written in."""
    return Traced(text.text, tuple(Stretch(run.at, run.source, 0) for run in text.runs))


def _cell(value: object) -> object:
    """A cell as a number where it is written as one: files of these formats know no types."""
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        return value
    number = float(value)
    return int(value) if "." not in value and "e" not in value.lower() else number if math.isfinite(number) else value


def _as_json(value: Any) -> FieldValue:
    """A value that JSON can say; others as they are written."""
    if value is None or isinstance(value, str | bool | int):
        return value if not isinstance(value, int) or isinstance(value, bool) or abs(value) < 2**63 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _as_json(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(part) for part in value]
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)
