"""`bertkit tokenize`: the pieces that a model reads, their ids, and where in the text they stand. Without torch."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bertkit.cli import column_options, options
from bertkit.cli.inputs import input_rows
from bertkit.errors import InputError

if TYPE_CHECKING:
    from bertkit.formats.rows import Row
    from bertkit.tokenization.tokenizer import Tokenizer
    from bertkit.tokenization.tokens import Tokens


@column_options.column_options(column_options.TEXTS)
def tokenize(
    texts: options.Texts = None,
    model: options.Model = None,
    input: options.Input = None,
    output: options.Output = None,
    format: options.Format = None,
    delimiter: options.Delimiter = None,
    columns: Mapping[str, str] = column_options.NONE,
    text_pair: options.TextPair = None,
    revision: options.Revision = None,
    json: options.Json = False,
) -> None:
    """Show the pieces, ids and offsets of texts.

    Special tokens are included. Offsets are counted in Unicode code points of the text as given.
    """
    from bertkit.cli.models import model_folder
    from bertkit.cli.output import json_line, open_output
    from bertkit.formats.dialects import with_delimiter
    from bertkit.pretrained.loading import open_tokenizer
    from bertkit.terminal.messages import write_line

    rows = input_rows(
        texts,
        text_pair=text_pair,
        paths=input,
        format=with_delimiter(format, delimiter),
        columns=columns,
    )
    with open_output(output) as out:
        tokenizer = open_tokenizer(model_folder(model, revision))
        for row in rows("feature-extraction", tuple(column_options.TEXTS)):  # which reads whatever has a text
            record = _record(row, tokenizer)
            write_line(out, json_line(record, row.place) if json or output is not None else _readable(row, record))


def _record(row: Row, tokenizer: Tokenizer) -> dict[str, Any]:
    from bertkit.tokenization.windows import LongText, cut

    first = _tokens(row, "text", tokenizer)
    second = _tokens(row, "text_pair", tokenizer) if "text_pair" in row.fields else None
    # No limit: what is shown is the whole text, however much of it a model would read at once.
    encoded = cut(first, second, tokenizer.template, limit=sys.maxsize, long=LongText.ERROR)
    (window,) = encoded.windows
    return {
        "tokens": [tokenizer.token(id) for id in window.ids],
        "ids": list(window.ids),
        "offsets": list(window.offsets or []),
        "input_tokens": encoded.input_tokens,
    }


def _tokens(row: Row, field: str, tokenizer: Tokenizer) -> Tokens:
    from bertkit.tasks.contract import text_field

    try:
        text = text_field(row.fields, field)
    except InputError as error:
        raise error.at(row.place) from None
    (tokens,) = tokenizer.tokenize([text], offsets=True)
    return tokens


def _readable(row: Row, record: dict[str, Any]) -> str:
    from bertkit.terminal.tables import shorten, table

    columns = (record[name] for name in ("tokens", "ids", "offsets"))
    rows = [(token, str(id), f"{start}-{end}" if end else "") for token, id, (start, end) in zip(*columns, strict=True)]
    heading = f"{shorten(str(row.fields['text']), 70).rstrip()}  ({record['input_tokens']} tokens)"
    return f"{heading}\n{table(('piece', 'id', 'offsets'), rows)}"
