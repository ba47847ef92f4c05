from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tokenizers
import torch
from tokenizers import models, pre_tokenizers, processors, trainers

from bertkit.labelled.examples import Tagged
from bertkit.objectives.token_classification import NO_TAG, TagObjective, TagTraining
from bertkit.tasks.contract import Outcome, Reading, Texts
from bertkit.tasks.reading import Reader
from bertkit.tasks.token_classification import TokenClassification
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.windows import LongText
from bertkit.tokenization.words import words_of
from tests.objectives.learnt_samples import PIECES, example, learnt
from tests.objectives.padded_peers import SEQUENCES, agree, loss_of, trained
from tests.parity.task_peers import make_task_peer


def test_tags(tmp_path: Path) -> None:
    peer = make_task_peer("token-classification", tmp_path).eval()
    encoder, head = trained(tmp_path, "token-classification")
    generator = torch.Generator().manual_seed(5)
    tags = [torch.randint(-1, 3, (len(ids),), generator=generator) for ids in SEQUENCES.ids]
    tags = [torch.where(tag_L < 0, NO_TAG, tag_L) for tag_L in tags]
    padded_BL = torch.full((5, 20), -100)
    for row, tag_L in zip(padded_BL, tags, strict=True):
        row[: len(tag_L)] = tag_L
    theirs = peer(**SEQUENCES.padded(), labels=padded_BL).loss
    agree(loss_of(encoder, TagObjective(head), [{"tag_T": tag_L.numpy()} for tag_L in tags]), theirs, encoder, peer)


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES))
    return Tokenizer.load_file(tmp_path / "vocab.txt")


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
