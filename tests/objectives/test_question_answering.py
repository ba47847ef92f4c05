from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bertkit.labelled.examples import References
from bertkit.objectives.question_answering import SpanObjective, SpanTraining
from bertkit.tasks.question_answering import QuestionAnswering
from bertkit.tasks.reading import Reader
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.windows import LongText
from tests.objectives.learnt_samples import PIECES, example, learnt
from tests.objectives.padded_peers import SEQUENCES, agree, loss_of, trained
from tests.parity.task_peers import make_task_peer


def test_spans(tmp_path: Path) -> None:
    """transformers' softmax goes over the padding too; with it left out the two are one."""
    peer = make_task_peer("question-answering", tmp_path).eval()
    encoder, head = trained(tmp_path, "question-answering")
    spans = torch.tensor([(2, 5), (0, 0), (1, 2), (3, 11), (0, 7)])
    output = peer(**SEQUENCES.padded())
    unseen_BL = SEQUENCES.padded()["attention_mask"] == 0
    start_BL = output.start_logits.masked_fill(unseen_BL, -torch.inf)
    end_BL = output.end_logits.masked_fill(unseen_BL, -torch.inf)
    entropy = torch.nn.functional.cross_entropy
    theirs = (entropy(start_BL, spans[:, 0]) + entropy(end_BL, spans[:, 1])) / 2
    targets = [{"start_B": span[:1].numpy(), "end_B": span[1:].numpy()} for span in spans]
    agree(loss_of(encoder, SpanObjective(head), targets), theirs, encoder, peer)


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES))
    return Tokenizer.load_file(tmp_path / "vocab.txt")


def test_the_first_answer_that_has_text_is_learnt(tokenizer: Tokenizer) -> None:
    reader = Reader(QuestionAnswering(tokenizer), 16, LongText.WINDOW, offsets=True)
    for texts, starts, span in ((("",), (3,), (0, 0)), (("", "paris"), (3, 0), (4, 4))):
        one = example(References(texts, starts), question="who ?", context="paris is fun")
        (sample,) = learnt(one, SpanTraining(), reader)
        assert (sample.targets["start_B"].item(), sample.targets["end_B"].item()) == span


def test_an_answers_tokens(tokenizer: Tokenizer) -> None:
    reader = Reader(QuestionAnswering(tokenizer), 16, LongText.WINDOW, offsets=True)
    context = "playing in paris is fun"
    target = References(("in paris",), (8,))
    (sample,) = learnt(example(target, question="who ?", context=context), SpanTraining(), reader)
    #      [CLS] who ? [SEP] play ##ing in paris is fun [SEP]
    assert [int(sample.targets[name][0]) for name in ("start_B", "end_B")] == [6, 7]
    (none,) = learnt(example(References((), ()), question="who ?", context=context), SpanTraining(), reader)
    assert [int(none.targets[name][0]) for name in ("start_B", "end_B")] == [0, 0]


def test_windows_that_do_not_show_the_answer_whole_learn_no_answer(tokenizer: Tokenizer) -> None:
    reader = Reader(QuestionAnswering(tokenizer, doc_stride=1), 9, LongText.WINDOW, offsets=True)
    context = "paris is fun paris in paris is fun"
    samples = learnt(
        example(References(("in paris",), (19,)), question="who ?", context=context), SpanTraining(), reader
    )
    spans = [tuple(int(sample.targets[name][0]) for name in ("start_B", "end_B")) for sample in samples]
    shown = [[PIECES[id] for id in sample.ids[0]] for sample in samples]
    whole = [place for place, span in enumerate(spans) if span != (0, 0)]
    assert whole
    for place, tokens in enumerate(shown):
        start, end = spans[place]
        if place in whole:
            assert tokens[start : end + 1] == ["in", "paris"]
        else:
            assert ["in", "paris"] not in [tokens[at : at + 2] for at in range(len(tokens))]
