"""Against the rules that BERT was trained with, written down here again, and transformers' copy of them.

docs/tokenization.md lists the code points where the two differ; the tests see that the list is right, and that nothing
else differs on real text.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pytest

from bertkit.tokenization.tokenizer import Tokenizer
from tests.tokenization.texts import HOSTILE, real_lines

DOCUMENT = Path(__file__).parents[2] / "docs" / "tokenization.md"
CHINESE = [
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
]


def is_punctuation(character: str) -> bool:
    code = ord(character)
    ascii_symbol = 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
    return ascii_symbol or unicodedata.category(character).startswith("P")


def clean(text: str) -> str:
    output = []
    for character in text:
        if character in " \t\n\r" or unicodedata.category(character) == "Zs":
            output.append(" ")
        elif ord(character) not in (0, 0xFFFD) and unicodedata.category(character) not in ("Cc", "Cf"):
            chinese = any(low <= ord(character) <= high for low, high in CHINESE)
            output.append(f" {character} " if chinese else character)
    return "".join(output)


def basic(text: str, *, lower_case: bool) -> list[str]:
    """google-research/bert tokenization.py, BasicTokenizer."""
    words = []
    for word in clean(text).split():
        if lower_case:
            decomposed = unicodedata.normalize("NFD", word.lower())
            word = "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
        words += "".join(f" {c} " if is_punctuation(c) else c for c in word).split()
    return words


def wordpiece(word: str, vocabulary: dict[str, int], longest: int) -> list[str]:
    """google-research/bert tokenization.py, WordpieceTokenizer."""
    if len(word) > longest:
        return ["[UNK]"]
    pieces, start = [], 0
    while start < len(word):
        prefix = "##" if start else ""
        ends = (end for end in range(len(word), start, -1) if prefix + word[start:end] in vocabulary)
        end = next(ends, None)
        if end is None:
            return ["[UNK]"]
        pieces.append(prefix + word[start:end])
        start = end
    return pieces


def google(text: str, vocabulary: dict[str, int], *, lower_case: bool = True, longest: int = 100) -> list[str]:
    return [p for word in basic(text, lower_case=lower_case) for p in wordpiece(word, vocabulary, longest)]


def pieces(tokenizer: Tokenizer, text: str) -> list[str]:
    return [tokenizer.token(id) for id in tokenizer.tokenize([text])[0].ids]


def is_documented(text: str) -> bool:
    """Whether a text has one of the characters, or a special token, that docs/tokenization.md names."""
    return bool(re.search(r"\[(PAD|UNK|CLS|SEP|MASK)\]", text)) or any(
        unicodedata.category(c) in ("Co", "Cn") or ord(c) in listed() or c == "Σ" for c in text
    )


@functools.cache
def listed() -> frozenset[int]:
    """Code points of the document's list: `U+1234` and, with an en dash between them, ranges."""
    codes: set[int] = set()
    section = DOCUMENT.read_text(encoding="utf-8").split("## Differences from Google's rules")[1]
    for first, last in re.findall("U\\+([0-9A-F]{4,6})(?:\u2013U\\+([0-9A-F]{4,6}))?", section):
        codes |= set(range(int(first, 16), int(last or first, 16) + 1))
    return frozenset(codes)


@pytest.fixture(scope="module")
def vocabulary(google_vocabulary: Path) -> dict[str, int]:
    return {piece: id for id, piece in enumerate(google_vocabulary.read_text(encoding="utf-8").split("\n")[:-1])}


@pytest.fixture(scope="module")
def tokenizer(google_folder: Path) -> Tokenizer:
    return Tokenizer.load(google_folder)


@pytest.mark.data
def test_real_text(tokenizer: Tokenizer, vocabulary: dict[str, int], test_data: Path) -> None:
    lines = real_lines(test_data, 4000)
    ours = tokenizer.tokenize(lines)
    for line, tokens in zip(lines, ours, strict=True):
        if not is_documented(line):
            assert tokens.ids == [vocabulary[piece] for piece in google(line, vocabulary)], repr(line)
    assert sum(map(is_documented, lines)) < len(lines) // 100


@pytest.mark.slow
@pytest.mark.data
def test_much_real_text(tokenizer: Tokenizer, vocabulary: dict[str, int], test_data: Path) -> None:
    lines = real_lines(test_data, 60_000)
    different = [
        line
        for line, tokens in zip(lines, tokenizer.tokenize(lines), strict=True)
        if tokens.ids != [vocabulary[piece] for piece in google(line, vocabulary)]
    ]
    assert [line for line in different if not is_documented(line)] == []
    assert len(different) < 60


@pytest.mark.data
def test_the_python_tokenizer_of_transformers(
    tokenizer: Tokenizer, google_vocabulary: Path, vocabulary: dict[str, int], test_data: Path
) -> None:
    legacy = pytest.importorskip("transformers").BertTokenizerLegacy(str(google_vocabulary))
    lines = [line for line in real_lines(test_data, 2000) if not is_documented(line)]
    assert len(lines) > 1900
    for line, tokens in zip(lines, tokenizer.tokenize(lines), strict=True):
        assert tokens.ids == legacy(line, add_special_tokens=False)["input_ids"], repr(line)


def check_code_points(codes: Iterable[int], folder: Path, *, lower_case: bool) -> None:
    """Puts each between two letters. The vocabulary has only letters, so what is not dropped gives `[UNK]`."""
    if unicodedata.unidata_version != "14.0.0":
        pytest.skip(f"the list is for Unicode 14 (Python 3.11), this Python has {unicodedata.unidata_version}")
    letters = [chr(code) for code in (*range(65, 91), *range(97, 123))]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = {piece: id for id, piece in enumerate([*special, *letters, *(f"##{c}" for c in letters)])}
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(f'{{"do_lower_case": {str(lower_case).lower()}}}')
    texts = [f"a{chr(code)}b" for code in codes if unicodedata.category(chr(code)) not in ("Cn", "Co", "Cs")]
    for text, tokens in zip(texts, Tokenizer.load(folder).tokenize(texts), strict=True):
        expected = [vocabulary[piece] for piece in google(text, vocabulary, lower_case=lower_case)]
        assert tokens.ids == expected or ord(text[1]) in listed(), f"U+{ord(text[1]):04X}"


@pytest.mark.parametrize("lower_case", [True, False], ids=["uncased", "cased"])
def test_code_points_that_differ_are_listed(lower_case: bool, tmp_path: Path) -> None:
    codes = (code for code in range(0x110000) if unicodedata.category(chr(code)) != "Lo" or code % 16 == 0)
    check_code_points(codes, tmp_path, lower_case=lower_case)


@pytest.mark.slow
@pytest.mark.parametrize("lower_case", [True, False], ids=["uncased", "cased"])
def test_every_code_point_that_differs_is_listed(lower_case: bool, tmp_path: Path) -> None:
    check_code_points(range(0x110000), tmp_path, lower_case=lower_case)


EXAMPLES = [
    ("\ue000", "a\ue000b", ["ab"], ["a\ue000b"]),
    ("\U0002b820", "a\U0002b820b", ["a\U0002b820b"], ["a", "\U0002b820", "b"]),
    ("\u2e43", "a\u2e43b", ["a\u2e43b"], ["a", "\u2e43", "b"]),
    ("\u166d", "a\u166db", ["a", "\u166d", "b"], ["a\u166db"]),
    ("\u07fd", "a\u07fdb", ["a\u07fdb"], ["ab"]),
    ("\u1734", "a\u1734b", ["ab"], ["a\u1734b"]),
    ("\u0890", "a\u0890b", ["a\u0890b"], ["ab"]),
    ("\u03a3", "\u0391\u03a3", ["\u03b1\u03c3"], ["\u03b1\u03c2"]),
]


@pytest.mark.parametrize(("character", "text", "ours", "theirs"), EXAMPLES)
def test_the_documented_examples(character: str, text: str, ours: list[str], theirs: list[str], tmp_path: Path) -> None:
    assert basic(text, lower_case=True) == theirs
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys([*ours, *theirs])]
    (tmp_path / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    assert pieces(Tokenizer.load(tmp_path), text) == ours
    assert ord(character) in listed()


def test_words_of_more_than_a_hundred_characters(tmp_path: Path) -> None:
    """Google's script of today reads words of up to 200, the one of 2018 and every fast tokenizer up to 100."""
    vocabulary = {piece: id for id, piece in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##a"])}
    (tmp_path / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    tokenizer = Tokenizer.load(tmp_path)
    assert pieces(tokenizer, "a" * 100) == google("a" * 100, vocabulary) == ["a"] + ["##a"] * 99
    assert pieces(tokenizer, "a" * 101) == google("a" * 101, vocabulary) == ["[UNK]"]
    assert google("a" * 200, vocabulary, longest=200) == ["a"] + ["##a"] * 199


def test_special_tokens_in_a_text(tmp_path: Path) -> None:
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[", "]", "mask"]
    (tmp_path / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    tokenizer = Tokenizer.load(tmp_path)
    assert pieces(tokenizer, "[MASK] [mask]") == ["[MASK]", "[", "mask", "]"]
    assert basic("[MASK]", lower_case=True) == ["[", "mask", "]"]


def test_hostile_text_where_no_listed_character_is(google_folder: Path, vocabulary: dict[str, int]) -> None:
    tokenizer = Tokenizer.load(google_folder)
    lines = [line for line in HOSTILE if not is_documented(line)]
    assert len(lines) > len(HOSTILE) // 2
    for line in lines:
        assert pieces(tokenizer, line) == google(line, vocabulary), repr(line)
