from __future__ import annotations

from typing import Any

import pytest

from bertkit.cli import inputs
from bertkit.cli.inputs import input_rows
from bertkit.errors import InputError, UserError
from bertkit.formats.rows import Row


def rows(texts: list[str] | None = None, **options: Any) -> list[Row]:
    given = {"text_pair": None, "paths": None, "format": None, "columns": {}, **options}
    return list(input_rows(texts, **given)("text-classification", ("text", "text_pair")))


def test_typed_texts_are_numbered() -> None:
    assert rows(["a", "b"]) == [Row({"text": "a"}, "argument 1"), Row({"text": "b"}, "argument 2")]


def test_a_typed_pair() -> None:
    assert rows(["a"], text_pair="b") == [Row({"text": "a", "text_pair": "b"}, "argument 1")]


def test_an_empty_text_is_a_text() -> None:
    assert rows([""]) == [Row({"text": ""}, "argument 1")]


@pytest.mark.parametrize(
    ("texts", "options", "message"),
    [
        (["a"], {"paths": ["f"]}, "TEXT arguments and options of a file are both given"),
        (["a"], {"format": "csv"}, "TEXT arguments and options of a file are both given"),
        (["a"], {"columns": {"text": "b"}}, "TEXT arguments and options of a file are both given"),
        (["a", "b"], {"text_pair": "c"}, "--text-pair with 2 TEXT arguments"),
        (None, {"text_pair": "c"}, "--text-pair without a TEXT"),
    ],
)
def test_contradictions_are_wrong_use(texts: list[str] | None, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        rows(texts, **options)


def test_an_argument_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(InputError, match=r"^argument 2: not valid UTF-8"):
        rows(["a", "\udcff"])
    with pytest.raises(InputError, match=r"^--text-pair: not valid UTF-8"):
        rows(["a"], text_pair="\udcff")


def test_closed_standard_input_is_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs.sys, "stdin", None)
    with pytest.raises(UserError, match=r"^no text$"):
        rows()


def test_fields_for_every_row_that_has_none() -> None:
    given = {"question": "who?", "candidate_labels": None}
    assert rows(["a"], every_row=given) == [Row({"question": "who?", "text": "a"}, "argument 1")]
    with pytest.raises(InputError, match=r"^--candidate-labels: not valid UTF-8"):
        rows(["a"], every_row={"candidate_labels": "\udcff"})
