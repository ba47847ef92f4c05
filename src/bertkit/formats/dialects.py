"""How the fields of a table stand in its lines: what is between them, and whether they may be quoted.

A delimiter that nobody names is told from the first lines: the one that divides the header, and every row into as many
fields. Where several do, the user is asked.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bertkit.errors import InputError, UserError
from bertkit.formats.notes import Note

DELIMITERS: Mapping[str, str] = MappingProxyType(
    {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "colon": ":", "space": " "}
)
SNIFFED = (",", ";", "\t", "|")
_SETTLE = "Say it with --delimiter comma|semicolon|tab|pipe, or another character."


@dataclass(frozen=True, slots=True)
class Dialect:
    """How lines are cut into fields.

    Attributes:
        delimiter: one character.
        quoted: whether a field may stand in `"`, and then hold delimiters, line ends and, doubled, quotes.
    """

    delimiter: str
    quoted: bool

    @property
    def options(self) -> dict[str, Any]:
        """Of `csv.reader`."""
        quoting = csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE
        return {"delimiter": self.delimiter, "quoting": quoting, "strict": True}


OF_FORMAT: Mapping[str, Dialect] = MappingProxyType(
    # Tab separated files of the field (GLUE and its kin) do not quote: a `"` opens nothing.
    {"csv": Dialect(",", quoted=True), "tsv": Dialect("\t", quoted=False)}
)


def with_delimiter(format: str | None, delimiter: str | None) -> str | None:
    """A format, and the delimiter that --delimiter names, in one word, as every reader takes it: `csv:;`.

    Raises:
        UserError: the format has no delimiter, or it is no single character.
    """
    if delimiter is None:
        return format
    one = DELIMITERS.get(delimiter, delimiter.replace("\\t", "\t"))
    if len(one) != 1 or one in '"\r\n\0':
        raise UserError(f"--delimiter {delimiter!r} is not one character", f"Say {', '.join(DELIMITERS)}, or one.")
    if format not in (None, *OF_FORMAT):
        raise UserError(f"--delimiter with --format {format}, which has none", "Leave one of the two out.")
    return f"{format or 'csv'}:{one}"


def split_format(format: str) -> tuple[str, str | None]:
    """A format, and the delimiter behind it where there is one."""
    name, _, delimiter = format.partition(":")
    return name, delimiter or None


def dialect_of(format: str, head: str, columns: Collection[str], name: str, note: Note) -> Dialect:
    """How the fields of a file stand.

    Args:
        format: `csv` or `tsv`, perhaps with a delimiter: `csv:;`.
        head: the beginning of the file.
        columns: that it must have; they tell its delimiter too.
        name: how messages call the file.
        note: takes a line where it is not as the format says.

    Raises:
        InputError: more than one delimiter is possible.
    """
    kind, delimiter = split_format(format)
    usual = OF_FORMAT[kind]
    if delimiter is not None:
        return Dialect(delimiter, usual.quoted)
    if not usual.quoted and _fits(head, usual) and not _is_quoted(head, usual.delimiter):
        return usual
    quoted = [Dialect(one, quoted=True) for one in SNIFFED]
    likely = [one for one in quoted if _fits(head, one)] or _of_headers(head, quoted)
    named = [one for one in likely if set(columns) <= set(_records(head, one)[0])] if columns else []
    found = named or likely
    if not found:
        return usual
    if len(found) > 1:
        listed = " or ".join(repr(one.delimiter) for one in found)
        raise InputError(f"{name}: its fields could stand between {listed}", _SETTLE)
    if found[0].delimiter == usual.delimiter and (usual.quoted or not _fits_quoted(head, found[0])):
        return usual
    quotes = "" if usual.quoted else ', and may be quoted; --format tsv --delimiter tab reads " as a character'
    note(f"{name}: its fields stand between {found[0].delimiter!r}{quotes}")
    return found[0]


def _fits(head: str, dialect: Dialect) -> bool:
    """Whether all the first records have as many fields, two or more."""
    widths = {len(record) for record in _records(head, dialect)}
    return len(widths) == 1 and widths != {1}


def _fits_quoted(head: str, dialect: Dialect) -> bool:
    return _fits(head, dialect) and '"' in head


def _of_headers(head: str, dialects: Iterable[Dialect]) -> list[Dialect]:
    """Those that divide the first record; rows may be bad."""
    return [one for one in dialects if len((_records(head, one) or [[]])[0]) > 1]


def _is_quoted(head: str, delimiter: str) -> bool:
    """Whether fields that are quoted are surely meant so: all names of the header, or one has a doubled quote in it."""
    lines = head.split("\n")
    names = lines[0].removesuffix("\r").split(delimiter)
    if all(len(name) > 1 and name[0] == name[-1] == '"' for name in names):
        return True
    fields = [one for line in lines for one in line.removesuffix("\r").split(delimiter) if one.startswith('"')]
    whole = all(len(one) > 1 and one.endswith('"') and '"' not in one[1:-1].replace('""', "") for one in fields)
    return whole and any('""' in field[1:-1] for field in fields)


def _records(head: str, dialect: Dialect) -> list[list[str]]:
    """The first records, blank lines left out; of several the last, which may be cut off, not."""
    found: list[list[str]] = []
    try:
        lines = (line.removesuffix("\r") + "\n" for line in head.split("\n"))
        found.extend(record for record in csv.reader(lines, **dialect.options) if record)
    except csv.Error:  # it is cut off inside quotes, or not of this dialect at all: what is there has to do
        return found
    return found[:-1] if len(found) > 1 and not head.endswith("\n") else found
