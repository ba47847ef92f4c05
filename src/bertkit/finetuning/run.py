"""A fine-tuning run: a checkpoint, a head for the task, and the loop that pre-training has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from bertkit.checkpoints.stored import StoredTensors
from bertkit.config.encoder import EncoderConfig
from bertkit.config.finetuning import FinetuneConfig, StartTable
from bertkit.config.training import Optimiser, TrainTable
from bertkit.errors import ConfigError
from bertkit.finetuning.job import Job
from bertkit.finetuning.probing import can_fit, fit_head
from bertkit.finetuning.recipe import TrainingRecipe
from bertkit.finetuning.training_data import FinetuningData
from bertkit.labelled.label_set import count_labels
from bertkit.model.build import build_encoder
from bertkit.model.encoder import Encoder
from bertkit.model.heads import Head, new_head
from bertkit.model.init import bias_from_priors, initialise
from bertkit.model.lora import adapt, adapters, merge
from bertkit.pretrained.adapter_writing import write_adapter
from bertkit.pretrained.adapters import Adapter, Base
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.direct_reading import HEAD, Reading, can_be_direct, direct
from bertkit.pretrained.from_state import TaskMetadata
from bertkit.pretrained.task_metadata import task_metadata
from bertkit.runs.results import write_model
from bertkit.tasks.catalogue import find_spec
from bertkit.tasks.contract import Task
from bertkit.training.assembly import TrainingModel, choose_precision
from bertkit.training.evaluation import Measures
from bertkit.training.kept_states import KeptStates, fits
from bertkit.training.memory import check_memory
from bertkit.training.run import Run, assemble, resume
from bertkit.training.session import Session
from bertkit.training.step import AUTOCAST
from bertkit.training.training_module import TrainingModule


@dataclass(frozen=True)
class Finetuned:
    """What a finished run came to.

    Attributes:
        step: of the checkpoint that was kept, the best; 0 where no step made it better.
        steps: that were done.
        measures: of the held-out examples, by that checkpoint.
        score: what it was chosen by, lower is better.
        planned: steps that it would have done had it not ended early.
        recipe: how long and how fast it learnt, and why.
        start: the measures before the first step, where they were taken: of the linear model that the head began as.
        rising: the last two scores, where the last was the best and the run ended because it was at its end.
    """

    step: int
    steps: int
    measures: Measures
    score: float
    seconds: float
    planned: int
    recipe: TrainingRecipe
    start: Measures | None = None
    rising: tuple[float, float] | None = None


def train(config: FinetuneConfig, job: Job, session: Session) -> tuple[TrainingModel, Finetuned] | None:
    """Runs to the end, from the newest checkpoint where there is one; None where it was asked to stop before.

    Returns:
        the model as it was at the best checkpoint, and what the run came to.
    """
    run, recipe = run_of(config, job, session)
    loop = assemble(run, session)
    with closing(loop.checkpoints):
        progress = resume(loop, session)
        if config.train.quick:
            loop.measure_start(progress)
        elif not loop.run(progress):
            return None
        loop.checkpoints.settle()
        best = None if config.train.quick else loop.checkpoints.best(dict(loop.tensors))
    quick = progress.start if config.train.quick else None  # the weights have not changed since
    measures = job.evaluator.measure(run.model.training_module, loop.stepper.parallelism) if quick is None else quick
    return run.model, Finetuned(
        progress.step if best is None else best.step,
        progress.step,
        measures,
        job.evaluator.score(measures),
        progress.seconds,
        loop.table.steps,
        recipe.without_epochs() if config.train.quick else recipe,
        progress.start,
        progress.rising() if progress.step == loop.table.steps else None,
    )


def run_of(config: FinetuneConfig, job: Job, session: Session) -> tuple[Run, TrainingRecipe]:
    """The parts of a run, its head fitted where it has one to fit and the run begins.

    Raises:
        ConfigError: the run is to be quick, and there is no head to fit.
    """
    source, data, ranks = job.source, job.data, session.ranks
    model = build_model(config, source, data, ranks.device)
    (objective,) = model.training_module.each()
    goes_on = learns_the_same(source, data.task)
    fits = config.model.probe and not goes_on and can_fit(objective)
    if config.train.quick and not fits:
        why = "the model has one that goes on" if goes_on else f"{data.task.name} has none"
        raise ConfigError(f"--quick is for a new head that is one linear layer: {why}", "Leave it out.")
    stream = data.stream(config.train.batch_samples, config.train.seed)
    recipe = TrainingRecipe.of(config, examples=len(data.train), width=source.config.width, fitted=fits)
    table = loop_table(config, recipe, data.steps_per_epoch(config.train.batch_samples))
    precision = ranks.by_first(lambda: choose_precision(table.precision, ranks.device))  # GPUs may differ
    longest = max(len(ids) for sample in data.samples for ids in sample.ids)
    check_memory(table, model.config, precision, longest, ranks)
    if fits and session.begins():
        fit_head(model.training_module, data.samples, ranks, autocast=AUTOCAST.get(precision), seed=table.seed)
    run = Run(
        model,
        table,
        precision,
        batches=lambda step, position: stream.batches(position),
        evaluator=job.evaluator,
        measures_start=fits or goes_on,
        ends_when_perfect=recipe.why is not None,
        patience=recipe.patience,
    )
    return run, recipe


def write(config: FinetuneConfig, job: Job, session: Session, model: TrainingModel, files: Mapping[str, str]) -> None:
    """Writes the finished model, and its adapter where it has one to keep. All ranks call this; the first one writes.

    Args:
        files: texts beside the weights, its `README.md` among them, by their names.
    """
    ranks, folder = session.ranks, session.folder
    beside = dict(files)
    card = beside.pop("README.md", "")
    more = task_metadata(job.data.task, job.source, model.family, job.data.reader.limit)
    if config.model.lora is not None:
        if config.model.lora.keep:
            adapter = adapter_of(config, job.source, model, more, folder / "adapter")
            settings = (more.settings, more.cross_encoder, model.config.width)
            ranks.by_first(lambda: write_adapter(adapter, folder / "adapter", card, *settings))
        merge(model.training_module.encoder)
    write_model(model.family, model.training_module, job.tokenizer, ranks, folder, card, more=more, files=beside)


def loop_table(config: FinetuneConfig, recipe: TrainingRecipe, steps_per_epoch: int) -> TrainTable:
    """What the loop is told: epochs as steps, and the rates."""
    table = config.train
    steps = max(1, round(recipe.epochs * steps_per_epoch))
    rates = {"learning_rate": recipe.learning_rate, "head_times": recipe.head_times}
    each = min(steps, math.ceil(steps_per_epoch / table.evaluations))
    return TrainTable(
        steps=steps,
        seed=table.seed,
        micro_batch_tokens=table.micro_batch_tokens,
        optimiser=Optimiser(**{**table.optimiser.model_dump(), **rates}),
        schedule=table.schedule,
        precision=table.precision,
        device=table.device,
        evaluate_every=each,
        checkpoint_every=each,
        keep_checkpoints=table.keep_checkpoints,
        log_every=table.log_every,
    )


def build_model(
    config: FinetuneConfig, source: Pretrained, data: FinetuningData, device: torch.device
) -> TrainingModel:
    """The checkpoint's encoder with a head for the task: the checkpoint's own where it has the same labels, else new.

    Raises:
        ConfigError: the family has no head for the task, or more layers are to be frozen than there are.
    """
    random = torch.Generator().manual_seed(config.train.seed)
    task, family = data.task, source.family
    if task.head_name is not None and task.head_name not in family.heads:
        raise ConfigError(f"the family {family.name} has no head for {task.name}", "Choose another model.")
    goes_on = learns_the_same(source, task)
    reading = None if goes_on else direct_reading(source, task)
    family = family if reading is None else direct(family, reading)
    shape = None if task.head_name is None else family.heads[task.head_name]
    reads = None if shape is None else source.reads(shape) or shape.reads
    encoder_config = source.config.model_copy(update={"pooler": reads == "pooler"})
    encoder = start_encoder(source, encoder_config, random)
    head = None
    if goes_on or shape is None:
        head = source.build_head(task)
    else:
        assert task.head_name is not None
        head = new_head(task.head_name, shape, encoder_config, task.classes, reads)
        initialise(head, encoder_config.initializer_range, random)
        if isinstance(head, Head) and data.problem == "multi-label":
            start_at_shares(head, data)
    objective = data.learning.objective(None if head is None else head.float())
    freeze(encoder, config.model, random)
    every_token = not (isinstance(head, Head) and head.reads in ("first", "pooler"))
    keeps = config.model.head_only and not data.learning.masked
    keeps = keeps and fits(data.samples, encoder_config.width, every_token=every_token)
    training_module = TrainingModule(encoder, {objective.name: objective}, KeptStates() if keeps else None).to(device)
    return TrainingModel(family, encoder_config, training_module, {objective.name: 1.0})


def direct_reading(source: Pretrained, task: Task) -> Reading | None:
    """How a new head reads that is one linear layer over what the checkpoint was trained to be read by; else None.

    A folder of sentence-transformers says by what; an encoder whose pooler was never trained is best read by its mean.
    """
    if not find_spec(task.name).is_direct:
        return None
    reading: Reading | None = None
    if source.settings is not None:
        pooling = source.settings.parts.pooling
        reading = "mean" if "mean" in pooling else "first" if "cls" in pooling else None
    elif source.family.heads[HEAD].reads == "pooler" and not source.config.pooler:
        reading = "mean"
    return reading if reading is not None and can_be_direct(source.family, source.config, reading) else None


def start_at_shares(head: Head, data: FinetuningData) -> None:
    """Has a new head begin at the labels' shares of the examples; not where these have none, as a student's may."""
    counts = count_labels((one.target for one in data.train), data.task.labels)
    if any(counts):
        bias_from_priors(head, [(count + 0.5) / (len(data.train) + 1) for count in counts])


def start_encoder(source: Pretrained, config: EncoderConfig, random: torch.Generator) -> Encoder:
    """The checkpoint's encoder; a pooler that it lacks begins at random."""
    encoder = build_encoder(config)
    initialise(encoder, config.initializer_range, random)
    theirs = source.build_encoder().float().state_dict()
    encoder.load_state_dict({name: theirs.get(name, tensor) for name, tensor in encoder.state_dict().items()})
    return encoder


def learns_the_same(source: Pretrained, task: Task) -> bool:
    """Whether the checkpoint has a head for the task, with the same labels in the same order."""
    if task.head_name not in source.heads:
        return False
    return not task.labels or source.task_options(type(task)).get("labels") == task.labels


def freeze(encoder: Encoder, table: StartTable, random: torch.Generator) -> None:
    """Makes layers that are not to learn keep their weights, and adapts them where LoRA learns for them.

    The pooler always learns: it is as good as a part of the head that reads it.

    Raises:
        ConfigError: there are fewer layers.
    """
    if table.frozen_layers > len(encoder.layers):
        raise ConfigError(
            f"model.frozen_layers is {table.frozen_layers}, and the encoder has {len(encoder.layers)}",
            "Choose fewer, or model.head_only = true.",
        )
    if table.lora is not None:
        adapt(encoder, table.lora.rank, table.lora.alpha, random)
    elif table.head_only:
        encoder.requires_grad_(False)
    elif table.frozen_layers:
        encoder.embeddings.requires_grad_(False)
        for layer in encoder.layers[: table.frozen_layers]:
            layer.requires_grad_(False)
    if encoder.pooler is not None:
        encoder.pooler.requires_grad_(True)


def adapter_of(
    config: FinetuneConfig, source: Pretrained, model: TrainingModel, more: TaskMetadata, folder: Path
) -> Adapter:
    """What was learnt on top of the checkpoint.

    Args:
        folder: where it will be.
    """
    assert config.model.lora is not None
    (objective,) = model.training_module.each()
    tensors: dict[str, Tensor] = {}
    for name, adapted in adapters(model.training_module.encoder).items():
        tensors |= {f"{name}.lower": adapted.lower.detach(), f"{name}.upper": adapted.upper.detach()}
    for prefix, part in (("pooler", model.training_module.encoder.pooler), ("head", objective.head)):
        if part is not None:
            tensors |= {f"{prefix}.{name}": tensor for name, tensor in part.state_dict().items()}
    return Adapter(
        base=Base.of(config.model.start, source.source, folder),
        base_sha256=source.fingerprint(),
        head_name=objective.head_name,
        scale=config.model.lora.alpha / config.model.lora.rank,
        values=more.values,
        tensors=StoredTensors.of(tensors),
    )
