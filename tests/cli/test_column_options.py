"""Every field that a task reads can be named, in every command that reads it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping

import pytest
import typer

from bertkit.cli.column_options import ASKED, LABELLED, NONE, TEXTS, column_options
from bertkit.cli.evaluate import evaluate
from bertkit.cli.finetune import finetune
from bertkit.cli.predict import predict
from bertkit.cli.tokenize import tokenize
from bertkit.labelled.reading import rows_of
from bertkit.tasks.catalogue import tasks_with


def test_the_fields_are_those_of_all_tasks() -> None:
    assert set(LABELLED) == {field for task in tasks_with("rows") for field in rows_of(task).fields}


@pytest.mark.parametrize(
    ("command", "fields"), [(finetune, LABELLED), (evaluate, LABELLED), (predict, ASKED), (tokenize, TEXTS)]
)
def test_commands_have_an_option_for_each(command: Callable[..., None], fields: Mapping[str, str]) -> None:
    names = [name for name in inspect.signature(command).parameters if name.endswith("_column")]
    assert names == [f"{field}_column" for field in fields]


def test_the_columns_that_were_given_are_handed_in(capsys: pytest.CaptureFixture[str]) -> None:
    @column_options({"text_pair": "second text", "id": "id"})
    def command(name: str, columns: Mapping[str, str] = NONE, loud: bool = False) -> None:
        print(name, dict(columns), loud)

    app = typer.Typer()
    app.command()(command)
    app(["x", "--id-column", "number", "--loud"], standalone_mode=False)
    assert capsys.readouterr().out == "x {'id': 'number'} True\n"
