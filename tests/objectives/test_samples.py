"""What examples become: which tokens learn what."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tokenizers
from tokenizers import models, pre_tokenizers, processors, trainers

from bertkit.errors import InputError
from bertkit.finetuning.training_data import samples_of
from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, References, Tagged, Target
from bertkit.objectives.contract import TaskTraining
from bertkit.objectives.question_answering import SpanTraining
from bertkit.objectives.text_classification import LabelTraining
from bertkit.objectives.token_classification import NO_TAG, TagTraining
from bertkit.sampling.framing import Framing
from bertkit.sampling.sample_stream import Sample
from bertkit.tasks.contract import Outcome, Reading, Texts
from bertkit.tasks.question_answering import QuestionAnswering
from bertkit.tasks.reading import Reader
from bertkit.tasks.text_classification import TextClassification
from bertkit.tasks.token_classification import TokenClassification
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.windows import LongText
from bertkit.tokenization.words import words_of

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "play", "##ing", "in", "paris", "is", "fun", "who", "?"]


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES))
    return Tokenizer.load_file(tmp_path / "vocab.txt")


def example(target: Target, **fields: str) -> Example:
    return Example(Row(fields, "file.tsv:3"), target, "0")


def learnt(one: Example, learning: TaskTraining, reader: Reader) -> list[Sample]:
    return samples_of([one], learning, reader)


def labels(tokenizer: Tokenizer, limit: int = 16) -> Reader:
    return Reader(TextClassification(tokenizer, ("bad", "good")), limit, LongText.WINDOW, offsets=True)


def test_a_label(tokenizer: Tokenizer) -> None:
    (sample,) = learnt(
        example("good", text="paris is fun"), LabelTraining(("bad", "good"), "single-label"), labels(tokenizer)
    )
    assert sample.ids == ([2, 8, 9, 10, 3],)
    assert sample.targets["label_B"].tolist() == [1]


def test_a_pair_is_learnt_in_the_segments_that_the_folder_has(tokenizer: Tokenizer, tmp_path: Path) -> None:
    """A model that is not told of segments learns with all tokens in the first, as it will answer."""
    pair = example("good", text="paris is", text_pair="fun")
    (sample,) = learnt(pair, LabelTraining(("bad", "good"), "single-label"), labels(tokenizer))
    assert sample.segments == ([0, 0, 0, 0, 1, 1],)
    (tmp_path / "tokenizer_config.json").write_text('{"model_input_names": ["input_ids", "attention_mask"]}')
    untold = Tokenizer.load_file(tmp_path / "vocab.txt")
    (sample,) = learnt(pair, LabelTraining(("bad", "good"), "single-label"), labels(untold))
    assert (sample.ids, sample.segments) == (([2, 8, 9, 3, 10, 3],), ([0] * 6,))
    assert Framing.of(tokenizer, "next-sentence").segments_R.tolist() == [0, 0, 0, 1, 1]
    assert Framing.of(untold, "next-sentence").segments_R.tolist() == [0] * 5


def test_every_window_of_a_long_text_learns_its_label(tokenizer: Tokenizer) -> None:
    text = " ".join(["paris"] * 7)
    samples = learnt(example("bad", text=text), LabelTraining(("bad", "good"), "single-label"), labels(tokenizer, 5))
    assert [len(sample.ids[0]) for sample in samples] == [5, 5, 3]
    assert all(sample.targets["label_B"].tolist() == [0] for sample in samples)


def test_several_labels_and_none(tokenizer: Tokenizer) -> None:
    learning = LabelTraining(("a", "b", "c"), "multi-label")
    (some,) = learnt(example(("c", "a"), text="fun"), learning, labels(tokenizer))
    (none,) = learnt(example((), text="fun"), learning, labels(tokenizer))
    assert some.targets["label_B"].tolist() == [[1.0, 0.0, 1.0]]
    assert none.targets["label_B"].tolist() == [[0.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("problem", "target", "words"),
    [
        ("single-label", "goood", "'goood' is not one of the model's .did you mean 'good'"),
        ("single-label", 1.5, "1.5, not a label"),
        ("multi-label", "good", "'good', not a list"),
        ("regression", "good", "'good', not a number"),
    ],
)
def test_targets_of_another_kind(problem: str, target: Target, words: str, tokenizer: Tokenizer) -> None:
    names = ("value",) if problem == "regression" else ("bad", "good")
    with pytest.raises(InputError, match=rf"file.tsv:3: .*{words}"):
        learnt(example(target, text="fun"), LabelTraining(names, problem), labels(tokenizer))  # type: ignore[arg-type]


def test_the_first_piece_of_each_word_learns_its_tag(tokenizer: Tokenizer) -> None:
    reader = Reader(TokenClassification(tokenizer, ("O", "B-LOC")), 16, LongText.WINDOW, offsets=True)
    target = Tagged(((0, 7), (8, 10), (11, 16)), ("O", "O", "B-LOC"))
    (sample,) = learnt(example(target, text="playing in paris"), TagTraining(("O", "B-LOC")), reader)
    assert sample.targets["tag_T"].tolist() == [NO_TAG, 0, NO_TAG, 0, 1, NO_TAG]


def test_each_word_is_learnt_once_whatever_the_windows(tokenizer: Tokenizer) -> None:
    reader = Reader(TokenClassification(tokenizer, ("O", "B-LOC")), 7, LongText.WINDOW, offsets=True)
    words = ["playing", "in", "paris"] * 4
    starts = np.cumsum([0, *(len(word) + 1 for word in words[:-1])]).tolist()
    spans = tuple((start, start + len(word)) for start, word in zip(starts, words, strict=True))
    target = Tagged(spans, ("O", "O", "B-LOC") * 4)
    samples = learnt(example(target, text=" ".join(words)), TagTraining(("O", "B-LOC")), reader)
    assert len(samples) > 2
    learnt_tags = [tag for sample in samples for tag in sample.targets["tag_T"].tolist() if tag != NO_TAG]
    assert learnt_tags == [0, 0, 1] * 4


def byte_level(*, trim: bool) -> Tokenizer:
    """Of ModernBERT's kind, whose offsets include the space before a word unless `trim`."""
    backend = tokenizers.Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet, specials = pre_tokenizers.ByteLevel.alphabet(), ["[CLS]", "[SEP]", "[PAD]", "[UNK]"]
    trainer = trainers.BpeTrainer(vocab_size=280, initial_alphabet=alphabet, special_tokens=specials)
    backend.train_from_iterator(["Ada Lovelace-Byron, of  Paris said so"] * 9, trainer)
    template = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B [SEP]", [("[CLS]", backend.token_to_id("[CLS]")), ("[SEP]", 1)]
    )
    backend.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=trim), template])
    return Tokenizer(backend)


@pytest.mark.parametrize("trim", [True, False])
@pytest.mark.parametrize("limit", [64, 8])
@pytest.mark.parametrize(
    "text", ["Ada Lovelace-Byron , of  Paris", " Ada\tLovelace of\nParis ", "Ada said\u00a0so of Paris"]
)
def test_what_is_learnt_is_what_is_answered(text: str, limit: int, trim: bool) -> None:
    """A model that says of every piece what it has learnt of it finds the entities that the words' tags say."""
    tokenizer = byte_level(trim=trim)
    tags = ("O", "B-PER", "I-PER", "B-LOC")
    task = TokenClassification(tokenizer, tags)
    reader = Reader(task, limit, LongText.WINDOW, offsets=True)
    words = [(word.start, word.end) for word in words_of(text, [(at, at + 1) for at in range(len(text))])]
    said = {"Ada": "B-PER", "Lovelace": "I-PER", "Paris": "B-LOC"}
    target = Tagged(tuple(words), tuple(said.get(text[start:end], "O") for start, end in words))
    samples = learnt(example(target, text=text), TagTraining(tags), reader)
    learnt_tags = [tag for sample in samples for tag in sample.targets["tag_T"].tolist() if tag != NO_TAG]
    assert learnt_tags == [tags.index(tag) for tag in target.tags]
    (encoded,) = reader.encode([Texts(text)], reader.tokenize([Texts(text)]))
    outputs = [(np.eye(4, dtype=np.float32)[np.maximum(one.targets["tag_T"], 0)],) for one in samples]
    found = task.decode([Outcome(Texts(text), encoded, outputs)], Reading(1, 1, False, "float32"))
    wanted = [text[text.index("Ada") :].split("Lovelace")[0] + "Lovelace"] if "Lovelace" in text else ["Ada"]
    assert [entity.text for entity in found.entities] == [*wanted, "Paris"]


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


def test_an_empty_text(tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match=r"file.tsv:3: the text is empty"):
        learnt(example("good", text=" "), LabelTraining(("bad", "good"), "single-label"), labels(tokenizer))
