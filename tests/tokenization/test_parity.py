"""Ids, segments and offsets equal those of transformers' fast tokenizer, on real, hostile and invented text."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.windows import LongText, cut
from tests.tokenization.conftest import write_folder
from tests.tokenization.texts import HOSTILE, make_vocabulary, mixtures, real_lines

transformers = pytest.importorskip("transformers")

NO_LIMIT = 10**9
UNICODE = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
MESSY = st.lists(st.one_of(UNICODE, st.sampled_from(HOSTILE)), max_size=4).map("".join)


class Both:
    """bertkit's tokenizer of a folder and transformers' own."""

    def __init__(self, folder: Path, **peer_options: Any) -> None:
        self.ours = Tokenizer.load(folder)
        self.peer = transformers.BertTokenizerFast.from_pretrained(folder, **peer_options)
        self.peer.backend_tokenizer.no_padding()
        self.peer.backend_tokenizer.no_truncation()

    def check(self, texts: Sequence[str], seconds: Sequence[str] | None = None) -> None:
        """Every text alone, or every text with its second."""
        firsts = self.ours.tokenize(texts, offsets=True)
        others = self.ours.tokenize(seconds, offsets=True) if seconds else [None] * len(texts)
        theirs = self.peer(list(texts), list(seconds) if seconds else None, return_offsets_mapping=True)
        for place, (first, second) in enumerate(zip(firsts, others, strict=True)):
            (ours,) = cut(first, second, self.ours.template, limit=NO_LIMIT, long=LongText.ERROR).windows
            assert ours.ids == theirs["input_ids"][place], repr(texts[place])
            assert ours.segments == theirs["token_type_ids"][place], repr(texts[place])
            assert ours.offsets == theirs["offset_mapping"][place], repr(texts[place])

    def check_without_offsets(self, texts: Sequence[str]) -> None:
        ids = [tokens.ids for tokens in self.ours.tokenize(texts)]
        assert ids == self.peer(list(texts), add_special_tokens=False)["input_ids"]


@pytest.fixture(scope="session")
def uncased(uncased_folder: Path) -> Both:
    return Both(uncased_folder)


@pytest.fixture(scope="session")
def cased(cased_folder: Path) -> Both:
    return Both(cased_folder)


@pytest.fixture(scope="session")
def google(google_folder: Path) -> Both:
    return Both(google_folder, do_lower_case=True)


@pytest.fixture(params=["uncased", "cased"])
def both(request: pytest.FixtureRequest) -> Both:
    value: Both = request.getfixturevalue(request.param)
    return value


def test_hostile_text(both: Both) -> None:
    lines = HOSTILE + mixtures(1500)
    both.check(lines)
    both.check(lines, lines[1:] + lines[:1])
    both.check_without_offsets(lines)


def test_every_code_point_between_letters(both: Both) -> None:
    codes = [*range(0xD800), *range(0xE000, 0x20000, 7), *range(0x20000, 0x110000, 997)]
    both.check_without_offsets([f"a{chr(code)}b" for code in codes])


@given(first=MESSY, second=MESSY)
def test_invented_unicode_uncased(uncased: Both, first: str, second: str) -> None:
    uncased.check([first])
    uncased.check([first], [second])


@given(first=MESSY, second=MESSY)
def test_invented_unicode_cased(cased: Both, first: str, second: str) -> None:
    cased.check([first])
    cased.check([first], [second])


def test_the_embedded_model(minilm_folder: Path) -> None:
    both = Both(minilm_folder)
    lines = HOSTILE + mixtures(300)
    both.check(lines)
    both.check(lines, lines[1:] + lines[:1])


@pytest.mark.data
def test_real_text(google: Both, test_data: Path) -> None:
    lines = real_lines(test_data, 3000)
    google.check(lines)
    google.check(lines[::2], lines[1::2])
    google.check_without_offsets(lines)


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("cased", [False, True], ids=["uncased", "cased"])
def test_a_hundred_thousand_lines(cased: bool, google: Both, test_data: Path, tmp_path: Path) -> None:
    lines = real_lines(test_data, 80_000) + HOSTILE + mixtures(20_000 - len(HOSTILE), seed=1)
    assert len(lines) == 100_000
    both = google
    if cased:
        pieces = make_vocabulary(lines[::10], cased=True, words=12_000)
        both = Both(write_folder(tmp_path, pieces, do_lower_case=False))
    for start in range(0, len(lines), 5000):
        chunk = lines[start : start + 5000]
        both.check(chunk)
        both.check(chunk[::2], chunk[1::2])


CONFIGS: list[dict[str, Any]] = [
    {"do_lower_case": True, "strip_accents": False},
    {"do_lower_case": False, "strip_accents": True},
    {"do_lower_case": True, "tokenize_chinese_chars": False},
    {"do_lower_case": True, "mask_token": {"content": "[MASK]", "lstrip": True, "__type": "AddedToken"}},
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_settings_beside_a_vocabulary(config: dict[str, Any], tmp_path: Path) -> None:
    lines = HOSTILE + mixtures(200)
    Both(write_folder(tmp_path, make_vocabulary(lines, cased=True), **config)).check(lines)


def test_special_tokens_with_other_names(tmp_path: Path) -> None:
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), "⓪①②③④", strict=True))
    pieces = [*names.values(), *make_vocabulary(HOSTILE, cased=False)[5:]]
    folder = write_folder(tmp_path, list(dict.fromkeys(pieces)), do_lower_case=True)
    (folder / "special_tokens_map.json").write_text(json.dumps(names), encoding="utf-8")
    Both(folder).check([*HOSTILE, "a ④ b③c [MASK]"])


DOMAIN = {"content": "covid-19", "normalized": True, "special": False}
ENTITY = {"content": "[E1]", "normalized": False, "special": True}
MASK = {"content": "[MASK]", "normalized": False, "special": True, "lstrip": True}


def test_added_tokens(tmp_path: Path) -> None:
    pieces = make_vocabulary(HOSTILE, cased=False)
    decoder = {str(len(pieces) + 1): ENTITY, str(len(pieces)): DOMAIN, "4": MASK}
    folder = write_folder(tmp_path, pieces, do_lower_case=True, added_tokens_decoder=decoder)
    both = Both(folder)
    both.check(["The COVID-19 wave", "[E1]covid-19x [e1] a [MASK] b", "covid -19"])
    assert both.ours.id("covid-19") == len(pieces)
    assert both.ours.vocab_size == len(pieces) + 2
    assert both.ours.tokenize(["Covid-19"])[0].ids == [len(pieces)]
    assert len(pieces) + 1 in both.ours.specials.all
    assert len(pieces) not in both.ours.specials.all


def test_added_tokens_of_older_folders(tmp_path: Path) -> None:
    pieces = make_vocabulary(HOSTILE, cased=False)
    folder = write_folder(tmp_path, pieces, do_lower_case=True)
    (folder / "added_tokens.json").write_text(json.dumps({"covid-19": len(pieces)}), encoding="utf-8")
    both = Both(folder)
    both.check(["The COVID-19 wave", "covid-19x"])
    assert both.ours.tokenize(["COVID-19"])[0].ids == [len(pieces)]


def test_further_special_tokens(tmp_path: Path) -> None:
    pieces = make_vocabulary(HOSTILE, cased=False)
    folder = write_folder(tmp_path, pieces, do_lower_case=True, extra_special_tokens=["<e1>", "</e1>"])
    both = Both(folder)
    both.check(["<e1>Ada</e1> of <E1>"])
    assert both.ours.specials.all >= {len(pieces), len(pieces) + 1}


@pytest.mark.parametrize("limit", [4, 5, 6, 7, 12, 13, 40])
def test_truncation(limit: int, uncased: Both) -> None:
    lines = [line for line in HOSTILE + mixtures(150) if line.strip()]
    seconds = lines[1:] + lines[:1]
    for others in (None, seconds):
        theirs = uncased.peer(lines, others, truncation="longest_first", max_length=limit)["input_ids"]
        tokens = uncased.ours.tokenize(lines)
        pairs = uncased.ours.tokenize(others) if others else [None] * len(lines)
        for first, second, expected in zip(tokens, pairs, theirs, strict=True):
            encoded = cut(first, second, uncased.ours.template, limit=limit, long=LongText.TRUNCATE)
            assert encoded.windows[0].ids == expected
            assert encoded.truncated == (encoded.input_tokens > limit)
    uncased.peer.backend_tokenizer.no_truncation()


@pytest.mark.parametrize("name", ["uncased_folder", "cased_folder", "minilm_folder"])
def test_transformers_opens_what_was_saved(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    ours = Tokenizer.load(request.getfixturevalue(name))
    ours.save(tmp_path)
    lines = HOSTILE + mixtures(200)
    expected = [tokens.ids for tokens in ours.tokenize(lines)]
    peer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert peer(lines, add_special_tokens=False)["input_ids"] == expected
    assert (peer.mask_token_id, peer.pad_token_id, peer.unk_token_id) == (
        ours.specials.mask,
        ours.specials.pad,
        ours.specials.unk,
    )
    assert len(peer) == ours.vocab_size
    # Google's layout alone: the vocabulary and its settings.
    (tmp_path / "tokenizer.json").unlink()
    assert [tokens.ids for tokens in Tokenizer.load(tmp_path).tokenize(lines)] == expected
    peer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert peer(lines, add_special_tokens=False)["input_ids"] == expected


def test_transformers_opens_added_tokens_that_were_saved(tmp_path: Path) -> None:
    pieces = make_vocabulary(HOSTILE, cased=False)
    decoder = {str(len(pieces)): DOMAIN, str(len(pieces) + 1): ENTITY, "4": MASK}
    source = write_folder(tmp_path / "source", pieces, do_lower_case=True, added_tokens_decoder=decoder)
    ours = Tokenizer.load(source)
    ours.save(tmp_path / "saved")
    lines = ["The COVID-19 wave", "[E1]covid-19x [e1] a [MASK] b"]
    peer = transformers.AutoTokenizer.from_pretrained(tmp_path / "saved")
    expected = [tokens.ids for tokens in ours.tokenize(lines)]
    assert peer(lines, add_special_tokens=False)["input_ids"] == expected
    assert [tokens.ids for tokens in Tokenizer.load(tmp_path / "saved").tokenize(lines)] == expected


def test_bertkit_opens_what_transformers_saved(both: Both, tmp_path: Path) -> None:
    both.peer.save_pretrained(tmp_path)
    again = Tokenizer.load(tmp_path)
    assert again.tokenize(HOSTILE, offsets=True) == both.ours.tokenize(HOSTILE, offsets=True)
    assert again.template == both.ours.template
    assert again.specials == both.ours.specials


def test_a_tokenizer_json_wins_over_a_vocabulary_beside_it(
    uncased_folder: Path, cased_folder: Path, tmp_path: Path
) -> None:
    Tokenizer.load(cased_folder).save(tmp_path)
    shutil.copy(uncased_folder / "vocab.txt", tmp_path / "vocab.txt")
    assert Tokenizer.load(tmp_path).tokenize(HOSTILE) == Tokenizer.load(cased_folder).tokenize(HOSTILE)
