"""A small embedder that is being trained, as evaluators see it, and pairs of texts to measure it on."""

from __future__ import annotations

from pathlib import Path

import torch

from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, Target
from bertkit.model.vector_steps import RecipeHead
from bertkit.objectives.sentence_embedding import PairObjective
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.loading import open_pretrained
from bertkit.tasks.reading import Reader
from bertkit.tokenization.windows import LongText
from bertkit.training.ranks import Ranks
from bertkit.training.training_module import TrainingModule
from tests.parity.bert_peer import Sizes, make_peer

ALONE = Ranks(0, 1, torch.device("cpu"), None)


def embedder(folder: Path) -> tuple[Pretrained, Reader]:
    make_peer(Sizes(), folder)
    source = open_pretrained(folder)
    task = source.build_task("sentence-embedding", source.load_tokenizer())
    return source, Reader(task, 16, LongText.ERROR, offsets=False)


def trainee_of(source: Pretrained, reader: Reader, *, scored: bool) -> TrainingModule:
    head = source.build_head(reader.task)
    assert isinstance(head, RecipeHead)
    objective = PairObjective(head, [], scored=scored)
    return TrainingModule(source.build_encoder().float(), {objective.name: objective}).train()


def pairs(*texts: tuple[str, str], targets: list[Target] | None = None) -> list[Example]:
    return [
        Example(Row({"text": first, "text_pair": second}, f"d:{number}"), target, str(number))
        for number, ((first, second), target) in enumerate(zip(texts, targets or [None] * len(texts), strict=True), 1)
    ]
