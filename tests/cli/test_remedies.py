"""Remedies in the words of the command that met the error."""

from __future__ import annotations

import pytest

from bertkit.cli.main import commands
from bertkit.cli.remedies import in_words_of
from bertkit.errors import BertkitError, FolderInUse, InputError, NotFinite, OutOfMemory, TextTooLong

KNOWN = commands()
SAID = [
    # An option that the command has is as it was.
    ("predict", InputError("x"), "Correct the input, or go on without the bad rows with --on-error record."),
    ("finetune", FolderInUse("x"), "Wait until it has ended, or choose another folder with -o."),
    # One that it has not is left out, with what it is the way to.
    ("quickstart", InputError("x"), "Correct the input."),
    ("prepare", NotFinite("x"), "The checkpoint may be damaged: get it again."),
    ("quickstart", InputError("x", "Leave it out, or say --task text-ranking."), "Leave it out."),
    # What goes on without it keeps its verb.
    (
        "quickstart",
        OutOfMemory("x"),
        "Use a smaller model or a larger machine; `bertkit plan MODEL` says what fits.",
    ),
    # So is a word that only other commands know for the option.
    ("predict", InputError("x", "Correct it, or say --format blank-line."), "Correct it."),
    # A setting takes the place of an option.
    ("pretrain", InputError("x", "Use --device cpu."), "Use --set train.device=cpu."),
    ("pretrain", FolderInUse("x"), "Wait until it has ended, or choose another folder with run.directory (--set)."),
    # Where nothing is left, what helps against all errors of the kind.
    ("quickstart", InputError("x", "Name it: --label-column."), "Correct the input."),
    ("info", TextTooLong("x", "Choose --long truncate."), "Shorten it."),
    (
        "doctor",
        BertkitError("x", "Leave --problem out."),
        "Run the command again with --debug and report the traceback.",
    ),
    # What is typed elsewhere is nobody's option.
    ("info", InputError("x", "Make one: bertkit export M --to onnx -o OUT; or wait."), None),
    ("info", InputError("x", "Fetch it: run `git lfs pull --all` in ."), None),
    ("info", InputError("x", "Install it: pip install --no-deps x."), None),
]


@pytest.mark.parametrize(("command", "error", "said"), SAID)
def test_a_remedy_names_nothing_that_the_command_does_not_take(command: str, error: BertkitError, said: str) -> None:
    assert in_words_of(command, KNOWN, error) == (said or error.remedy)
