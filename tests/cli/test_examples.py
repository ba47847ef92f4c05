"""The examples of `--help` can be typed."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from typer.main import get_command

from bertkit.cli.examples import EXAMPLES
from bertkit.cli.main import _split_debug, app

PROGRAM: Any = get_command(app)


@pytest.mark.parametrize("command", PROGRAM.commands)
def test_three_examples_that_can_be_typed(command: str) -> None:
    assert len(EXAMPLES[command]) == 3
    for line in EXAMPLES[command]:
        words = shlex.split(line)
        _, (named, *arguments) = _split_debug(words[words.index("bertkit") + 1 :])
        assert named == command
        with PROGRAM.commands[command].make_context(command, arguments):
            pass


def test_examples_are_of_commands_that_there_are() -> None:
    assert set(EXAMPLES) == set(PROGRAM.commands)
