from __future__ import annotations

import pytest

from bertkit import errors
from bertkit.errors import (
    BadCheckpoint,
    BertkitError,
    InputError,
    TextTooLong,
    UserError,
    near_match,
    refuse_pointer,
)

ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, BertkitError)]


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_has_one_remedy_one_exit_code_and_one_status(kind: type[BertkitError]) -> None:
    error = kind("it broke")
    assert str(error) == "it broke"
    assert error.remedy == kind.default_remedy
    assert "\n" not in error.remedy
    assert error.exit_code in (1, 2)
    assert 400 <= error.http_status < 600
    assert kind("it broke", "Mend it.").remedy == "Mend it."


def test_a_place_goes_before_the_message() -> None:
    error = TextTooLong("the text is long").at("file:3")
    assert str(error) == error.what == "file:3: the text is long"


def test_a_record_names_class_message_remedy_and_page() -> None:
    page = "docs/errors/InputError.md"
    assert InputError("f:1: bad", "Mend it.").record() == {
        "error": {"type": "InputError", "message": "f:1: bad", "remedy": "Mend it.", "page": page}
    }


def test_near_match() -> None:
    assert near_match("bret", ["bert", "gpt"]) == " (did you mean 'bert'?)"
    assert near_match("xyz", ["bert", "gpt"]) == ""
    assert near_match("bret", ["BERT", "gpt"]) == " (did you mean 'BERT'?)"


def test_a_word_that_nobody_typed_is_near_its_other_spellings_only() -> None:
    assert near_match("text", ["intent"]) == " (did you mean 'intent'?)"
    assert near_match("text", ["intent", "context"], typed=False) == ""
    assert near_match("text", ["Texts", "intent"], typed=False) == " (did you mean 'Texts'?)"


@pytest.mark.parametrize("kind", [BadCheckpoint, InputError])
def test_a_git_pointer_is_told_by_how_it_begins(kind: type[UserError]) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"
    for start in (pointer, pointer[:8]):
        with pytest.raises(kind, match="f/a: a Git LFS pointer") as caught:
            refuse_pointer("f/a", start, kind)
        assert caught.value.remedy == "Fetch it: run `git lfs pull` in f."
    for start in (b"", b"version", b"version 2 of a text"):
        refuse_pointer("f/a", start, kind)
