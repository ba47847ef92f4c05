"""Templates are read off any post-processor, and rebuild exactly what it builds."""

from __future__ import annotations

from typing import Any

import pytest
import tokenizers
from tokenizers import models, pre_tokenizers, processors

from bertkit.errors import ConfigError
from bertkit.tokenization.template import Frame, SpecialTokens, probe
from bertkit.tokenization.tokens import Tokens
from bertkit.tokenization.windows import LongText, cut

NAMES = ["<s>", "</s>", "<unk>"]
XLNET = processors.TemplateProcessing(
    single="$A:0 </s>:0 <s>:2", pair="$A:0 </s>:0 $B:1 </s>:1 <s>:2", special_tokens=[("<s>", 0), ("</s>", 1)]
)
PROCESSORS = [
    None,
    processors.BertProcessing(("</s>", 1), ("<s>", 0)),
    processors.RobertaProcessing(("</s>", 1), ("<s>", 0)),
    processors.Sequence([processors.ByteLevel(), processors.RobertaProcessing(("</s>", 1), ("<s>", 0))]),
    XLNET,
]


def backend(processor: Any) -> tokenizers.Tokenizer:
    made = tokenizers.Tokenizer(models.WordLevel({"<s>": 0, "</s>": 1, "<unk>": 2, "a": 3, "b": 4}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.add_special_tokens(NAMES)
    if processor is not None:
        made.post_processor = processor
    return made


def test_roberta() -> None:
    template = probe(backend(PROCESSORS[2]), "<s>")
    assert template.single == Frame(SpecialTokens([0], [0]), 0, SpecialTokens([], []), 0, SpecialTokens([1], [0]))
    assert template.pair == Frame(SpecialTokens([0], [0]), 0, SpecialTokens([1, 1], [0, 0]), 0, SpecialTokens([1], [0]))
    assert (template.single.special_tokens, template.pair.special_tokens) == (2, 4)


def test_a_model_that_is_not_told_of_segments() -> None:
    template = probe(backend(XLNET), "<s>")
    plain = template.one_segment()
    assert plain.single == Frame(SpecialTokens([], []), 0, SpecialTokens([], []), 0, SpecialTokens([1, 0], [0, 0]))
    assert plain.pair == Frame(SpecialTokens([], []), 0, SpecialTokens([1], [0]), 0, SpecialTokens([1, 0], [0, 0]))
    assert plain.pair.special_tokens == template.pair.special_tokens


def test_special_tokens_after_the_text() -> None:
    template = probe(backend(XLNET), "<s>")
    assert template.pair == Frame(SpecialTokens([], []), 0, SpecialTokens([1], [0]), 1, SpecialTokens([1, 0], [1, 2]))


@pytest.mark.parametrize("processor", PROCESSORS, ids=lambda processor: type(processor).__name__)
@pytest.mark.parametrize("first", ["", "a", "a b b", "<s> a </s>"])
@pytest.mark.parametrize("second", [None, "", "b", "b <unk> a zzz"])
def test_cut_builds_what_the_library_builds(processor: Any, first: str, second: str | None) -> None:
    library = backend(processor)
    template = probe(library, "<s>")

    def tokens(text: str) -> Tokens:
        encoding = library.encode(text, add_special_tokens=False)
        return Tokens(encoding.ids, encoding.offsets)

    other = None if second is None else tokens(second)
    (window,) = cut(tokens(first), other, template, limit=99, long=LongText.ERROR).windows
    expected = library.encode(first, second) if second is not None else library.encode(first)
    assert (window.ids, window.segments, window.offsets) == (expected.ids, expected.type_ids, expected.offsets)
    texts = [[] for _ in window.owned]
    for place, text in enumerate(expected.sequence_ids):
        if text is not None:
            texts[text].append(place)
    assert [list(owned) for owned in window.owned] == texts


@pytest.mark.parametrize(("single", "pair"), [("<s> $A", "$B $A"), ("<s> $A $A", "$A $B"), ("<s> $A", "$A $B $A")])
def test_a_rule_that_is_no_frame(single: str, pair: str) -> None:
    processor = processors.TemplateProcessing(single=single, pair=pair, special_tokens=[("<s>", 0)])
    with pytest.raises(ConfigError, match=r"does not keep each text once, in the order given|makes 2 tokens"):
        probe(backend(processor), "<s>")


def test_a_probe_that_is_not_one_token() -> None:
    with pytest.raises(ConfigError, match="makes 2 tokens of 'a b' instead of one"):
        probe(backend(None), "a b")
