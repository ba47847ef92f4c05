"""Learning token-classification: the first piece of each word learns the word's tag (Devlin et al. 2018, section 5.3).

Shapes: `T` packed tokens, `C` tags.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from bertkit.batching.training_batch import TrainingBatch
from bertkit.errors import InputError, near_match
from bertkit.families.labels import Fitted
from bertkit.labelled.examples import Example, Tagged, Target
from bertkit.labelled.tagged_rows import tagged
from bertkit.model.encoder import Encoder
from bertkit.model.heads import Head
from bertkit.model.soft_labels import SoftLabels
from bertkit.objectives.contract import TaskTraining, TrainingOptions, ids_and_segments
from bertkit.objectives.objective import Loss, Objective
from bertkit.sampling.sample_stream import Sample
from bertkit.tasks.contract import Task
from bertkit.tokenization.windows import Encoded
from bertkit.tokenization.words import visible

NO_TAG = -100


class TagObjective(Objective):
    """Cross entropy over tags. Reads the target `tag_T`: the tag's id, or `NO_TAG` for tokens that learn nothing.

    With a teacher it reads `teacher_RC` too, its logits of each token that learns.
    """

    name: ClassVar[str] = "token-classification"
    head_name: ClassVar[str | None] = "token-classification"

    def __init__(self, head: nn.Module, teacher: SoftLabels | None = None) -> None:
        super().__init__()
        self.head: nn.Module = head
        self.teacher = teacher

    def count(self, batch: TrainingBatch) -> int:
        """The words, by their first pieces."""
        return int((batch.targets["tag_T"] != NO_TAG).sum())

    @property
    def fitted(self) -> Fitted | None:
        """Of each word its tag."""
        return "softmax" if isinstance(self.head, Head) else None

    def to_fit(self, encoder: Encoder, hidden_TW: Tensor, batch: TrainingBatch) -> tuple[Tensor, Tensor]:
        """A row for each word, of its first piece, (R, W) and (R, C)."""
        assert isinstance(self.head, Head)
        tag_T = batch.targets["tag_T"]
        learns_T = tag_T != NO_TAG
        rows_TW = self.head.features(hidden_TW, batch.tokens.layout, encoder)
        return rows_TW[learns_T], functional.one_hot(tag_T[learns_T], self.head.classes).float()

    def forward(self, encoder: Encoder, hidden_TW: Tensor, batch: TrainingBatch) -> Loss:
        """The loss; its sums have `correct`, or the tags on which the teacher agrees."""
        tag_T = batch.targets["tag_T"]
        logits_TC = self.head(hidden_TW, batch.tokens.layout, encoder).float()
        total = functional.cross_entropy(logits_TC, tag_T, ignore_index=NO_TAG, reduction="sum")
        if self.teacher is not None:
            logits_RC, teacher_RC = logits_TC[tag_T != NO_TAG], batch.targets["teacher_RC"]
            return Loss(self.teacher.mix(total, logits_RC, teacher_RC), self.teacher.sums(logits_RC, teacher_RC))
        return Loss(total, {"correct": (logits_TC.detach().argmax(dim=-1) == tag_T).sum().float()})


class TagTraining(TaskTraining):
    """A tag for each word. Of a long text each word is learnt in the window that owns its first piece.

    Args:
        tags: in the order of the head's numbers.
    """

    def __init__(self, tags: Sequence[str], teacher: SoftLabels | None = None) -> None:
        self._ids = {tag: id for id, tag in enumerate(tags)}
        self._teacher = teacher

    def samples(self, example: Example, encoded: Sequence[Encoded]) -> list[Sample]:
        """A sample for each window. A word of which the tokenizer has kept nothing is learnt nowhere."""
        target = example.target
        if not isinstance(target, Tagged):
            raise InputError(f"{example.row.place}: words with tags are wanted", "Read a file of words and their tags.")
        text = str(example.row.fields["text"])
        starts = [start for start, _ in target.words]
        ends = [end for _, end in target.words]
        ids = [self._id(tag, example) for tag in target.tags]
        samples = []
        learnt = -1  # the last word that has been; its other pieces learn nothing, in the next window either
        for window in encoded[0].windows:
            assert window.offsets is not None
            tag_T = np.full(len(window.ids), NO_TAG, np.int64)
            for place in window.owned[0]:
                start, end = visible(text, *window.offsets[place])
                word = int(np.searchsorted(starts, start, side="right")) - 1
                if end > start and word > learnt and start < ends[word]:
                    tag_T[place] = ids[word]
                    learnt = word
            samples.append(Sample(*ids_and_segments([window]), {"tag_T": tag_T}))
        return samples

    def objective(self, head: nn.Module | None) -> TagObjective:
        """The loss."""
        assert head is not None
        return TagObjective(head, self._teacher)

    def _id(self, tag: str, example: Example) -> int:
        if tag not in self._ids:
            raise InputError(
                f"{example.row.place}: the tag {tag!r} is not one of the model's{near_match(tag, self._ids)}",
                f"The tags are {', '.join(self._ids)}.",
            )
        return self._ids[tag]


def learning(task: Task, options: TrainingOptions) -> TaskTraining:
    """How token-classification is learnt."""
    return TagTraining(task.labels, options.teacher)


def blank(task: Task, example: Example) -> Target:
    """What stands in the place of tags that nobody has given, where a teacher is learnt from: where the words are."""
    given = example.target
    words = given if isinstance(given, Tagged) else tagged(str(example.row.fields["text"]), [], example.row.place)
    return Tagged(words.words, task.labels[:1] * len(words.words))
