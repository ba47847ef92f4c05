from __future__ import annotations

import numpy as np
import pytest
import tokenizers
from tokenizers import models, pre_tokenizers, processors

from bertkit.errors import UserError
from bertkit.tasks.contract import Outcome, Reading, Texts
from bertkit.tasks.fill_mask import FillMask
from bertkit.tasks.reading import Reader
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.windows import LongText

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [f"w{number}" for number in range(40)]


def tokenizer_of(second_segment: int) -> Tokenizer:
    vocabulary = {word: id for id, word in enumerate([*SPECIALS, *WORDS])}
    backend = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.add_special_tokens(SPECIALS)
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    pair = f"[CLS]:0 $A:0 [SEP]:0 $B:{second_segment} [SEP]:{second_segment}"
    backend.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", pair, [("[CLS]", 2), ("[SEP]", 3)])
    return Tokenizer(backend)


def filled(texts: Texts, second_segment: int, limit: int) -> list[str]:
    """The sequence of each mask where the model says w0 for all."""
    tokenizer = tokenizer_of(second_segment)
    task = FillMask(tokenizer, top_k=1)
    reader = Reader(task, limit, LongText.WINDOW, offsets=True)
    (encoded,) = reader.encode([texts], reader.tokenize([texts]))
    w0 = tokenizer.id("w0")
    outputs = []
    for window in encoded.windows:
        count = len(task.named(window))
        outputs.append((np.ones((count, 1), np.float32), np.full((count, 1), w0, np.float32)))
    fills = task.decode([Outcome(texts, encoded, outputs)], Reading(1, 1, False, "float32")).fills
    return [mask[0].sequence for mask in fills]


@pytest.mark.parametrize("second_segment", [0, 1])
@pytest.mark.parametrize("limit", [64, 11])
@pytest.mark.parametrize("swapped", [False, True])
def test_each_mask_is_filled_in_its_own_text_in_the_texts_order(second_segment: int, limit: int, swapped: bool) -> None:
    """Families with one segment do not tell a pair's texts apart by it, and the first window owns the shorter text."""
    long = " ".join("[MASK]" if number in (1, 9, 17) else word for number, word in enumerate(WORDS[:20], 1))
    short = "w30 [MASK] w31"
    texts = Texts(short, long) if swapped else Texts(long, short)
    of_long = []
    for place in (1, 9, 17):
        words = long.split()
        words[place - 1] = "w0"
        of_long.append(" ".join(words))
    of_short = ["w30 w0 w31"]
    expected = [*of_short, *of_long] if swapped else [*of_long, *of_short]
    assert filled(texts, second_segment, limit) == expected


@pytest.mark.parametrize(
    ("targets", "chosen"),
    [("w3, w1", (8, 6)), (["w1", "w1", "w2"], (6, 7)), ("[SEP]", (3,)), (None, ())],
)
def test_targets_are_tokens_each_once(targets: str | list[str] | None, chosen: tuple[int, ...]) -> None:
    readout = FillMask(tokenizer_of(1), targets=targets).readout
    assert (readout.chosen, readout.top_k) == (chosen, min(5, len(chosen) or 5))


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        ("w1,w1 w2", "the target 'w1 w2' is 2 tokens, w1 w2, and a mask stands for one"),
        ("never", "the target 'never' is no token of the vocabulary, and a mask stands for one"),
        ("w1,", "the target '' is no token of the vocabulary"),
        ([], "no target is given"),
    ],
)
def test_what_is_no_target_is_told(targets: str | list[str], told: str) -> None:
    with pytest.raises(UserError) as caught:
        FillMask(tokenizer_of(1), targets=targets)
    assert str(caught.value).startswith(told)
