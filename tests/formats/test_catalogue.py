from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.errors import UserError
from bertkit.formats.catalogue import FORMATS, OF_ROWS, choose_format, first_lines, formats_of_ending


def chosen(folder: Path, name: str, content: str, known: tuple[str, ...] = tuple(FORMATS)) -> tuple[str, list[str]]:
    said: list[str] = []
    path = folder / name
    path.write_text(content)
    return choose_format(str(path), None, known, "this", said.append), said


@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        ("a.txt", "__label__a b\n\n__label__c d\n", "fasttext"),
        ("a.txt", "__label__a b\nd\n", "lines"),
        ("a.txt", "Ada B-PER\nslept O\n\n", "conll"),
        ("a.txt", "-DOCSTART- -X- O O\n\nAda\tB-PER\n", "conll"),
        ("a.txt", "Ada slept. O\nI said so\n", "lines"),
        ("a.txt", "", "lines"),
        ("a.json", '{"data": [{"title": "", "paragraphs": []}]}', "squad"),
        ("a.json", '{"text": "a"}\n{"text": "b"}\n', "jsonl"),
        ("a.json", '{"text": "a"}\n', "json"),
        ("a.json", '[\n{"text": "a"}]', "json"),
        ("a.jsonl", '[\n{"text": "a"}]', "jsonl"),
        ("a.csv", "", "csv"),
        ("a.tab", "", "tsv"),
    ],
)
def test_ending_and_content_choose(tmp_path: Path, name: str, content: str, format: str) -> None:
    found, said = chosen(tmp_path, name, content)
    assert found == format
    assert (said != []) == (format == "conll")  # the only one that is a guess


def test_lines_that_are_not_fasttext_are_refused_by_who_needs_its_labels(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a.txt: not read by this unless it is fasttext: .*__label__name"):
        chosen(tmp_path, "a.txt", "a text\n", ("fasttext", "csv"))


def test_the_format_of_what_is_not_there_or_can_be_read_once_is_that_of_its_ending(tmp_path: Path) -> None:
    assert choose_format(str(tmp_path / "gone.txt"), None, OF_ROWS, "this", print) == "lines"


def test_a_format_with_its_delimiter(tmp_path: Path) -> None:
    assert choose_format("a", "csv:;", OF_ROWS, "this", print) == "csv:;"
    with pytest.raises(UserError, match="this is not read from format 'cvs:;'"):
        choose_format("a", "cvs:;", OF_ROWS, "this", print)


def test_every_ending_is_of_a_format() -> None:
    assert formats_of_ending("A.JSONL.GZ") == ("jsonl",)
    assert formats_of_ending("a.json") == ("squad", "jsonl", "json")
    assert formats_of_ending("a") == ()
    assert set(OF_ROWS) < set(FORMATS)


def test_first_lines_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a\n \nb\ncut", encoding="utf-16")
    assert first_lines(str(path)) == ["a", "b"]


def test_the_page_lists_the_formats_as_the_code_does() -> None:
    page = (Path(__file__).parents[2] / "docs/data.md").read_text(encoding="utf-8")
    rows = page.split("|---|---|---|\n")[1].split("<!-- end of formats -->")[0].splitlines()
    listed = {name: (", ".join(f"`{one}`" for one in format.endings), format.what) for name, format in FORMATS.items()}
    assert rows == [f"| `{name}` | {endings} | {what} |" for name, (endings, what) in sorted(listed.items())]
