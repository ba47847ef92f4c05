from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import pytest

from bertkit.errors import InputError, UserError
from bertkit.formats.rows import Row
from bertkit.labelled.conll import read_conll, spans_of
from bertkit.labelled.examples import Example, Tagged
from tests.labelled.example_files import written


def sentences(folder: Path, content: str | bytes, **columns: str) -> list[Example]:
    return list(read_conll(written(folder, "a.conll", content), columns))


def words_and_tags(example: Example) -> list[tuple[str, str]]:
    assert isinstance(example.target, Tagged)
    text = str(example.row.fields["text"])
    pairs = zip(example.target.words, example.target.tags, strict=True)
    return [(text[start:end], tag) for (start, end), tag in pairs]


def read(folder: Path, content: str | bytes, **columns: str) -> list[list[tuple[str, str]]]:
    return [words_and_tags(example) for example in sentences(folder, content, **columns)]


def test_words_are_joined_and_point_into_the_text(tmp_path: Path) -> None:
    found = sentences(tmp_path, "Zoë\tB-PER\n😀\tO\n\n\nParis\tB-LOC\n")
    path = f"{tmp_path}/a.conll"
    assert found == [
        Example(Row({"text": "Zoë 😀"}, f"{path}:1"), Tagged(((0, 3), (4, 5)), ("B-PER", "O")), "0"),
        Example(Row({"text": "Paris"}, f"{path}:5"), Tagged(((0, 5),), ("B-LOC",)), "1"),
    ]


ADA = [("Ada", "B-PER"), ("slept", "O")]


@pytest.mark.parametrize(
    "content",
    [
        "Ada\tB-PER\nslept\tO\n",
        "Ada B-PER\nslept O",
        "\ufeffAda  B-PER\r\nslept   O \r\n\r\n",
        "-DOCSTART- O\n\nAda B-PER\nslept O\n",
        "-DOCSTART- -X- -X- O\n\nAda NNP B-NP B-PER\nslept VBD B-VP O\n",
        "# newdoc id = a\n# text = Ada slept\n1\tAda\tB-PER\t-\tme\n2\tslept\tO\t-\t-\n",
        "#\thttp://example.org/a [2009-10-17]\n1\tAda\tB-PER\tO\n2\tslept\tO\tO\n",
        "# id 5 domain=en\nAda _ _ B-PER\nslept _ _ O\n",
        "\n \n\t\nAda\tB-PER\nslept\tO\n\t\n",
    ],
    ids=["tabs", "spaces", "crlf", "document", "conll2003", "uner", "germeval", "multiconer", "blank"],
)
def test_the_kinds_of_the_format_are_told_apart(tmp_path: Path, content: str) -> None:
    assert read(tmp_path, content) == [ADA]


def test_gzip_and_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(tmp_path, gzip.compress(b"Ada B-PER\nslept O\n")) == [ADA]
    reader = io.BufferedReader(io.BytesIO(b"Ada B-PER\nslept O\n"))  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(reader))
    (example,) = read_conll("-", {})
    assert (words_and_tags(example), example.row.place) == (ADA, "stdin:1")


def test_a_document_ends_a_sentence(tmp_path: Path) -> None:
    assert read(tmp_path, "Ada B-PER\n-DOCSTART- O\nslept O\n") == [ADA[:1], ADA[1:]]


def test_the_hash_can_be_a_word(tmp_path: Path) -> None:
    assert read(tmp_path, "# O\n1 O\n") == [[("#", "O"), ("1", "O")]]
    assert read(tmp_path, "#\tO\n#ada\tB-PER\n") == [[("#", "O"), ("#ada", "B-PER")]]
    assert read(tmp_path, "# O\n") == [[("#", "O")]]
    assert read(tmp_path, "# newdoc id = 1\nAda B-PER\n# O\n") == [[("Ada", "B-PER"), ("#", "O")]]


def test_numbers_that_are_words_are_not_a_count(tmp_path: Path) -> None:
    assert read(tmp_path, "1 O\n2 O\n") == [[("1", "O"), ("2", "O")]]
    assert read(tmp_path, "1 CD O\nof IN O\n") == [[("1", "O"), ("of", "O")]]


def test_ranges_and_empty_nodes_are_dropped(tmp_path: Path) -> None:
    lines = ["1-2\tdon't\t_", "1\tdo\tO", "2\tn't\tO", "2.1\tgo\t_", "", "1-2\tcan't\t_", "1\tca\tO", "2\tn't\tO"]
    found = read(tmp_path, "\n".join(lines))
    assert [[word for word, _ in sentence] for sentence in found] == [["do", "n't"], ["ca", "n't"]]


def universal(*rows: tuple[str, str, str, str], columns: int = 10) -> str:
    """Lines of CoNLL-U: number, word, lemma and part of speech of each."""
    return "".join("\t".join([*row, *"123456789"][:columns]) + "\n" for row in rows) + "\n"


FILMS = (("1", "the", "the", "DET"), ("2", "films", "film", "NOUN"))
PARTS_OF_SPEECH = [("the", "DET"), ("films", "NOUN")]


@pytest.mark.parametrize(
    "content",
    [
        universal(*FILMS),
        "# global.columns = ID FORM LEMMA UPOS\n# newdoc\n#text=the films\n" + universal(*FILMS),
        universal(("1-2", "thefilms", "_", "_"), *FILMS, ("2.1", "go", "go", "VERB")),
    ],
)
def test_of_conll_u_the_part_of_speech_is_the_tag(tmp_path: Path, content: str) -> None:
    notes: list[str] = []
    (example,) = read_conll(written(tmp_path, "a.conllu", content), {}, notes.append)
    assert words_and_tags(example) == PARTS_OF_SPEECH
    assert [note.partition(": ")[2] for note in notes] == [
        "10 columns, read as CoNLL-U: column 4 (UPOS) is the tag; --label-column names another"
    ]
    assert read(tmp_path, universal(*FILMS), label="5") == [[("the", "1"), ("films", "1")]]


@pytest.mark.parametrize("columns", [6, 8, 9, 11, 13])
def test_which_of_many_columns_is_the_tag_is_asked(tmp_path: Path, columns: int) -> None:
    with pytest.raises(InputError, match=f"which of its {columns} columns is the tag is not known") as caught:
        read(tmp_path, universal(*FILMS, columns=columns))
    assert caught.value.remedy == "Name it by its number, from 1, with --label-column."
    assert read(tmp_path, universal(*FILMS, columns=columns), label="4") == [PARTS_OF_SPEECH]


def test_names_of_documents_are_not_words(tmp_path: Path) -> None:
    """CoNLL-2012."""
    lines = ["#begin document (a)", "a 0 0 the DET x -", "a 0 1 films NOUN x -", "", "#end document"]
    with pytest.raises(InputError, match="which of its 7 columns is the tag") as caught:
        read(tmp_path, "\n".join(lines))
    assert "--text-column" in caught.value.remedy
    assert read(tmp_path, "\n".join(lines), text="4", label="5") == [PARTS_OF_SPEECH]


@pytest.mark.parametrize("content", ["1 the the\n2 films film\n", "the DET the\nfilms NOUN film\nold ADJ old\n"])
def test_lemmas_are_not_tags(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError, match=r"column 3 repeats the word in .* lines, as lemmas do, not tags"):
        read(tmp_path, content)
    assert read(tmp_path, content, label="3")


def test_a_word_without_a_part_of_speech_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r":1: the word 'the' has no UPOS \(column 4 is '_'\)"):
        read(tmp_path, universal(("1", "the", "the", "_"), FILMS[1]))


def test_a_sentence_keeps_its_own_name(tmp_path: Path) -> None:
    found = sentences(tmp_path, "# sent_id = a-1\n1\tAda\tB-PER\n\n1\tslept\tO\n")
    assert [(example.id, example.row.place[-1]) for example in found] == [("a-1", "2"), ("1", "4")]


def test_columns_are_named_by_number(tmp_path: Path) -> None:
    content = "Ada NNP B-NP B-PER\nslept VBD B-VP O\n"
    assert read(tmp_path, content, label="3") == [[("Ada", "B-NP"), ("slept", "B-VP")]]
    assert read(tmp_path, content, text="2", label="4") == [[("NNP", "B-PER"), ("VBD", "O")]]
    assert read(tmp_path, "1\tAda\tB-PER\tx\n2\tslept\tO\ty\n", label="4") == [[("Ada", "x"), ("slept", "y")]]


@pytest.mark.parametrize("number", ["0", "3", "tag", "-1"])
def test_a_column_that_is_not_there_is_told(tmp_path: Path, number: str) -> None:
    with pytest.raises(UserError, match=f"no column '{number}' for 'label'; the columns are 1 to 2") as caught:
        read(tmp_path, "Ada B-PER\n", label=number)
    assert caught.value.remedy == "Name it by its number with --label-column."


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("Ada\n", ":1: the word 'Ada' has no tag: its line has one column"),
        ("Ada\tO\nslept\n", ":2: the word 'slept' has no tag: 1 column where the first word has 2"),
        ("Ada\tO\nslept\t\n", ":2: the word 'slept' has no tag: 1 column where the first word has 2"),
        ("Ada\tO\tO\n\nslept\t\tO\textra\n", ":3: 4 columns where the first word has 3"),
        ("Ada\tO\n\tO\n", ":2: the word (column 1) is empty"),
        ("Ada\tx\tO\nslept\t\u00a0\tO\n", None),
        ("Ada\tO\nsl\0ept\tO\n", ":2: contains a NUL character"),
        (b"Ada\tO\n\nsl\xffept\tO\n", ":3: not valid UTF-8 (byte 0xff at byte 3 of the line)"),
    ],
)
def test_a_bad_line_is_told(tmp_path: Path, content: str | bytes, told: str | None) -> None:
    if told is None:
        assert len(read(tmp_path, content)) == 1
        return
    with pytest.raises(InputError) as caught:
        read(tmp_path, content)
    assert str(caught.value) == f"{tmp_path}/a.conll{told}"
    assert "--on-error" not in caught.value.remedy


def test_an_empty_tag_between_columns_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r":2: the tag \(column 2\) is empty"):
        read(tmp_path, "Ada\tO\tx\nslept\t\tx\n", label="2")


def test_a_file_without_a_word_has_no_sentence(tmp_path: Path) -> None:
    assert read(tmp_path, "\n-DOCSTART- O\n\n# text = \n") == []


def test_spans_are_code_points() -> None:
    assert spans_of(["a", "bc", "😀"]) == ((0, 1), (2, 4), (5, 6))
    assert spans_of([]) == ()
