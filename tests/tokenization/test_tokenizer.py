"""Loading, tokenizing, decoding: what a caller may count on, and what each bad folder or bad text says."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from bertkit.errors import BadCheckpoint, BertkitError, ConfigError, InputError, ModelNotFound
from bertkit.tokenization.settings import Settings
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.tokens import Tokens
from tests.tokenization.conftest import write_folder
from tests.tokenization.texts import HOSTILE

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "world", "un", "##able", "a", "##a", "!"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "model", PIECES, do_lower_case=True)


@pytest.fixture
def tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer.load(folder)


@pytest.fixture(scope="session")
def cased_tokenizer(cased_folder: Path) -> Tokenizer:
    return Tokenizer.load(cased_folder)


def byte_level() -> tokenizers.Tokenizer:
    """A tokenizer as RoBERTa has it: byte-level, `<s>` and `</s>`, no segments."""
    names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {piece: id for id, piece in enumerate([*names, *alphabet])}
    backend = tokenizers.Tokenizer(models.BPE(vocabulary, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    backend.add_special_tokens(names)
    return backend


def test_tokens_and_offsets(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.tokenize(["Hello  UNABLE\x00 wörld!", ""], offsets=True)
    assert [tokenizer.token(id) for id in tokens[0].ids] == ["hello", "un", "##able", "world", "!"]
    assert tokens[0].offsets == [(0, 5), (7, 9), (9, 13), (15, 20), (20, 21)]
    assert tokens[1] == Tokens([], [])
    assert [len(each) for each in tokens] == [5, 0]


def test_without_offsets_the_same_ids(cased_tokenizer: Tokenizer) -> None:
    fast = cased_tokenizer.tokenize(HOSTILE)
    full = cased_tokenizer.tokenize(HOSTILE, offsets=True)
    assert [tokens.ids for tokens in fast] == [tokens.ids for tokens in full]
    assert all(tokens.offsets is None for tokens in fast)


def test_nothing_in_nothing_out(tokenizer: Tokenizer) -> None:
    assert tokenizer.tokenize([]) == tokenizer.tokenize((), offsets=True) == []


@given(st.lists(st.one_of(st.text(max_size=40), st.sampled_from(HOSTILE)), max_size=4).map("".join))
def test_offsets_point_at_the_piece(cased_tokenizer: Tokenizer, text: str) -> None:
    if any(0xD800 <= ord(character) < 0xE000 for character in text):
        with pytest.raises(InputError, match="half a surrogate pair"):
            cased_tokenizer.tokenize([text])
        return
    (tokens,) = cased_tokenizer.tokenize([text], offsets=True)
    assert tokens.offsets is not None
    previous = 0
    for id, (start, end) in zip(tokens.ids, tokens.offsets, strict=True):
        assert previous <= start < end <= len(text)
        previous = end
        if id != cased_tokenizer.specials.unk:
            piece = cased_tokenizer.token(id).removeprefix("##") or "##"
            kept = [c for c in text[start:end] if c in piece]
            assert "".join(kept) == piece or cased_tokenizer.token(id) == text[start:end]


def test_a_batch_is_its_texts_one_by_one(cased_tokenizer: Tokenizer) -> None:
    batch = cased_tokenizer.tokenize(HOSTILE, offsets=True)
    assert batch == [cased_tokenizer.tokenize([text], offsets=True)[0] for text in HOSTILE]


def test_vocabulary_lookups(tokenizer: Tokenizer) -> None:
    assert tokenizer.vocab_size == len(PIECES)
    assert tokenizer.id("##able") == 8
    assert tokenizer.token(8) == "##able"
    assert tokenizer.id("nowhere") is None
    assert tokenizer.id("\ud800") is None
    assert tokenizer.algorithm == "WordPiece"
    for id in (-1, len(PIECES), 2**70):
        with pytest.raises(InputError, match=f"id {id} is not in the vocabulary of 12 tokens"):
            tokenizer.token(id)


def test_decoding(tokenizer: Tokenizer) -> None:
    ids = [2, 5, 4, 7, 8, 11, 3]
    assert tokenizer.decode(ids) == "hello unable!"
    assert tokenizer.decode(ids, special_tokens=True) == "[CLS] hello [MASK] unable! [SEP]"
    assert tokenizer.decode([]) == ""
    with pytest.raises(InputError, match="id 99"):
        tokenizer.decode([5, 99])


def test_truncation_and_padding_in_the_file_are_off(tokenizer: Tokenizer, folder: Path) -> None:
    tokenizer.save(folder)
    baked = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    baked.enable_truncation(4)
    baked.enable_padding(length=4)
    baked.save(str(folder / "tokenizer.json"))
    again = Tokenizer.load(folder)
    assert len(again.tokenize(["a " * 500])[0]) == 500
    assert len(again.tokenize(["a"])[0]) == 1
    again.save(folder)
    written = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    assert written["truncation"] is None
    assert written["padding"] is None


def test_another_family(tmp_path: Path) -> None:
    byte_level().save(str(tmp_path / "tokenizer.json"))
    tokenizer = Tokenizer.load(tmp_path)
    assert tokenizer.algorithm == "BPE"
    assert (tokenizer.specials.cls, tokenizer.specials.sep, tokenizer.specials.mask) == (0, 2, 4)
    assert tokenizer.template.pair.infix.ids == [2, 2]
    assert tokenizer.casing.cased
    (tokens,) = tokenizer.tokenize(["é<mask>a"], offsets=True)
    assert tokens.offsets == [(0, 1), (0, 1), (1, 7), (7, 8)]
    assert tokenizer.decode(tokens.ids) == "éa"


def test_a_tokenizer_made_in_memory() -> None:
    backend = byte_level()
    backend.normalizer = normalizers.Lowercase()
    tokenizer = Tokenizer(backend)
    assert str(tokenizer.casing) == "uncased (the normalizer of the tokenizer lowers capital letters)"
    assert Tokenizer(byte_level(), Settings()).casing.cased


def test_texts_that_are_no_texts(tokenizer: Tokenizer) -> None:
    with pytest.raises(TypeError, match="a list of texts"):
        tokenizer.tokenize("hello")
    for wrong in (None, 3, b"bytes", ("a", "pair")):
        with pytest.raises(InputError) as caught:
            tokenizer.tokenize(["fine", wrong])  # type: ignore[list-item]
        assert str(caught.value) == f"text 2 of 2 is not text but {type(wrong).__name__}"


@pytest.mark.parametrize("offsets", [False, True])
def test_half_a_surrogate_pair(tokenizer: Tokenizer, offsets: bool) -> None:
    with pytest.raises(InputError) as caught:
        tokenizer.tokenize(["fine", "ab\ud83d"], offsets=offsets)
    assert str(caught.value) == "text 2 of 2 has half a surrogate pair, U+D83D, at character 2"
    assert caught.value.remedy.startswith("Read the text as UTF-8")


def test_long_texts_without_spaces_leave_nothing_behind(tokenizer: Tokenizer) -> None:
    def peak_mib() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    assert tokenizer.tokenize(["a" * 1_000_000])[0].ids == [1]
    before = peak_mib()
    for number in range(40):
        assert len(tokenizer.tokenize([f"a{number}" * 50_000])[0]) == 1
    assert peak_mib() - before < 50


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="no such folder"):
        Tokenizer.load(tmp_path / "nowhere")


def test_a_folder_without_a_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match=r"no tokenizer\.json, spiece\.model, .* or vocab\.txt") as caught:
        Tokenizer.load(tmp_path)
    assert caught.value.remedy.startswith("Copy the tokenizer's files")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", r":1: not JSON \(Expecting value\)"),
        (b'{\n"version": "1.0",\n"model": {', r":3: not JSON"),
        (b"[]", r": a JSON object is expected, not list"),
        (b"{}", r": not a tokenizer of the `tokenizers` library \(Model missing"),
        (b'{"model": {"type": "Magic"}}', r": not a tokenizer"),
        (b'{"a": 1}\n\xff', r":2: not UTF-8 \(byte 0xff at position 0"),
        (b"[" * 100_000, r": nested too deeply"),
    ],
)
def test_a_tokenizer_json_that_is_none(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(BadCheckpoint, match=rf"tokenizer\.json{says}") as caught:
        Tokenizer.load(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_post_processor_that_turns_texts_round(tmp_path: Path) -> None:
    backend = byte_level()
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $B $A", special_tokens=[("<s>", 0)]
    )
    backend.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ConfigError, match="post_processor does not keep each text once") as caught:
        Tokenizer.load(tmp_path)
    assert str(caught.value).startswith(str(tmp_path))


@pytest.mark.parametrize(
    ("id", "content", "has"),
    [(20, "new", 12), (13, "hello", 5), (6, "hello", 5)],
    ids=["gap", "known-piece", "wrong-id"],
)
def test_an_added_token_whose_id_cannot_be(id: int, content: str, has: int, tmp_path: Path) -> None:
    folder = write_folder(tmp_path, PIECES, added_tokens_decoder={str(id): {"content": content}})
    with pytest.raises(ConfigError) as caught:
        Tokenizer.load(folder)
    assert str(caught.value) == (
        f"{folder}: the added token {content!r} is given id {id}, but the vocabulary has it as {has}"
    )


@given(place=st.integers(0, 5000), damage=st.sampled_from(["cut", "flip", "behead"]))
def test_a_damaged_tokenizer_json(place: int, damage: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Half-written files and flipped bytes either still load or are one of bertkit's errors; nothing else comes out."""
    whole = byte_level().to_str().encode()
    place %= len(whole)
    flipped = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "tokenizer.json").write_bytes({"cut": whole[:place], "flip": flipped, "behead": whole[place:]}[damage])
    if damage == "flip":
        with suppress(BertkitError):
            Tokenizer.load(folder)
    elif damage == "cut" or place:
        with pytest.raises(BadCheckpoint, match=str(folder)):
            Tokenizer.load(folder)


def test_no_torch() -> None:
    code = "import bertkit.tokenization.tokenizer, bertkit.tokenization.windows, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("vocabulary", "decoder", "cases"),
    [
        (["a", "Ġb", "b"], decoders.ByteLevel(), {("x ", 1): "x b", ("x ", 2): "xb", ("", 1): "b", ("x", 1): "x b"}),
        (["a", "▁b", "b"], decoders.Metaspace(), {("x ", 1): "x b", ("x ", 2): "xb", ("", 1): "b", ("x", 1): "x b"}),
    ],
    ids=["byte-level", "metaspace"],
)
def test_a_token_is_written_as_a_reader_would(
    tmp_path: Path, vocabulary: list[str], decoder: object, cases: dict[tuple[str, int], str]
) -> None:
    backend = tokenizers.Tokenizer(models.BPE({token: id for id, token in enumerate(vocabulary)}, []))
    backend.decoder = decoder
    backend.save(str(tmp_path / "tokenizer.json"))
    tokenizer = Tokenizer.load(tmp_path)
    assert {case: tokenizer.write(*case) for case in cases} == cases
