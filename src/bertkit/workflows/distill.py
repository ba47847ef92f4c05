"""Distillation, from a configuration to a model: a teacher reads texts once, a student learns what it said of them."""

from __future__ import annotations

from collections.abc import Sequence

from bertkit.config.finetuning import FinetuneConfig
from bertkit.evaluation.held_out import HeldOutEvaluator
from bertkit.evaluation.predicted_records import predicted_records
from bertkit.evaluation.taught_text import held_out_taught, texts_a_second
from bertkit.finetuning.distillation import distillation_data, open_student
from bertkit.finetuning.job import Job
from bertkit.inference.model import load
from bertkit.labelled.examples import Example
from bertkit.metrics.task_scores import score_results
from bertkit.metrics.word_tags import in_iob2
from bertkit.pretrained.checkpoint import weights_sha256
from bertkit.pretrained.loading import find_folder, open_pretrained
from bertkit.runs.run_folder import RunFolder
from bertkit.training.ranks import Ranks
from bertkit.workflows.finetune import learn
from bertkit.workflows.observer import SILENT, Observer
from bertkit.workflows.results import DistillResult, FinetuneResult

TIMED_TEXTS = 256


def distill(config: FinetuneConfig, observer: Observer = SILENT) -> DistillResult:
    """Trains a small model to answer as a fine-tuned one does, on your own texts; labels count too where there are any.

    Args:
        config: with a teacher, whose task is the configuration's.

    Raises:
        Stopped, InputError, ConfigError, FolderInUse, BertkitError: as `finetune`.
    """
    held_out: list[Example] = []  # on the first process, which tells what came of it

    def open_job(config: FinetuneConfig, ranks: Ranks, observer: Observer) -> Job:
        job = open_distillation(config, ranks, observer)
        held_out.extend(job.data.held_out if ranks.is_first else [])
        return job

    student = learn(config, open_job, observer)
    if held_out:
        return _beside_teacher(config, held_out, student)
    return DistillResult(
        folder=student.folder, student=student, measures=student.metrics, teacher={}, texts_a_second={}
    )


def open_distillation(config: FinetuneConfig, ranks: Ranks, observer: Observer) -> Job:
    """A student that learns what a fine-tuned teacher says."""
    assert config.teacher is not None
    teacher = open_pretrained(find_folder(config.teacher.start))
    tokenizer = teacher.load_tokenizer()
    student = open_student(config, teacher, tokenizer)
    observer.say("the teacher reads each text once, before the student learns")
    with observer.counting("texts") as tick:
        taught = distillation_data(config, teacher, student, tokenizer, ranks.device, tick)
    data = taught.data
    theirs, ours = (len(model.config.layer_of_step) for model in (teacher, student))
    observer.say(f"a teacher of {theirs} layers, a student of {ours}; labels are {taught.labels:.0%} of the loss")
    evaluator = (
        held_out_taught(taught.held_out, data.task.name, ranks, config.train.best_by)
        if config.data.eval is None
        else HeldOutEvaluator(data.reader, data.held_out, data.problem, config.train.best_by)
    )
    return Job(student, tokenizer, data, evaluator, [weights_sha256(teacher.folder)])


def _beside_teacher(config: FinetuneConfig, held_out: Sequence[Example], student: FinetuneResult) -> DistillResult:
    """Teacher and student on the same texts: the metrics, where there are labels, and the speed."""
    assert config.teacher is not None
    name, metrics, theirs = config.task.name, student.metrics, dict[str, float]()
    settings = {"task": name, "long": config.data.long or "window", "device": config.train.device}
    folders = (config.teacher.start, RunFolder(student.folder).model)
    models = [load(folder, **settings) for folder in folders]  # type: ignore[call-overload]
    speeds = texts_a_second(models, [example.row for example in held_out[:TIMED_TEXTS]])
    if config.data.eval is not None:
        held_out = in_iob2(held_out, models[0].task.labels)
        theirs, metrics = (
            score_results(name, config.task.problem, predicted_records(model.answerer, held_out), held_out).metrics
            for model in models
        )
    return DistillResult(
        folder=student.folder,
        student=student,
        measures=metrics,
        teacher=theirs,
        texts_a_second=dict(zip(("teacher", "student"), speeds, strict=True)),
    )
