from __future__ import annotations

import io

from bertkit.errors import InputError
from bertkit.formats.fasttext import read_fasttext


def test_labels_come_before_the_text() -> None:
    data = b"__label__a one text\n\n__label__a __label__b-c  two , texts\n__label__a, __label__b three\nno label\n"
    data += b"__label__a\n"
    assert list(read_fasttext(io.BytesIO(data), "f")) == [
        (1, {"text": "one text", "label": "a"}),
        (3, {"text": "two , texts", "label": ["a", "b-c"]}),
        (4, {"text": "three", "label": ["a", "b"]}),
        (5, {"text": "no label", "label": []}),
        (6, {"text": "", "label": "a"}),
    ]


def test_a_bad_line_is_an_error_of_its_own() -> None:
    ((number, error),) = read_fasttext(io.BytesIO(b"__label__a \xff\n"), "f")
    assert number == 1
    assert isinstance(error, InputError)
