"""What files are read as: documents, which have fields to filter by, and blocks of text below headings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from bertkit.retrieval.traced import Traced

FieldValue: TypeAlias = "str | int | float | bool | list[FieldValue] | dict[str, FieldValue] | None"


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A paragraph, an item of a list, a row of a table.

    Attributes:
        text: without markup; knows where it stands.
        heading: the headings above it; empty where there is none.
        page: of a file that has pages, from 1.
    """

    text: Traced
    heading: str = ""
    page: int | None = None


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A file, or a row of a file of rows.

    Attributes:
        blocks: in their order; passages are made of neighbours below one heading, on one page.
        fields: what else is known of it, as JSON values, by names.
        row: which row it is, as messages count them: of lines from 1, of Parquet's rows likewise; None for a file.
    """

    blocks: Iterable[TextBlock]
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    row: int | None = None
