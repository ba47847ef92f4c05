"""What a fine-tuning run learns: the task with its labels, samples made of examples, and examples put aside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bertkit.checkpoints.digests import sha256
from bertkit.config.data_source import RowsInMemory, Source, Sources, each_source
from bertkit.config.finetuning import ExamplesTable, FinetuneConfig
from bertkit.config.training import Masking
from bertkit.errors import BertkitError, ConfigError, InputError
from bertkit.families.labels import Problem
from bertkit.formats.files import check_there
from bertkit.labelled.data import name_of
from bertkit.labelled.examples import Example
from bertkit.labelled.hold_out import hold_out
from bertkit.labelled.label_set import balanced_weights, check_labels, check_learnable, collect_labels, count_labels
from bertkit.labelled.pair_texts import PairTexts
from bertkit.labelled.reading import read_examples, sniff_problem
from bertkit.labelled.score_range import cosine_range, range_in_words
from bertkit.labelled.tag_check import check_scheme
from bertkit.objectives.contract import TaskTraining, TrainingOptions
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.sampling.masking import MaskRules
from bertkit.sampling.sample_stream import Sample, SampleStream
from bertkit.tasks.catalogue import find_part, find_spec
from bertkit.tasks.contract import Task, Texts
from bertkit.tasks.reading import Reader
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.windows import LongText

AT_ONCE = 4096  # examples whose texts are tokenised in one call
REGRESSION_LABELS = ("value",)
CANNOT_LEARN = "cannot be fine-tuned"
ONLY_PAIRS = "only sentence-embedding of pairs without scores learns from negatives"
Mine = Callable[[Reader, Sequence[Example]], list[Example]]


@dataclass(frozen=True)
class FinetuningData:
    """What is learnt and what is measured on.

    Attributes:
        problem: of text-classification; None for other tasks.
        reader: how texts are read, in learning and in measuring.
        notes: how the files were understood, and what of them is not among the examples; a line each, for the user.
        masks: how samples are masked, where masks are what is learnt.
    """

    task: Task
    problem: Problem | None
    learning: TaskTraining
    reader: Reader
    samples: list[Sample]
    train: list[Example]
    held_out: list[Example]
    notes: list[str]
    masks: MaskRules | None = None

    @classmethod
    def open(
        cls, config: FinetuneConfig, source: Pretrained, tokenizer: Tokenizer, mine: Mine | None = None
    ) -> FinetuningData:
        """Reads the files that a configuration names.

        Args:
            mine: gives examples their hard negatives, where `task.negatives` asks for some.

        Raises:
            InputError: an example is not what the task learns from; file and line are named.
            UserError: a task that cannot be fine-tuned, or options that do not go together.
        """
        learning_of = find_part(config.task.name, "objective", CANNOT_LEARN)
        notes: list[str] = []
        problem, train, held_out = _examples(config, notes)
        labels = REGRESSION_LABELS if problem == "regression" else collect_labels(one.target for one in train)
        if problem != "regression":
            held_out = list(check_labels(held_out, labels, name_of(config.data.train)))
        # How sure a classifier may be holds for its weights as they were.
        task = replace(source, calibration=None).build_task(
            config.task.name, tokenizer, **_options(config, problem, labels)
        )
        weights = None
        if config.task.class_weights is not None:
            each = balanced_weights(count_labels((one.target for one in train), labels))
            weights = dict(zip(labels, each, strict=True))
        scores = [one.target for one in train if isinstance(one.target, float)]
        if scores:
            check_learnable(scores, name_of(config.data.train))  # of the part that was not held out
            notes += range_in_words(scores) if find_spec(task.name).compares else []
        learning = learning_of(
            task,
            TrainingOptions(
                class_weights=weights,
                smoothing=config.task.smoothing,
                scores=cosine_range(scores) if scores else None,
                dimensions=config.task.dimensions,
                pairs=None if scores else pair_texts(train),
            ),
        )
        limit, long = limit_of(config.data, task, source), long_of(config.data, task)
        reader = Reader(task, limit, long, task.needs_offsets and not learning.masked, plain=learning.masked)
        masks = MaskRules.of(tokenizer, config.task.masking or Masking()) if learning.masked else None
        if masks is None and config.task.masking is not None:
            raise ConfigError(
                f"task.masking is set, and {task.name} masks nothing", "Leave it out; it is for fill-mask."
            )
        if config.task.negatives:
            if not find_spec(task.name).compares or scores:
                raise ConfigError(f"task.negatives is {config.task.negatives}, and {ONLY_PAIRS}", "Leave it out.")
            assert mine is not None
            train = mine(reader, train)
        samples = samples_of(train, learning, reader)
        return cls(task, problem, learning, reader, samples, train, held_out, notes, masks)

    def stream(self, batch_samples: int, seed: int) -> SampleStream:
        """Batches of the samples, without end."""
        return SampleStream(self.samples, batch_samples, seed, self.masks)

    def steps_per_epoch(self, batch_samples: int) -> int:
        """Steps until all samples have been read once."""
        return -(-len(self.samples) // batch_samples)

    def in_words(self) -> str:
        """What is learnt, for the user."""
        labels = f", {len(self.task.labels)} labels" if self.task.labels else ""
        read = len(self.samples)
        cut = f" ({read:,} {self.learning.parts})" if read > len(self.train) else ""
        what = f"{self.task.name}{f' ({self.problem})' if self.problem else ''}{labels}"
        return f"{what}: {len(self.train):,} examples to learn from{cut}, {len(self.held_out):,} to measure on"


def pair_texts(examples: Sequence[Example]) -> PairTexts:
    """The texts of the pairs among the examples, and which of them belong together."""
    fields = [one.row.fields for one in examples if "text_pair" in one.row.fields]
    return PairTexts((str(one["text"]), str(one["text_pair"])) for one in fields)


def samples_of(examples: Sequence[Example], learning: TaskTraining, reader: Reader) -> list[Sample]:
    """What is learnt from the examples, in their order.

    Raises:
        InputError: an example cannot be read, or is not what the task learns from; its place is named.
    """
    samples: list[Sample] = []
    for start in range(0, len(examples), AT_ONCE):
        chunk = examples[start : start + AT_ONCE]
        inputs = [_read(example, learning, reader.task) for example in chunk]
        tokens = reader.tokenize(texts for each in inputs for texts in each)
        for example, each in zip(chunk, inputs, strict=True):
            try:
                encoded = reader.encode(each, tokens)
            except BertkitError as error:
                raise error.at(example.row.place) from None
            samples += learning.samples(example, encoded)
    return samples


def data_sha256s(table: ExamplesTable) -> list[str]:
    """The fingerprint of each file, or of rows in memory, by which a run knows its data again."""
    return [source.sha256 if isinstance(source, RowsInMemory) else sha256(Path(source)) for source in all_data(table)]


def all_data(table: ExamplesTable) -> list[Source]:
    """What is learnt from, then what is measured on where that is given."""
    return [source for part in (table.train, table.eval) if part is not None for source in each_source(part)]


def _read(example: Example, learning: TaskTraining, task: Task) -> tuple[Texts, ...]:
    fields = example.row.fields
    try:
        return learning.read(fields) or task.read(fields)
    except BertkitError as error:
        raise error.at(example.row.place) from None


def _examples(config: FinetuneConfig, notes: list[str]) -> tuple[Problem | None, list[Example], list[Example]]:
    """The problem, what is trained on, and what is held out; lines for the user are added to `notes`."""
    table, task = config.data, config.task
    check_files(table)
    problem = task.problem
    if problem is None and find_spec(task.name).is_posed:
        problem = sniff_problem(table.train, task.name, format=table.format, columns=table.columns)

    def read(data: Sources) -> list[Example]:
        dropped = notes.append if table.bad_answers == "drop" else None
        how = partial(read_examples, data, task.name, problem=problem, format=table.format, columns=table.columns)
        found = list(how(dropped=dropped, note=notes.append))
        check_scheme(found)
        return found

    train = read(table.train)
    check_learnable((one.target for one in train), name_of(table.train))
    if table.eval is not None:
        return problem, train, read(table.eval)
    return problem, *held_apart(train, config)


def held_apart(examples: Sequence[Example], config: FinetuneConfig) -> tuple[list[Example], list[Example]]:
    """What is trained on and what is held out, of one file."""
    seed = config.data.hold_out_seed
    try:
        return hold_out(examples, config.data.hold_out, config.train.seed if seed is None else seed)
    except InputError as error:
        raise error.at(name_of(config.data.train)) from None


def _options(config: FinetuneConfig, problem: Problem | None, labels: Sequence[str]) -> dict[str, object]:
    options: dict[str, object] = {}
    if labels:
        options["labels"] = tuple(labels)
    if problem is not None:
        options["problem"] = problem
    if config.task.doc_stride is not None:
        options["doc_stride"] = config.task.doc_stride
    return options


def check_files(table: ExamplesTable) -> None:
    """Refuse what is no file that can be read, before anything is.

    Raises:
        InputError: naming the first.
    """
    for source in all_data(table):
        if isinstance(source, str):
            check_there(source)


def limit_of(table: ExamplesTable, task: Task, *models: Pretrained) -> int:
    """Most tokens of an input: what the file says, or what all models read.

    Raises:
        ConfigError: the file says more than they read.
    """
    most = min(model.max_length(task) for model in models)
    if table.length is not None and table.length > most:
        raise ConfigError(f"data.length is {table.length}, and the model reads {most} tokens", "Choose less.")
    return table.length or most


def long_of(table: ExamplesTable, task: Task) -> LongText:
    """What is done with longer texts."""
    if table.long is not None:
        return LongText(table.long)
    return LongText.ERROR if task.overlap is None else LongText.WINDOW
