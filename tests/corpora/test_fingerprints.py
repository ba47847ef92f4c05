from __future__ import annotations

import os
import random
import subprocess
import sys

import numpy as np
import pytest

from bertkit.corpora.fingerprints import BINS, Fingerprint, fingerprint, similarity

WORDS = [f"word{number}" for number in range(2000)]


def text_of(seed: int, length: int) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=length))


def values(made: Fingerprint) -> np.ndarray:
    return np.frombuffer(made.signature, "<u2")


def estimate(one: str, other: str) -> float:
    signatures = [values(fingerprint(text, near=True)) for text in (one, other)]
    return float(similarity(signatures[0], signatures[1][None])[0])


def jaccard(one: str, other: str) -> float:
    shingles = [{tuple(words[at : at + 5]) for at in range(len(words) - 4)} for words in (one.split(), other.split())]
    return len(shingles[0] & shingles[1]) / len(shingles[0] | shingles[1])


def test_case_white_space_and_composed_accents_make_no_other_digest() -> None:
    one = fingerprint("A café,\n\n\tnaïvely  meant. ", near=False)
    assert one == fingerprint("a cafe\u0301, NAÏVELY\u00a0meant.", near=False)
    assert one.digest != fingerprint("a cafe, naively meant.", near=False).digest
    assert len(one.digest) == 16
    assert one.signature == b""


@pytest.mark.parametrize(("length", "changes"), [(200, 2), (200, 10), (2000, 20), (2000, 100), (30_000, 500)])
def test_the_estimate_is_near_the_jaccard_similarity(length: int, changes: int) -> None:
    differences = []
    for seed in range(6):
        text = text_of(seed, length)
        words = text.split()
        for place in random.Random(seed + 1).sample(range(length), changes):
            words[place] = "changed"
        true = jaccard(text, " ".join(words))
        differences.append(estimate(text, " ".join(words)) - true)
        assert abs(differences[-1]) < 4 * (true * (1 - true) / BINS) ** 0.5 + 0.01
    assert abs(np.mean(differences)) < 0.04


def test_other_texts_have_nothing_in_common() -> None:
    made = np.stack([values(fingerprint(text_of(seed, 500), near=True)) for seed in range(200)])
    estimates = [similarity(made[place], made[place + 1 :]) for place in range(len(made) - 1)]
    assert np.concatenate(estimates).max() < 0.05


def test_punctuation_and_case_change_no_signature() -> None:
    one = fingerprint("He said: “It is over – go home, all of you!” And they went «home».", near=True)  # noqa: RUF001
    other = fingerprint('he said it is over -- GO HOME (all of you). And they\nwent "home"', near=True)
    assert one.signature == other.signature
    assert one.digest != other.digest


def test_a_word_hashes_alike_wherever_it_stands() -> None:
    """Beyond the blocks, too, in which words are hashed."""
    text = text_of(0, 40)
    padding = " " * 65_000
    assert fingerprint(padding + text, near=True).signature == fingerprint(text, near=True).signature
    assert fingerprint(f"{padding}.{text}{padding}", near=True).signature == fingerprint(text, near=True).signature
    assert fingerprint("x" * 100_000, near=True).signature


def test_scripts_without_spaces_have_shingles_of_characters() -> None:
    text = "".join(random.Random(0).choices([chr(0x4E00 + number) for number in range(500)], k=400))
    assert 0.8 < estimate(text, text[:200] + "新" + text[200:]) < 1.0
    assert estimate(text, text[::-1]) < 0.05


def test_short_texts() -> None:
    for text in ("", " \n", "...", "!?"):
        assert fingerprint(text, near=True).signature == b""
    for text in ("one", "one two", "one two three four five", "\ud800 alone"):
        assert len(fingerprint(text, near=True).signature) == 2 * BINS
    assert estimate("one two", "two one") < 1.0


def test_every_process_makes_the_same() -> None:
    text = "Straße “quoted” 中文 " + text_of(3, 300)
    code = (
        "import sys; from bertkit.corpora.fingerprints import fingerprint;"
        "made = fingerprint(sys.argv[1], near=True); print(made.digest.hex(), made.signature.hex())"
    )
    here = fingerprint(text, near=True)
    for seed in ("1", "2"):
        ran = subprocess.run(
            [sys.executable, "-c", code, text],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert ran.stdout.split() == [here.digest.hex(), here.signature.hex()]


def test_a_known_text_keeps_its_fingerprint() -> None:
    """An index that was begun before an update must still find its documents."""
    made = fingerprint("The quick brown fox jumps over the lazy dog.", near=True)
    assert made.digest.hex() == "ac96d8e2e3b497a19b0f3dd60e2420ec"
    assert made.signature.hex()[:32] == "48ba111cda7da3df6c4135a3fe04c766"
