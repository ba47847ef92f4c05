from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from bertkit.corpora.documents import read_documents
from bertkit.corpora.duplicates import EXACT, NEAR, DuplicateIndex, Fingerprint, fingerprint
from bertkit.corpora.filters import Filters
from bertkit.corpora.fingerprints import BINS
from bertkit.errors import OutputError

WORDS = [f"word{number}" for number in range(2000)]


def text_of(seed: int, length: int = 300) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=length))


def changed(text: str, count: int) -> str:
    words = text.split()
    for place in random.Random(count).sample(range(len(words)), count):
        words[place] = "changed"
    return " ".join(words)


def made(texts: list[str], near: bool = True) -> list[Fingerprint]:
    return [fingerprint(text, near=near) for text in texts]


def mixed_corpus(count: int) -> list[str]:
    """Of every 10 texts 2 are like the first of them, but for case, or for a few words."""
    texts = [text_of(seed) for seed in range(count)]
    for place in range(0, count, 10):
        texts[place + 3] = texts[place].upper()
        texts[place + 7] = changed(texts[place], 4)
    return texts


def test_duplicates_are_found(tmp_path: Path) -> None:
    index = DuplicateIndex(tmp_path / "index", near=True)
    texts = [text_of(1), text_of(2), text_of(1).upper(), changed(text_of(2), 4), changed(text_of(1), 150), "", " "]
    assert index.add_batch(made(texts), 0) == [None, None, EXACT, NEAR, None, None, EXACT]
    index.close()


def test_without_near_only_exact_ones_are_found(tmp_path: Path) -> None:
    index = DuplicateIndex(tmp_path, near=False)
    texts = [text_of(1), changed(text_of(1), 1), text_of(1)]
    assert index.add_batch(made(texts, near=False), 0) == [None, None, EXACT]
    index.close()


def test_batches_make_no_difference(tmp_path: Path) -> None:
    keys = made(mixed_corpus(60))
    whole, pieces = DuplicateIndex(tmp_path / "a", near=True), DuplicateIndex(tmp_path / "b", near=True)
    expected = whole.add_batch(keys, 0)
    assert [expected.count(EXACT), expected.count(NEAR)] == [6, 6]
    assert [found for at in range(0, 60, 7) for found in pieces.add_batch(keys[at : at + 7], at)] == expected
    whole.close()
    pieces.close()


@pytest.mark.parametrize("number", [0, 3, 4, 31, 60])
def test_after_a_rewind_decisions_are_those_of_an_undisturbed_run(number: int, tmp_path: Path) -> None:
    keys = made(mixed_corpus(60))
    index = DuplicateIndex(tmp_path, near=True)
    expected = index.add_batch(keys, 0)
    index.commit()
    index.rewind(number)
    assert index.add_batch(keys[number:], number) == expected[number:]
    index.close()


def test_what_was_not_committed_is_forgotten(tmp_path: Path) -> None:
    keys = made([text_of(1), text_of(2)])
    index = DuplicateIndex(tmp_path, near=True)
    index.add_batch(keys[:1], 0)
    index.commit()
    index.add_batch(keys[1:], 1)
    del index  # as when the process dies
    index = DuplicateIndex(tmp_path, near=True)
    assert index.add_batch(keys, 1) == [EXACT, None]
    index.close()


def test_a_rewind_is_on_disk(tmp_path: Path) -> None:
    index = DuplicateIndex(tmp_path, near=True)
    index.add_batch(made([text_of(1)]), 0)
    index.commit()
    index.rewind(0)
    index.close()
    index = DuplicateIndex(tmp_path, near=True)
    assert index.add_batch(made([text_of(1)]), 0) == [None]
    index.close()


def test_a_duplicate_is_found_among_many_that_share_its_bands(tmp_path: Path) -> None:
    """Texts of which more than half is a template: they meet in bands, and are no duplicates."""
    texts = [f"{text_of(0, 200)} {text_of(seed, 100)}" for seed in range(1, 250)]
    index = DuplicateIndex(tmp_path, near=True)
    assert set(index.add_batch(made(texts), 0)) == {None}
    assert index.add_batch(made([changed(texts[-1], 3)]), 1000) == [NEAR]
    index.close()


def test_places_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="the index of duplicates cannot be used"):
        DuplicateIndex(tmp_path / "file", near=True)
    (tmp_path / "index.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(OutputError, match=r"index.sqlite: the index of duplicates cannot be used: file is not a"):
        DuplicateIndex(tmp_path, near=True)


def test_one_index_has_one_user(tmp_path: Path) -> None:
    index = DuplicateIndex(tmp_path, near=True)
    with pytest.raises(OutputError, match="locked"):
        DuplicateIndex(tmp_path, near=True)
    index.close()


@pytest.mark.data
def test_articles_are_no_duplicates_and_planted_ones_are_found(test_data: Path, tmp_path: Path) -> None:
    rules = Filters()
    path = str(test_data / "wikipedia" / "wiki_11.txt.gz")
    texts = [document.text or "" for document in read_documents(path)]
    texts = [text for text in texts if rules.reason(text) is None]
    index = DuplicateIndex(tmp_path, near=True)
    assert index.add_batch(made(texts), 0).count(None) == len(texts)
    planted = [text.replace(" the ", " THE ").replace(". ", ".\n") for text in texts[:50]]
    assert set(index.add_batch(made(planted), len(texts))) == {EXACT}
    cut = [" ".join(words[: int(len(words) * 0.92)]) for words in map(str.split, texts[:200])]
    found = index.add_batch(made(cut), 2 * len(texts))
    assert found.count(NEAR) >= 190
    index.close()


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="reads the process's memory as Linux tells it")
def test_memory_does_not_grow_with_the_index(tmp_path: Path) -> None:
    def resident_bytes() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    draw = random.Random(0)
    index = DuplicateIndex(tmp_path, near=True, cache_bytes=2**20)
    sizes = []
    for number in range(0, 12_000, 1000):
        keys = [Fingerprint(draw.randbytes(16), draw.randbytes(2 * BINS)) for _ in range(1000)]
        index.add_batch(keys, number)
        sizes.append(resident_bytes())
    on_disk = sum(path.stat().st_size for path in tmp_path.iterdir())
    index.close()
    assert on_disk > 5_000_000
    assert sizes[-1] - sizes[2] < 2_000_000
