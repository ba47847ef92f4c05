"""What a run of fine-tuning or distillation is made of: the model it begins with, what is learnt, what is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bertkit.terminal.messages import say
from bertkit.terminal.progress import progress_bar

if TYPE_CHECKING:
    from bertkit.config.finetuning import FinetuneConfig
    from bertkit.evaluation.held_out import HeldOut
    from bertkit.evaluation.held_out_loss import HeldOutLoss
    from bertkit.evaluation.held_out_pairs import HeldOutPairs
    from bertkit.finetuning.training_data import Lessons
    from bertkit.pretrained.checkpoint import Pretrained
    from bertkit.tokenization.tokenizer import Tokenizer
    from bertkit.training.ranks import Ranks


@dataclass(frozen=True)
class Course:
    """The parts of a run.

    Attributes:
        source: the checkpoint that learns.
        sha256s: fingerprints of what must not change, besides the data, while the run goes on.
        keep: writes to the run's folder what was found out before it learns; the first rank calls it.
    """

    source: Pretrained
    tokenizer: Tokenizer
    lessons: Lessons
    held_out: HeldOut | HeldOutPairs | HeldOutLoss
    sha256s: list[str] = field(default_factory=list)
    keep: Callable[[], None] = lambda: None


def finetuning_course(config: FinetuneConfig, ranks: Ranks) -> Course:
    """A checkpoint learns from labelled examples, or from text."""
    from bertkit.evaluation.mining import Mining
    from bertkit.finetuning.run import learns_the_same
    from bertkit.finetuning.training_data import Lessons
    from bertkit.pretrained.loading import find_folder, open_pretrained
    from bertkit.runs.run_folder import RunFolder

    source = open_pretrained(find_folder(config.model.start))
    tokenizer = source.load_tokenizer()
    mining = Mining(source, config.task, RunFolder(Path(config.run.directory)), ranks, say)
    lessons = Lessons.open(config, source, tokenizer, mining.negatives)
    if lessons.learning.masked and ranks.is_first and not learns_the_same(source, lessons.task):
        say(
            "the model has no masked-language-model head: a new one begins at random, and learns from these texts alone"
        )
    held_out = _held_out(config, source, lessons, tokenizer, ranks)
    return Course(source, tokenizer, lessons, held_out, keep=mining.keep)


def distillation_course(config: FinetuneConfig, ranks: Ranks) -> Course:
    """A student learns what a fine-tuned teacher says."""
    from bertkit.evaluation.held_out import HeldOut
    from bertkit.evaluation.taught_text import held_out_taught
    from bertkit.finetuning.distillation import open_student, taught_lessons
    from bertkit.pretrained.checkpoint import weights_sha256
    from bertkit.pretrained.loading import find_folder, open_pretrained

    assert config.teacher is not None
    teacher = open_pretrained(find_folder(config.teacher.start))
    tokenizer = teacher.load_tokenizer()
    student = open_student(config, teacher, tokenizer)
    if ranks.is_first:
        say("the teacher reads each text once, before the student learns")
    with progress_bar("texts", shown=ranks.is_first) as tick:
        taught = taught_lessons(config, teacher, student, tokenizer, ranks.device, tick)
    lessons = taught.lessons
    if ranks.is_first:
        layers = [len(model.config.layer_of_step) for model in (teacher, student)]
        say(f"a teacher of {layers[0]} layers, a student of {layers[1]}; labels are {taught.labels:.0%} of the loss")
    measured = (
        held_out_taught(taught.held_out, lessons.task.name, ranks, config.train.best_by)
        if config.data.eval is None
        else HeldOut(lessons.reader, lessons.held_out, lessons.problem, config.train.best_by)
    )
    return Course(student, tokenizer, lessons, measured, [weights_sha256(teacher.folder)])


def _held_out(
    config: FinetuneConfig, source: Pretrained, lessons: Lessons, tokenizer: Tokenizer, ranks: Ranks
) -> HeldOut | HeldOutPairs | HeldOutLoss:
    from bertkit.evaluation.held_out import HeldOut
    from bertkit.evaluation.held_out_pairs import HeldOutPairs
    from bertkit.evaluation.masked_text import held_out_text
    from bertkit.finetuning.training_data import samples_of

    best_by = config.train.best_by
    if lessons.learning.masked:
        # In windows of what the model reads, whatever it learns from, so that runs compare with one another.
        reader = replace(lessons.reader, limit=source.max_length(lessons.task))
        samples = samples_of(lessons.held_out, lessons.learning, reader)
        return held_out_text(samples, tokenizer, ranks, best_by)
    if lessons.task.name == "sentence-embedding":
        return HeldOutPairs(lessons.reader, lessons.held_out, best_by)
    return HeldOut(lessons.reader, lessons.held_out, lessons.problem, best_by)
