"""A fine-tuning run: a checkpoint, a head for the task, and the loop that pre-training has."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from bertkit.config.encoder import EncoderConfig
from bertkit.config.finetuning import FinetuneConfig, StartTable
from bertkit.config.training import Optimiser, TrainTable
from bertkit.errors import ConfigError
from bertkit.families.contract import Family
from bertkit.families.labels import PROBLEMS
from bertkit.finetuning.probing import can_fit, fit_head
from bertkit.finetuning.recipe import Recipe
from bertkit.finetuning.training_data import Lessons
from bertkit.labelled.label_set import count_labels
from bertkit.model.build import build_encoder
from bertkit.model.encoder import Encoder
from bertkit.model.heads import Head, new_head
from bertkit.model.init import initialise, say_shares
from bertkit.model.lora import adapt, adapters, merge
from bertkit.optimisation.optimisers import build_optimiser
from bertkit.pretrained.adapters import Adapter, Base, write_adapter
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.direct_reading import HEAD, Reading, can_be_direct, direct, reading_of
from bertkit.pretrained.direct_reading import KEY as READING_KEY
from bertkit.pretrained.made import More
from bertkit.pretrained.sentence_transformers import CrossEncoderSettings, SentenceSettings
from bertkit.runs.results import write_model
from bertkit.tasks.contract import Task
from bertkit.tasks.sentence_embedding import SentenceEmbedding
from bertkit.tasks.text_classification import TextClassification
from bertkit.tasks.text_ranking import TextRanking
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.training.assembly import Model, choose_precision, share
from bertkit.training.checkpoints import Checkpoints
from bertkit.training.evaluation import Measures, Measuring
from bertkit.training.kept_states import KeptStates, fits
from bertkit.training.loop import Loop
from bertkit.training.memory import check_memory
from bertkit.training.meters import build_meters
from bertkit.training.observer import Observer
from bertkit.training.ranks import Ranks
from bertkit.training.state import Progress, all_tensors, prime
from bertkit.training.step import AUTOCAST, Stepper
from bertkit.training.trainee import Trainee

RELEVANCE = {1: ("relevance",), 2: ("irrelevant", "relevant")}  # labels of a ranking's outputs


@dataclass(frozen=True)
class Finetuned:
    """What a finished run came to.

    Attributes:
        step: of the checkpoint that was kept, the best; 0 where no step made it better.
        steps: that were done.
        measures: of the held-out examples, by that checkpoint.
        score: what it was chosen by, lower is better.
        planned: steps that it would have done had it not ended early.
        start: the measures before the first step, where they were taken: of the linear model that the head began as.
        rising: the last two scores, where the last was the best and the run ended because it was at its end.
    """

    step: int
    steps: int
    measures: Measures
    score: float
    seconds: float
    planned: int
    start: Measures | None = None
    rising: tuple[float, float] | None = None


def finetune(
    config: FinetuneConfig,
    source: Pretrained,
    tokenizer: Tokenizer,
    lessons: Lessons,
    measuring: Measuring,
    ranks: Ranks,
    folder: Path,
    observers: Sequence[Observer],
    *,
    resumed: Callable[[int], None],
    stopping: Callable[[], bool],
    say: Callable[[str], None],
    texts: Callable[[Finetuned], Mapping[str, str]],
) -> Finetuned | None:
    """Runs to the end, from the newest checkpoint where there is one; None where it was asked to stop before.

    Args:
        measuring: of the held-out examples; the best checkpoint by its score is kept.
        resumed, stopping, say: as in pre-training.
        texts: files beside the finished model's weights, its `README.md` among them, by their names.
    """
    model, loop = assembled(config, source, lessons, measuring, ranks, folder, observers, stopping, say)
    with closing(loop.checkpoints):
        saved = loop.checkpoints.newest(dict(loop.tensors))
        progress = Progress() if saved is None else Progress.of(saved.state)
        resumed(progress.step)
        if config.train.quick:
            loop.measure_start(progress)
        elif not loop.run(progress):
            return None
        loop.checkpoints.settle()
        best = None if config.train.quick else loop.checkpoints.best(dict(loop.tensors))
    step = progress.step if best is None else best.step
    quick = progress.start if config.train.quick else None  # the weights have not changed since
    measures = measuring.measure(model.trainee, loop.stepper.sharing) if quick is None else quick
    result = Finetuned(
        step,
        progress.step,
        measures,
        measuring.score(measures),
        progress.seconds,
        loop.table.steps,
        progress.start,
        progress.rising() if progress.step == loop.table.steps else None,
    )
    files = dict(texts(result)) if ranks.is_first else {}
    card = files.pop("README.md", "")
    more = describe_task(lessons, source, model.family)
    if config.model.lora is not None:
        if config.model.lora.keep:
            adapter = adapter_of(config, source, model, more, folder / "adapter")
            settings = (more.settings, more.cross_encoder, model.config.width)
            ranks.by_first(lambda: write_adapter(adapter, folder / "adapter", card, *settings))
        merge(model.trainee.encoder)
    write_model(model.family, model.trainee, tokenizer, ranks, folder, card, more=more, files=files)
    return result


def assembled(
    config: FinetuneConfig,
    source: Pretrained,
    lessons: Lessons,
    measuring: Measuring,
    ranks: Ranks,
    folder: Path,
    observers: Sequence[Observer],
    stopping: Callable[[], bool],
    say: Callable[[str], None],
) -> tuple[Model, Loop]:
    """The model of a run, and the loop that trains it; nothing has been read from a checkpoint yet."""
    model = build_model(config, source, lessons, ranks.device)
    (objective,) = model.trainee.each()
    goes_on = learns_the_same(source, lessons.task)
    fits = config.model.probe and not goes_on and can_fit(objective)
    if config.train.quick and not fits:
        why = "the model has one that goes on" if goes_on else f"{lessons.task.name} has none"
        raise ConfigError(f"--quick is for a new head that is one linear layer: {why}", "Leave it out.")
    stream = lessons.stream(config.train.batch_samples, config.train.seed)
    recipe = Recipe.of(config, examples=len(lessons.train), width=source.config.width, fitted=fits)
    table = loop_table(config, recipe, lessons.steps_per_epoch(config.train.batch_samples))
    precision = ranks.by_first(lambda: choose_precision(table.precision, ranks.device))  # GPUs may differ
    check_memory(
        table, model.config, precision, max(len(ids) for sample in lessons.samples for ids in sample.ids), ranks
    )
    begins = not ranks.any(ranks.is_first and any((folder / "checkpoints").glob("step-*")))
    if fits and begins:
        fit_head(model.trainee, lessons.samples, ranks, autocast=AUTOCAST.get(precision), seed=table.seed)
    sharing = share(model, table, ranks, precision, say)
    optimiser = build_optimiser(model.trainee.named_parameters(), table.optimiser, model.config.layers)
    prime(optimiser)
    loop = Loop(
        table=table,
        stepper=Stepper(
            model.trainee,
            optimiser,
            sharing,
            ranks,
            weights=model.weights,
            clip=table.optimiser.clip,
            autocast=AUTOCAST.get(precision),
            seed=table.seed,
        ),
        optimiser=optimiser,
        batches=lambda step, position: stream.batches(position),
        tensors=all_tensors(model.trainee, optimiser, None),
        mean=None,
        evaluation=measuring,
        measures_start=fits or goes_on,
        ends_when_perfect=recipe.why is not None,
        checkpoints=Checkpoints(folder / "checkpoints", ranks, table.keep_checkpoints, say),
        meters=build_meters(model, optimiser, ranks, precision),
        skipped=folder / "skipped",
        observers=observers,
        stopping=stopping,
        patience=recipe.patience,
    )
    return model, loop


def loop_table(config: FinetuneConfig, recipe: Recipe, steps_per_epoch: int) -> TrainTable:
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


def build_model(config: FinetuneConfig, source: Pretrained, lessons: Lessons, device: torch.device) -> Model:
    """The checkpoint's encoder with a head for the task: the checkpoint's own where it has the same labels, else new.

    Raises:
        ConfigError: the family has no head for the task, or more layers are to be frozen than there are.
    """
    random = torch.Generator().manual_seed(config.train.seed)
    task, family = lessons.task, source.family
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
        if isinstance(head, Head) and lessons.problem == "multi-label":
            start_at_shares(head, lessons)
    objective = lessons.learning.objective(None if head is None else head.float())
    freeze(encoder, config.model, random)
    every_token = not (isinstance(head, Head) and head.reads in ("first", "pooler"))
    keeps = config.model.head_only and not lessons.learning.masked
    keeps = keeps and fits(lessons.samples, encoder_config.width, every_token=every_token)
    trainee = Trainee(encoder, {objective.name: objective}, KeptStates() if keeps else None).to(device)
    return Model(family, encoder_config, trainee, {objective.name: 1.0})


def direct_reading(source: Pretrained, task: Task) -> Reading | None:
    """How a new head reads that is one linear layer over what the checkpoint was trained to be read by; else None.

    A folder of sentence-transformers says by what; an encoder whose pooler was never trained is best read by its mean.
    """
    if not isinstance(task, TextClassification):
        return None
    reading: Reading | None = None
    if source.settings is not None:
        pooling = source.settings.parts.pooling
        reading = "mean" if "mean" in pooling else "first" if "cls" in pooling else None
    elif source.family.heads[HEAD].reads == "pooler" and not source.config.pooler:
        reading = "mean"
    return reading if reading is not None and can_be_direct(source.family, source.config, reading) else None


def start_at_shares(head: Head, lessons: Lessons) -> None:
    """Has a new head begin at the labels' shares of the examples; not where these have none, as a student's may."""
    counts = count_labels((one.target for one in lessons.train), lessons.task.labels)
    if any(counts):
        say_shares(head, [(count + 0.5) / (len(lessons.train) + 1) for count in counts])


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


def adapter_of(config: FinetuneConfig, source: Pretrained, model: Model, more: More, folder: Path) -> Adapter:
    """What was learnt on top of the checkpoint.

    Args:
        folder: where it will be.
    """
    assert config.model.lora is not None
    (objective,) = model.trainee.each()
    tensors: dict[str, Tensor] = {}
    for name, adapted in adapters(model.trainee.encoder).items():
        tensors |= {f"{name}.lower": adapted.lower.detach(), f"{name}.upper": adapted.upper.detach()}
    for prefix, part in (("pooler", model.trainee.encoder.pooler), ("head", objective.head)):
        if part is not None:
            tensors |= {f"{prefix}.{name}": tensor for name, tensor in part.state_dict().items()}
    return Adapter(
        base=Base.of(config.model.start, source.source, folder),
        base_sha256=source.fingerprint(),
        head_name=objective.head_name,
        scale=config.model.lora.alpha / config.model.lora.rank,
        values=more.values,
        tensors=tensors,
    )


def describe_task(lessons: Lessons, source: Pretrained, family: Family) -> More:
    """What the model's files say of its task: class, labels, problem, how a classifier reads, how vectors are made.

    Args:
        family: with the head that was trained.
    """
    task = lessons.task
    needs = () if task.head_name is None else (task.head_name,)
    ending = next(ending for ending, heads in family.architectures.items() if heads == needs)
    values: dict[str, object] = {"architectures": [family.class_names[source.foreign.model_type] + ending]}
    if (reading := reading_of(family)) is not None:
        values[READING_KEY] = reading
    labels = RELEVANCE[task.classes] if isinstance(task, TextRanking) else task.labels
    if labels:
        values["id2label"] = {str(id): label for id, label in enumerate(labels)}
        values["label2id"] = {label: id for id, label in enumerate(labels)}
    if lessons.problem is not None:
        values["problem_type"] = next(name for name, ours in PROBLEMS.items() if ours == lessons.problem)
    if isinstance(task, SentenceEmbedding):
        settings = source.settings or SentenceSettings(normalize=task.normalize)
        reads = replace(settings.reads, max_length=lessons.reader.limit, of_task={})
        return More(values, settings=replace(settings, reads=reads, routed=(), routes=()))
    if isinstance(task, TextRanking):
        scoring = source.cross_encoder or CrossEncoderSettings()
        return More(values, cross_encoder=replace(scoring, activation=task.activation, parts=None))
    return More(values)
