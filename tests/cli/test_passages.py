from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.cli.passages import LONGEST_WORDS, Passage, passages_of, text_files
from bertkit.errors import InputError

PAGE = """# The page

Too short.

## A [linked](https://example.org) heading

The first paragraph has **bold** words
and goes on over a second line.
* A list item with `code` and more than six words.
* Another list item, it also has enough words.

```bash
this is a command that nobody wants to find here
```

1. A numbered item with quite a few words in it.
"""


def passages(folder: Path, name: str, text: str) -> list[Passage]:
    (folder / name).write_text(text)
    return list(passages_of(folder / name, name))


def test_markdown_becomes_paragraphs_and_items_below_their_heading(tmp_path: Path) -> None:
    assert passages(tmp_path, "page.md", PAGE) == [
        Passage("page.md", 7, "A linked heading", "The first paragraph has bold words and goes on over a second line."),
        Passage("page.md", 9, "A linked heading", "A list item with code and more than six words."),
        Passage("page.md", 10, "A linked heading", "Another list item, it also has enough words."),
        Passage("page.md", 16, "A linked heading", "A numbered item with quite a few words in it."),
    ]


def test_a_passage_is_searched_below_its_heading(tmp_path: Path) -> None:
    first = passages(tmp_path, "page.md", PAGE)[0]
    assert first.in_context == f"A linked heading: {first.text}"
    assert first.place == "page.md:7"
    assert Passage("a.txt", 1, "", "some words").in_context == "some words"


def test_long_paragraphs_are_cut_into_even_pieces_without_loss(tmp_path: Path) -> None:
    words = [f"word{n}" for n in range(LONGEST_WORDS * 2 + 1)]
    found = passages(tmp_path, "a.txt", " ".join(words))
    assert " ".join(passage.text for passage in found) == " ".join(words)
    assert [len(passage.text.split()) for passage in found] == [81, 81, 79]


def test_a_number_sign_in_a_text_file_is_no_heading(tmp_path: Path) -> None:
    (found,) = passages(tmp_path, "a.txt", "# one two three four five six\n")
    assert found.heading == ""


def test_a_number_sign_in_code_is_no_heading(tmp_path: Path) -> None:
    text = "```\n# comment\n```\nA paragraph with more than six words here.\n"
    assert [passage.heading for passage in passages(tmp_path, "a.md", text)] == [""]


def test_a_file_that_is_not_utf8_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"good\n\xff\n")
    with pytest.raises(InputError, match=r"a\.txt:2: not valid UTF-8"):
        list(passages_of(tmp_path / "a.txt", "a.txt"))


def test_files_of_a_folder_in_order_without_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.md", "a.TXT", "inner/c.txt", ".hidden/d.md", "e.py", "folder.md/f.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    names = [str(path.relative_to(tmp_path)) for path in text_files(tmp_path)]
    assert names == ["a.TXT", "b.md", "folder.md/f.txt", "inner/c.txt"]
