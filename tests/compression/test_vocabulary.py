from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bertkit
from bertkit.compression.vocabulary import differing, kept_ids, trimmed_form, unknown_share, usage_of
from bertkit.errors import UserError
from bertkit.pretrained.loading import open_pretrained
from bertkit.pretrained.saving import save_pretrained
from bertkit.tokenization.tokenizer import Tokenizer
from tests.exports.tiny_models import make_model
from tests.parity.test_families import CASES

CORPUS = [f"w{number} w{(3 * number) % 40}" for number in range(30)]


@pytest.mark.parametrize("name", [name for name in CASES if name != "eurobert"])
def test_every_family_computes_the_same(name: str, tmp_path: Path) -> None:
    folder = make_model(CASES[name], "feature-extraction", tmp_path / "model")
    source = open_pretrained(folder)
    tokenizer = source.load_tokenizer()
    usage = usage_of(tokenizer, CORPUS)
    kept = kept_ids(source, tokenizer, lambda: CORPUS, usage, [""])
    assert len(kept) < 60
    save_pretrained(trimmed_form(source, kept), tokenizer.trimmed(kept), tmp_path / "small")
    before, after = (
        bertkit.load(one, dtype="float32", task="sentence-embedding") for one in (folder, tmp_path / "small")
    )
    assert after.network.encoder.embeddings.token.weight.shape[0] == len(kept)
    np.testing.assert_array_equal(before.encode(CORPUS), after.encode(CORPUS))


def test_masks_are_filled_from_what_is_kept(tmp_path: Path) -> None:
    folder = make_model(CASES["bert"], "fill-mask", tmp_path / "model")
    source = open_pretrained(folder)
    tokenizer = source.load_tokenizer()
    kept = kept_ids(source, tokenizer, lambda: CORPUS, usage_of(tokenizer, CORPUS), [""])
    save_pretrained(trimmed_form(source, kept), tokenizer.trimmed(kept), tmp_path / "small")
    before, after = (
        bertkit.load(one, dtype="float32", task="fill-mask", top_k=40) for one in (folder, tmp_path / "small")
    )
    whole, left = ([one.token for one in model.predict("w1 [MASK]").fills[0]] for model in (before, after))
    known = [token for token in whole if after.tokenizer.id(token) is not None]
    assert len(known) < len(whole)
    assert left[: len(known)] == known


def test_what_a_corpus_uses() -> None:
    folder = Path(__file__).parents[2] / "src/bertkit/trained/mini"
    tokenizer = Tokenizer.load(folder)
    texts = ["the cat"] * 9 + ["the zebra"]
    usage = usage_of(tokenizer, texts)
    pieces = [tokenizer.tokenize([text])[0].ids for text in ("the cat", "zebra")]
    assert usage.ids() == {*pieces[0], *pieces[1]}
    assert usage.unseen == len(pieces[1]) / (len(pieces[1]) + 1)
    assert usage_of(tokenizer, texts[:5]).unseen is None
    prompted = usage_of(tokenizer, ["cat"], ["", "query: "])
    assert prompted.ids() == {id for text in ("cat", "query: cat") for id in tokenizer.tokenize([text])[0].ids}


def test_words_that_stay_unknown(tmp_path: Path) -> None:
    """`abx` is unknown with all pieces; with those that the texts show alone it would be `a ##bx`."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "ab", "##bx", "##b", "y", "aq", "##q"]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces) + "\n")
    tokenizer = Tokenizer.load(tmp_path)
    source = open_pretrained(make_model(CASES["bert"], "feature-extraction", tmp_path / "model"))
    corpus = ["abx a", "y", "abx abx"]
    shown = sorted({*usage_of(tokenizer, corpus).ids(), *tokenizer.always_kept, pieces.index("##bx")})
    assert list(differing(tokenizer, tokenizer.trimmed(shown), shown, corpus, [""])) == ["abx a", "abx abx"]
    usage = usage_of(tokenizer, [*corpus, "a", "aq"])
    texts = [*corpus, "a", "aq"]
    kept = kept_ids(source, tokenizer, lambda: texts, usage, [""])
    assert not list(differing(tokenizer, tokenizer.trimmed(kept), kept, texts, [""]))
    assert unknown_share(tokenizer.trimmed(kept), ["y y y z"]) == 0.25


def test_what_cannot_be_trimmed(tmp_path: Path) -> None:
    from bertkit.compression.int8_form import int8_form

    source = open_pretrained(make_model(CASES["bert"], "feature-extraction", tmp_path))
    with pytest.raises(UserError, match="is int8 already"):
        trimmed_form(int8_form(source), [0, 1])
