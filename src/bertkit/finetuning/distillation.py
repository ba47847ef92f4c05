"""The data that a student learns from: texts, each with the outputs of its fine-tuned teacher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from bertkit.config.data_source import Sources
from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.kernels import linear_kind
from bertkit.errors import ConfigError, UserError
from bertkit.finetuning.teacher_logits import Tick, taught, unwatched
from bertkit.finetuning.training_data import FinetuningData, check_files, held_apart, limit_of, long_of, samples_of
from bertkit.labelled.data import name_of
from bertkit.labelled.examples import Example
from bertkit.labelled.label_set import check_labels
from bertkit.labelled.reading import is_labelled, own_columns, read_examples, read_texts, rows_of
from bertkit.model.device import processor
from bertkit.model.heads import Head
from bertkit.model.linear import convert_linears
from bertkit.model.soft_labels import SoftLabels
from bertkit.objectives.contract import TrainingOptions
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.loading import find_folder, open_pretrained
from bertkit.pretrained.student import student_of
from bertkit.sampling.sample_stream import Sample
from bertkit.tasks.catalogue import find_spec, tasks_with
from bertkit.tasks.contract import Task
from bertkit.tasks.reading import Reader
from bertkit.tokenization.tokenizer import Tokenizer

MIXED = 0.5  # the labels' share of the loss, where there are labels and nothing is said
NOT_LEARNT = ("class_weights", "dimensions", "doc_stride", "masking")


@dataclass(frozen=True)
class Taught:
    """What a student learns.

    Attributes:
        held_out: samples that it does not learn from, with what the teacher says of them; where there is a file of
            labelled examples to measure on, none.
        labels: share of the loss that the examples' own labels have.
    """

    data: FinetuningData
    held_out: list[Sample]
    labels: float


def task_of_teacher(start: str) -> str:
    """The task that a teacher, a folder or a hub name, was fine-tuned for.

    Raises:
        UserError: one that cannot be distilled.
        ModelNotFound: there is none.
    """
    return check_teacher(open_pretrained(find_folder(start)))


def check_teacher(teacher: Pretrained) -> str:
    """The task that a teacher was fine-tuned for.

    Raises:
        UserError: one that cannot be distilled.
    """
    name = teacher.tasks()[0]
    able = tasks_with("blank")
    if name not in able:
        raise UserError(
            f"{teacher.folder}: a teacher of {name} cannot be distilled", f"Choose one of {' or '.join(able)}."
        )
    return name


def open_student(config: FinetuneConfig, teacher: Pretrained, tokenizer: Tokenizer) -> Pretrained:
    """The checkpoint that is to learn: the one that is named, or some layers of the teacher.

    Raises:
        ConfigError: it has another vocabulary, or the teacher has not so many layers.
    """
    assert config.teacher is not None
    if config.model.start is None:
        count = config.teacher.layers or max(1, teacher.config.layers // 2)
        return student_of(teacher, count, _task(teacher, tokenizer), tokenizer)
    student = open_pretrained(find_folder(config.model.start))
    if student.load_tokenizer().vocab_sha256() != tokenizer.vocab_sha256():
        raise ConfigError(
            f"{config.model.start}: the student has another vocabulary than the teacher {config.teacher.start}",
            "Choose a student with the teacher's tokenizer, or --layers.",
        )
    return student


def distillation_data(
    config: FinetuneConfig,
    teacher: Pretrained,
    student: Pretrained,
    tokenizer: Tokenizer,
    device: torch.device,
    tick: Tick = unwatched,
) -> Taught:
    """Reads the texts, and has the teacher read them.

    Args:
        tick: called with how many more the teacher has read.

    Raises:
        InputError: a row cannot be read, or has a label that the teacher does not know.
        UserError: labels are to count and there are none, or a setting has no meaning here.
    """
    assert config.teacher is not None
    for name in NOT_LEARNT:
        if getattr(config.task, name):
            raise ConfigError(f"task.{name} is set, and a student does not learn by it", "Leave it out.")
    task = _task(teacher, tokenizer)
    problem = task.problem
    notes: list[str] = []
    train, held_out, share = _examples(config, task, notes)
    soft = SoftLabels(problem or "single-label", config.teacher.temperature, share)
    learning = find_spec(task.name).load("objective")(
        task, TrainingOptions(smoothing=config.task.smoothing, teacher=soft)
    )
    limit, long = limit_of(config.data, task, teacher, student), long_of(config.data, task)
    reader = Reader(task, limit, long, task.needs_offsets)
    head = teacher.build_head(task)
    assert isinstance(head, Head)
    encoder, head = teacher.build_encoder().float().to(device), head.float().to(device)
    convert_linears(encoder, linear_kind(processor(device), "float32", learns=False), torch.float32)

    def samples(examples: Sequence[Example]) -> list[Sample]:
        return taught(samples_of(examples, learning, reader), encoder, head, device, tick)

    data = FinetuningData(task, problem, learning, reader, samples(train), train, held_out, notes=notes)
    return Taught(data, samples(held_out) if config.data.eval is None else [], share)


def _task(teacher: Pretrained, tokenizer: Tokenizer) -> Task:
    return teacher.build_task(check_teacher(teacher), tokenizer)


def _examples(config: FinetuneConfig, task: Task, notes: list[str]) -> tuple[list[Example], list[Example], float]:
    """What is learnt from, what is held out, and the labels' share of the loss; lines for the user go to `notes`."""
    assert config.teacher is not None
    table, share = config.data, config.teacher.labels
    check_files(table)
    columns = table.columns
    if table.eval is not None:  # columns may be named that only the examples to measure on have
        columns = own_columns(table.train, columns, table.format)
    labelled = is_labelled(table.train, task.name, format=table.format, columns=columns)
    if share is None:
        share = MIXED if labelled else 0.0
    if share and not labelled:
        raise UserError(
            f"{name_of(table.train)}: has no labels, and teacher.labels is {share}",
            "Leave it out, or name the column of labels.",
        )
    if share or (labelled and rows_of(task.name).say_words):
        train = _labelled(table.train, config, task, columns, notes)
    else:
        texts = {field: column for field, column in columns.items() if field != "label"}
        train = list(read_texts(table.train, format=table.format, columns=texts))
    if table.eval is not None:
        held_out = _labelled(table.eval, config, task, table.columns, notes)
    else:
        train, held_out = held_apart(train, config)
    if not share:
        blank = find_spec(task.name).load("blank")
        train = [replace(one, target=blank(task, one)) for one in train]
        held_out = held_out if table.eval else [replace(one, target=blank(task, one)) for one in held_out]
    return train, held_out, share


def _labelled(
    sources: Sources, config: FinetuneConfig, task: Task, columns: Mapping[str, str], notes: list[str]
) -> list[Example]:
    problem = task.problem
    format = None if config.data.format == "lines" else config.data.format  # of the texts without labels
    examples = read_examples(sources, task.name, problem=problem, format=format, columns=columns, note=notes.append)
    return list(
        examples if problem == "regression" else check_labels(examples, task.labels, "what the teacher has learnt")
    )
