from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from bertkit.errors import InputError
from bertkit.formats.json_file import read_json


@pytest.mark.parametrize("content", [b'{"a": [1, "\xc3\xa9"]}', b'\xef\xbb\xbf{"a": [1, "\xc3\xa9"]}'])
@pytest.mark.parametrize("packed", [False, True])
def test_one_value_whatever_it_begins_with_and_however_it_is_packed(
    content: bytes, packed: bool, tmp_path: Path
) -> None:
    path = tmp_path / ("a.json.gz" if packed else "a.json")
    path.write_bytes(gzip.compress(content) if packed else content)
    assert read_json(str(path), "Mend it.") == {"a": [1, "é"]}


@pytest.mark.parametrize(
    ("content", "said", "remedy"),
    [
        (b'{"a": 1}\n{"a": 2}', "a.json:2: not valid JSON at column 1: Extra data", "Mend it."),
        (b"", "a.json:1: not valid JSON at column 1", "Mend it."),
        (b'{"a": "\xff"}', "a.json: not valid UTF-8 at byte 8", "Convert the file to UTF-8."),
    ],
)
def test_what_is_no_json_is_named_with_its_place(content: bytes, said: str, remedy: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=said) as caught:
        read_json(str(tmp_path / "a.json"), "Mend it.")
    assert caught.value.remedy == remedy
