from __future__ import annotations

from bertkit.labelled.pair_texts import PairTexts


def test_the_same_text_has_one_number() -> None:
    texts = PairTexts([("A cat", "a  CAT\n"), ("a dog", "A cat")])
    assert texts.number("a cat") == texts.number("A  Cat")
    assert texts.number("a dog") != texts.number("a cat")
    assert texts.number("new") == texts.number("NEW") == 2


def test_texts_are_together_that_share_a_pair() -> None:
    texts = PairTexts([("q", "a"), ("Q", "b"), ("b", "c")])
    q, a, b, c = map(texts.number, "qabc")
    assert texts.together("q") == sorted([q, a, b])
    assert texts.together("B") == sorted([q, b, c])
    assert texts.together("alone") == [texts.number("alone")]
