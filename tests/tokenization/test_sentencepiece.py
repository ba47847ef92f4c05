from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.errors import BadCheckpoint
from bertkit.tokenization.sentencepiece import Piece, PieceType, read_model
from tests.tokenization.foreign import BYTE, FAIRSEQ_HEAD, NORMAL, field, model_bytes, pieces, train_sentencepiece

PIECES = [*FAIRSEQ_HEAD, *pieces("\u2581a", "é")]
WHOLE = model_bytes(PIECES)


def written(folder: Path, content: bytes) -> Path:
    path = folder / "spiece.model"
    path.write_bytes(content)
    return path


def test_pieces_and_defaults(tmp_path: Path) -> None:
    model = read_model(written(tmp_path, WHOLE))
    assert model.pieces[0] == Piece("<unk>", 0.0, PieceType.UNKNOWN)
    assert model.pieces[3:] == [Piece("\u2581a", -1.0, PieceType.NORMAL), Piece("é", -2.0, PieceType.NORMAL)]
    assert model.unk == 0
    assert (model.charsmap, model.byte_fallback) == (b"", False)
    assert (model.add_dummy_prefix, model.remove_extra_whitespaces) == (True, True)


def test_what_the_specs_say(tmp_path: Path) -> None:
    normalizer = field(1, b"nmt_nfkc") + field(2, b"\x01\x02") + field(3, 0) + field(4, 0)
    bytes_too = [*PIECES, ("<0x41>", 0.0, BYTE)]
    model = read_model(written(tmp_path, model_bytes(bytes_too, field(3, 1) + field(35, 1), normalizer)))
    assert (model.charsmap, model.byte_fallback) == (b"\x01\x02", True)
    assert (model.add_dummy_prefix, model.remove_extra_whitespaces) == (False, False)


def test_sentencepiece_itself_reads_the_same(tmp_path: Path) -> None:
    library = pytest.importorskip("sentencepiece")
    content = train_sentencepiece(["the cat sat on the mat", "a dog in the fog"] * 20, 40, hard_vocab_limit=False)
    processor = library.SentencePieceProcessor(model_proto=content)
    model = read_model(written(tmp_path, content))
    ids = range(processor.vocab_size())
    assert [piece.text for piece in model.pieces] == [processor.id_to_piece(id) for id in ids]
    assert [piece.score for piece in model.pieces] == [processor.get_score(id) for id in ids]
    assert [piece.type == PieceType.CONTROL for piece in model.pieces] == [processor.is_control(id) for id in ids]
    assert model.unk == processor.unk_id()
    assert len(model.charsmap) > 1000


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "0 pieces, of which 0 are for unknown text"),
        (b"# a text file\n", "not a SentencePiece model"),
        (WHOLE[:-3], "not a SentencePiece model"),
        (model_bytes(PIECES[1:]), "4 pieces, of which 0 are for unknown text"),
        (model_bytes([PIECES[0], *PIECES]), "6 pieces, of which 2 are for unknown text"),
        (field(1, field(1, b"\xff") + field(2, 0.0)), "not a SentencePiece model .'utf-8' codec"),
        (field(1, field(1, b"a") + field(2, 7)), "a piece without a score"),
        (field(1, 7), "not a SentencePiece model"),
        (model_bytes(PIECES, field(3, 2)), "of the algorithm BPE, not unigram"),
        (model_bytes(PIECES, field(3, 4)), "of the algorithm character, not unigram"),
        (model_bytes(PIECES, field(24, 1)), "spaces are not written as"),
        (model_bytes(PIECES, normalizer=field(5, 0)), "spaces are not written as"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "a Git LFS pointer, not the file itself"),
    ],
)
def test_a_file_that_is_none(content: bytes, says: str, tmp_path: Path) -> None:
    path = written(tmp_path, content)
    with pytest.raises(BadCheckpoint, match=says) as caught:
        read_model(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


def test_a_folder_instead_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match="cannot be read"):
        read_model(tmp_path)


@given(place=st.integers(0, len(WHOLE) - 1), bit=st.integers(0, 7), cut=st.booleans())
def test_damage_is_an_error_of_ours_or_another_model(
    place: int, bit: int, cut: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    flipped = WHOLE[:place] + bytes([WHOLE[place] ^ 1 << bit]) + WHOLE[place + 1 :]
    with suppress(BadCheckpoint):
        read_model(written(tmp_path_factory.mktemp("damaged"), WHOLE[:place] if cut else flipped))


def test_a_piece_without_a_type_is_ordinary(tmp_path: Path) -> None:
    assert read_model(written(tmp_path, WHOLE)).pieces[4].type == NORMAL
