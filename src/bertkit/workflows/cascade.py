"""A cascade, the whole job: a student and its teacher answer the same examples, and a confidence is chosen on them.

From that confidence the student's answer stands. What it costs is told honestly: each fifth of the examples is answered
with the confidence that the other four choose.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from bertkit.checkpoints.weight_files import find_weights
from bertkit.compression.side_by_side import CascadeAnswers, LossCurve, SideBySide
from bertkit.config.cascade import CascadeSettings
from bertkit.config.compressing import CompressConfig
from bertkit.errors import InputError, LossTooLarge, NothingGained, UserError
from bertkit.inference.backends import open_student
from bertkit.inference.cascade_backend import CascadeBackend, certainty, confidence_of
from bertkit.inference.pipeline import Failure, Pipeline
from bertkit.metrics.calibrating import decisions_of
from bertkit.metrics.intervals import Places
from bertkit.metrics.results import Prediction
from bertkit.metrics.task_scores import Scores, score_results
from bertkit.pretrained.checkpoint import Cascade, Pretrained
from bertkit.pretrained.loading import find_folder, open_pretrained
from bertkit.pretrained.saving import save_pretrained
from bertkit.pretrained.task_options import remake_task
from bertkit.tasks.contract import Outcome
from bertkit.workflows.compression import Compression, MeasuredLoss
from bertkit.workflows.compression_subject import Subject, opened, pace_of
from bertkit.workflows.labelled_data import Notes, sha256_of_data
from bertkit.workflows.observer import Observer

TASK = "text-classification"
LEAST_EXAMPLES = 100
NO_BOUND = "Allow more with --max-loss, give more examples, or a better student."
Classes = Literal["single-label", "multi-label"]


@dataclass(frozen=True)
class TeacherAndStudent:
    """A student and its teacher, and what both gave for the examples.

    Attributes:
        subject: the teacher.
        outcomes: of each example, the parts of `SideBySide` for each window.
    """

    subject: Subject
    student: Pretrained
    problem: Classes
    side: SideBySide
    outcomes: Sequence[Outcome]


@dataclass(frozen=True)
class ChosenConfidence:
    """A certainty from which the student's answers stand, and what that costs."""

    settings: CascadeSettings
    loss: MeasuredLoss


def cascade(config: CompressConfig, source: Pretrained, notes: Notes, observer: Observer) -> Compression:
    """Writes a folder in which a student answers before its teacher, at no more than the bound's loss.

    Raises:
        LossTooLarge: no confidence of the student costs as little as the bound.
        NothingGained: the cascade is no faster than its teacher.
        UserError: the models do not go together, or do another task.
        InputError: the data cannot be read, does not fit, or is too little.
        OutputError: the folder cannot be written.
    """
    pair = answered_by_both(config, source, notes, observer)
    subject = pair.subject
    chosen = choose(pair)
    form = replace(source, cascade=Cascade(chosen.settings, pair.student))
    model = subject.answering.around(form, cascaded(pair, chosen.settings), subject.plain.batch_tokens)
    # What else a machine does would decide whether a gain of a tenth is one: a CPU's own seconds are counted.
    paces = pace_of(subject, model, time.process_time if model.device == "cpu" else time.perf_counter)
    speed = paces[1].tokens_per_second / paces[0].tokens_per_second
    settings = chosen.settings.model_copy(update={"speed": speed})
    if speed <= 1:
        what = f"{config.model} behind {config.cascade}: the student answers {settings.answered:.1%}"
        raise NothingGained(f"{what}, and both together are {speed:.2f} times as fast as the teacher")
    weights = [sum(file.stat().st_size for file in find_weights(one.folder).files) for one in (source, pair.student)]
    made = Compression(
        *(Path(config.output), "cascade", weights[0], sum(weights), chosen.loss, paces),
        notes=notes,
        said=tuple(lines_of(settings)),
        details={"cascade": settings.model_dump(exclude={"schema_version", "data_sha256"})},
    )
    form = replace(form, cascade=Cascade(settings, pair.student))
    save_pretrained(form, subject.answering.tokenizer, made.folder, section=made.section(subject.data))
    return made


def lines_of(settings: CascadeSettings) -> list[str]:
    """What there is to know of a cascade, in words."""
    return [
        f"the student's answer stands from a confidence of {settings.confidence:.4f}: {settings.answered:.1%} of texts",
        "each fifth of the examples was answered with the confidence that the other four chose",
        f"{settings.speed:.2f} times as many tokens a second as the teacher alone",
    ]


def answered_by_both(config: CompressConfig, source: Pretrained, notes: Notes, observer: Observer) -> TeacherAndStudent:
    """Both models' numbers for the examples.

    Raises:
        UserError, InputError: as `cascade`.
    """
    assert config.cascade is not None
    student = open_pretrained(find_folder(config.cascade))
    for one in (source, student):
        one.check_single("a cascade")
        if not one.has_weights:
            raise UserError(
                f"{one.source}: has a graph and no weights", "Take the checkpoint that it was exported from."
            )
    task = source.build_task(config.task, source.load_tokenizer())
    if task.name != TASK or task.problem is None or task.problem == "regression":
        raise UserError(
            f"a cascade for {task.problem or task.name}: it gives no confidence",
            f"It is for the labels of {TASK}; --to int8 is for any task.",
        )
    answering_first = open_student(student, task, 1.0)
    subject = opened(config, source, notes, observer, as_it_answers=True)
    if len(subject.examples) < LEAST_EXAMPLES:
        raise InputError(
            f"{len(subject.examples)} examples say little of how far a student may be trusted",
            f"Give {LEAST_EXAMPLES} or more.",
        )
    engine = subject.plain.answerer.engine
    side = SideBySide(engine.backend, answering_first)
    answerer = subject.answering.around(source, side, engine.batch_tokens).answerer
    outcomes = []
    with observer.counting("examples") as tick:
        for found in answerer.outcomes(answerer.pipeline.prepare_all([one.row for one in subject.examples])):
            if isinstance(found, Failure):
                raise found.error
            outcomes.extend(found)
            tick(1)
    return TeacherAndStudent(subject, student, task.problem, side, outcomes)


def cascaded(pair: TeacherAndStudent, settings: CascadeSettings) -> CascadeBackend:
    """What computes the cascade."""
    return CascadeBackend(pair.side.teacher, pair.side.student.scaled(settings.scale), settings)


def choose(pair: TeacherAndStudent) -> ChosenConfidence:
    """The lowest confidence whose loss is inside the bound.

    Raises:
        LossTooLarge: there is none, or examples that it was not chosen on lose more.
    """
    subject, config = pair.subject, pair.subject.config
    names = f"{config.model} behind {config.cascade}"
    temperature = temperature_of(pair)
    scale = float(getattr(subject.plain.task, "temperature", 1.0)) / temperature
    choices = choices_of(pair, temperature, scale)
    bounds = choices.bounds()
    count = len(subject.examples)
    after = [scored(pair, choices.at(np.full(count, bound))).at for bound in bounds]
    before = subject.scored.scores.at
    assert before is not None
    metric, factor = subject.metric, subject.factor
    curve = LossCurve(bounds, before, [one for one in after if one is not None], metric, lambda fall: fall * factor)
    bound = curve.lowest(np.arange(count), config.max_loss)
    if bound is None:
        raise LossTooLarge(
            f"{names}: wherever the student answers, more than {config.max_loss:g} points may be lost", NO_BOUND
        )
    loss = subject.loss_to(scored(pair, choices.at(curve.crossed(count, config.max_loss))))
    if loss.points > config.max_loss:
        raise LossTooLarge(f"{names}: {loss}, more than {config.max_loss:g}", NO_BOUND)
    assert loss.low is not None
    assert loss.high is not None
    assert config.data is not None
    settings = CascadeSettings(
        problem=pair.problem,
        confidence=confidence_of(bound),
        temperature=temperature,
        scale=scale,
        answered=choices.share(bound),
        speed=1.0,
        metric=metric,
        loss_points=loss.points,
        loss_low=loss.low,
        loss_high=loss.high,
        examples=count,
        data_sha256=sha256_of_data(config.data),
    )
    return ChosenConfidence(settings, loss)


def temperature_of(pair: TeacherAndStudent) -> float:
    """The student's: as it was calibrated, else as it fits the examples that it can read."""
    known = pair.student.calibration
    if known is not None and known.problem == pair.problem:
        return known.temperature
    plain = remake_task(pair.subject.plain.task, {"temperature": 1.0, "abstain_below": None})
    pipeline = Pipeline(replace(pair.subject.plain.answerer.pipeline.reader, task=plain), "float32")
    answers, examples = [], []
    for outcome, example in zip(pair.outcomes, pair.subject.examples, strict=True):
        if all(read.all() for _, _, read in outcome.outputs):
            own = replace(outcome, outputs=[(student,) for _, student, _ in outcome.outputs])
            answers.append(Prediction(pipeline.result([own]).record(), example.row.place))
            examples.append(example)
    if not answers:
        raise InputError("the student can read none of the examples", "Take a student that reads as long texts.")
    return decisions_of(pair.problem, answers, examples).temperature()


def choices_of(pair: TeacherAndStudent, temperature: float, scale: float) -> CascadeAnswers:
    """Each example's answers, by how many of its windows the student answers."""
    pipeline = pair.subject.plain.answerer.pipeline
    odds, answers = [], []
    for outcome, example in zip(pair.outcomes, pair.subject.examples, strict=True):
        logits_WC = np.concatenate([student for _, student, _ in outcome.outputs])
        is_read_W = np.concatenate([read[:, 0] for _, _, read in outcome.outputs]) > 0
        odds_W = np.where(is_read_W, certainty(logits_WC, pair.problem, temperature), -np.inf)
        surest = np.argsort(-odds_W, kind="stable")
        odds.append(odds_W[surest])
        answers.append(
            [
                Prediction(pipeline.result([_mixed(outcome, surest[:count], scale)]).record(), example.row.place)
                for count in range(len(surest) + 1)
            ]
        )
    return CascadeAnswers(odds, answers)


def _mixed(outcome: Outcome, by_student: Places, scale: float) -> Outcome:
    """The outcome with the student's numbers for some windows, the teacher's for the others."""
    theirs = set(by_student.tolist())
    outputs = [
        (student * np.float32(scale) if place in theirs else teacher,)
        for place, (teacher, student, _) in enumerate(outcome.outputs)
    ]
    return replace(outcome, outputs=outputs)


def scored(pair: TeacherAndStudent, answers: Sequence[Prediction]) -> Scores:
    """The task's metrics of some answers."""
    task = pair.subject.plain.task
    return score_results(task.name, pair.subject.config.problem, answers, pair.subject.examples, task.labels)
