"""The trainer: worked by hand, against its slow twin, against the tokenizers library, and in large."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Backend
from tokenizers import models, normalizers, pre_tokenizers, trainers

from bertkit.errors import UserError
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.wordpiece_trainer import train_wordpiece
from tests.tokenization import slow_trainer
from tests.tokenization.conftest import write_folder
from tests.tokenization.slow_trainer import SPECIAL
from tests.tokenization.texts import real_lines

WORD = st.text("abc", min_size=1, max_size=8)
COUNTS = st.dictionaries(WORD, st.integers(1, 5), max_size=12)


def learnt(pieces: list[str]) -> list[str]:
    """The merged pieces, in the order in which they were made."""
    return [piece for piece in pieces[len(SPECIAL) :] if len(piece.removeprefix("##")) > 1]


def test_by_hand() -> None:
    # The example of Sennrich et al. e+s and s+t stand 9 times, and ##e is older; l+o and o+w 7 times, and l is older.
    # n+e, e+w and w+est stand 6 times, and n is the oldest; then w+est, as ##w is older than ne.
    counts = {"low": 5, "lower": 2, "newest": 6, "widest": 3}
    pieces = train_wordpiece(counts, vocab_size=30)
    assert pieces[:5] == SPECIAL
    assert pieces[5:15] == ["d", "e", "i", "l", "n", "o", "r", "s", "t", "w"]
    assert pieces[15:23] == ["##d", "##e", "##i", "##o", "##r", "##s", "##t", "##w"]
    assert pieces[23:30] == ["##es", "##est", "lo", "low", "ne", "##west", "newest"]


def test_of_equal_pairs_the_older_pieces_come_first() -> None:
    assert learnt(train_wordpiece({"bx": 2, "ay": 2, "ax": 2}, vocab_size=100)) == ["ax", "ay", "bx"]
    assert learnt(train_wordpiece({"ax": 2, "ay": 2, "bx": 2}, vocab_size=100)) == ["ax", "ay", "bx"]
    # A merged piece is younger than every character.
    assert learnt(train_wordpiece({"zb": 9, "zbx": 2, "yx": 2}, vocab_size=100)) == ["zb", "yx", "zbx"]


def test_frequency_that_is_too_low() -> None:
    counts = {"ab": 3, "cd": 2, "ef": 1}
    assert learnt(train_wordpiece(counts, vocab_size=100)) == ["ab", "cd"]
    assert learnt(train_wordpiece(counts, vocab_size=100, min_frequency=1)) == ["ab", "cd", "ef"]
    assert learnt(train_wordpiece(counts, vocab_size=100, min_frequency=4)) == []


def test_a_limited_alphabet_leaves_words_out() -> None:
    counts = {"ab": 9, "a\u00e9": 5, "\u00ea": 5, "a": 1}
    pieces = train_wordpiece(counts, vocab_size=100, limit_alphabet=3)
    assert pieces == [*SPECIAL, "a", "b", "\u00e9", "##b", "##\u00e9", "ab", "a\u00e9"]
    assert train_wordpiece(counts, vocab_size=100, limit_alphabet=2) == [*SPECIAL, "a", "b", "##b", "ab"]


def test_unused_slots() -> None:
    pieces = train_wordpiece({"ab": 2}, vocab_size=100, unused=2)
    assert pieces == [*SPECIAL, "[unused0]", "[unused1]", "a", "b", "##b", "ab"]


def test_a_vocabulary_smaller_than_its_alphabet() -> None:
    with pytest.raises(UserError) as caught:
        train_wordpiece({"abc": 2}, vocab_size=9)
    assert str(caught.value) == (
        "a vocabulary of 9 has no room for 5 special tokens, 3 characters and 2 more inside words"
    )
    assert caught.value.remedy == "Choose --vocab-size 10 or more, or a smaller --limit-alphabet."
    assert len(train_wordpiece({"abc": 2}, vocab_size=10)) == 10


def test_no_words() -> None:
    assert train_wordpiece({}, vocab_size=30) == SPECIAL


def test_characters_beyond_the_first_plane() -> None:
    pieces = train_wordpiece({"\U0001f600\U0001f601": 2}, vocab_size=30)
    assert learnt(pieces) == ["\U0001f600\U0001f601"]


def test_progress_is_called_for_each_piece() -> None:
    calls: list[None] = []
    train_wordpiece({"abc": 2}, vocab_size=30, progress=lambda: calls.append(None))
    assert len(calls) == 2


@given(COUNTS, st.integers(5, 60), st.integers(1, 3), st.integers(1, 4))
def test_the_slow_twin(counts: dict[str, int], vocab_size: int, min_frequency: int, limit_alphabet: int) -> None:
    options = {"vocab_size": vocab_size, "min_frequency": min_frequency, "limit_alphabet": limit_alphabet}
    try:
        pieces = train_wordpiece(counts, **options)
    except UserError:
        assert len(slow_trainer.train(counts, **options)) > vocab_size
    else:
        assert pieces == slow_trainer.train(counts, **options)


def test_the_slow_twin_on_longer_words() -> None:
    rng = random.Random(1)
    words = ("".join(rng.choices("aab", k=rng.randrange(1, 30))) for _ in range(200))
    counts = {word: rng.randrange(1, 50) for word in words}
    assert train_wordpiece(counts, vocab_size=250) == slow_trainer.train(counts, vocab_size=250)


@given(COUNTS, st.randoms())
def test_the_order_of_the_words_does_not_matter(counts: dict[str, int], random: random.Random) -> None:
    turned = list(counts.items())
    random.shuffle(turned)
    assert train_wordpiece(dict(turned), vocab_size=60) == train_wordpiece(counts, vocab_size=60)


def library_pieces(counts: dict[str, int], vocab_size: int) -> list[str]:
    backend = Backend(models.WordPiece(unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size, min_frequency=2, special_tokens=SPECIAL, limit_alphabet=1000, show_progress=False
    )
    backend.train_from_iterator((" ".join([word] * count) for word, count in counts.items()), trainer)
    vocabulary = backend.get_vocab()
    return sorted(vocabulary, key=vocabulary.__getitem__)


def test_the_tokenizers_library_where_nothing_ties() -> None:
    rng = random.Random(0)
    counts = {"".join(rng.choices("abcd", k=rng.randrange(1, 7))): rng.randrange(1, 500) for _ in range(300)}
    ours = train_wordpiece(counts, vocab_size=70)
    assert ours == slow_trainer.train(counts, vocab_size=70, ties=False)
    assert len(learnt(ours)) > 50
    assert learnt(library_pieces(counts, 70)) == learnt(ours)


@pytest.fixture(scope="session")
def counted(test_data: Path) -> dict[str, int]:
    return dict(Counter(" ".join(real_lines(test_data, 8000)).lower().split()))


@pytest.mark.data
def test_as_good_as_the_library_on_real_text(counted: dict[str, int], test_data: Path, tmp_path: Path) -> None:
    held_out = real_lines(test_data, 9000)[8000:]
    sizes = []
    for name, pieces in (
        ("ours", train_wordpiece(counted, vocab_size=4000)),
        ("theirs", library_pieces(counted, 4000)),
    ):
        tokenizer = Tokenizer.load(write_folder(tmp_path / name, pieces, do_lower_case=True))
        sizes.append(sum(map(len, tokenizer.tokenize(held_out))))
    assert sizes[0] == pytest.approx(sizes[1], rel=0.01)


TRAIN = """
import json, resource, sys
from bertkit.cli.main import main
code = main(sys.argv[1:])
children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps([code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + 2 * children]), file=sys.stderr)
"""


@pytest.mark.slow
@pytest.mark.data
def test_fifty_megabytes_of_wikipedia(test_data: Path, tmp_path: Path) -> None:
    """30,522 pieces in 1.5 GB at most; five runs on one and on two processes write the same bytes."""
    files = [str(path) for path in sorted((test_data / "wikipedia").glob("*.gz"))[:5]]
    written = []
    for run in range(5):
        folder = tmp_path / str(run)
        command = [sys.executable, "-c", TRAIN, "train-tokenizer", *files, "-o", str(folder), "--json"]
        done = subprocess.run([*command, "--processes", str(1 + run % 2)], capture_output=True, text=True, check=True)
        code, peak_kib = json.loads(done.stderr.splitlines()[-1])
        assert code == 0
        assert peak_kib < 1.5 * 2**20
        assert json.loads(done.stdout)["pieces"] == 30_522
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert all(files == written[0] for files in written)

    held_out = [line for line in real_lines(test_data, 60_000) if line.strip()][20_000:]
    words = sum(len(line.split()) for line in held_out)
    ours = sum(map(len, Tokenizer.load(tmp_path / "0").tokenize(held_out))) / words
    theirs = sum(map(len, library_tokenizer(files, tmp_path / "library").tokenize(held_out))) / words
    assert ours == pytest.approx(theirs, rel=0.01)


def library_tokenizer(files: list[str], folder: Path) -> Tokenizer:
    """The vocabulary that the `tokenizers` library learns from the same text."""
    from bertkit.corpora.corpus import read_corpus

    backend = Backend(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=30_522, min_frequency=2, special_tokens=SPECIAL, limit_alphabet=1000, show_progress=False
    )
    backend.train_from_iterator(read_corpus(files), trainer)
    vocabulary = backend.get_vocab()
    pieces = sorted(vocabulary, key=vocabulary.__getitem__)
    return Tokenizer.load(write_folder(folder, pieces, do_lower_case=True))
