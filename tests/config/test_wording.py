"""Errors of calls from Python name arguments, not options that nobody typed."""

from __future__ import annotations

import inspect

import pytest

import bertkit
from bertkit.config.wording import in_python, worded
from bertkit.errors import BertkitError, InputError, OutOfMemory, TextTooLong

SAID = {
    TextTooLong.default_remedy: (
        "Shorten it, or choose long='window' (reads all of it) or long='truncate' (drops what is too much)."
    ),
    InputError.default_remedy: "Correct the input, or go on without the bad rows with on_error='record'.",
    OutOfMemory.default_remedy: (
        "Use a smaller batch_tokens, a smaller model or a larger machine; `bertkit plan MODEL` says what fits."
    ),
    "Leave --problem out.": "Leave problem out.",
    "Say it with --format csv|jsonl|tsv.": "Say it with format='csv', 'jsonl' or 'tsv'.",
    "Give -m MODEL or --predictions FILE, not both.": "Give model MODEL or predictions FILE, not both.",
    "Choose --vocab-size 300 or more.": "Choose vocab_size=300 or more.",
    "Add examples, or give others to measure on with --eval.": "Add examples, or give others to measure on with eval.",
    "Records are what `bertkit predict --json` writes.": "Records are what `bertkit predict --json` writes.",
    "Again: bertkit evaluate -m MODEL --calibrate.": "Again: bertkit evaluate -m MODEL --calibrate.",
    "a well-kept one -- as it was": "a well-kept one -- as it was",
}


@pytest.mark.parametrize("typed", SAID)
def test_options_become_arguments(typed: str) -> None:
    assert in_python(typed) == SAID[typed]


def test_an_error_is_the_same_in_other_words() -> None:
    raised = InputError("say --task x", "Say --task text-classification.")

    @worded
    def call(number: int) -> None:
        raise raised

    with pytest.raises(InputError) as caught:
        call(3)
    assert caught.value is raised
    assert (str(raised), raised.remedy) == ("say task='x'", "Say task='text-classification'.")


CALLS = "calibrate distill evaluate explain find_ranges finetune load load_encoder prepare pretrain sweep".split()


@pytest.mark.parametrize("name", CALLS)
def test_every_call_is_worded(name: str) -> None:
    assert inspect.unwrap(getattr(bertkit, name)) is not getattr(bertkit, name)


def test_a_call_that_fails() -> None:
    rows = [{"text": "a", "label": "b"}, {"text": "c", "label": "d"}]
    with pytest.raises(BertkitError) as caught:
        bertkit.finetune(rows, "fill-mask", problem="regression")
    assert "--" not in f"{caught.value} {caught.value.remedy}"
