"""A run, whole: opens its data and its folder, goes on from its newest checkpoint, trains, and writes the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, nullcontext
from pathlib import Path

from bertkit.batching.packed import GlobalBatch
from bertkit.config.training import Masking, Phase, TrainingConfig
from bertkit.objectives.masked_lm import MaskedLM
from bertkit.objectives.pretraining import objective_weights
from bertkit.optimisation.ema import RunningMean
from bertkit.optimisation.optimisers import build_optimiser
from bertkit.runs.results import run_card, write_model
from bertkit.sampling.corpus import Corpus
from bertkit.sampling.stream import Position, PretrainingStream
from bertkit.training.assembly import Model, build_model, check_vocabularies, choose_precision, describe_model, share
from bertkit.training.checkpoints import Checkpoints
from bertkit.training.evaluation import Evaluation
from bertkit.training.loop import Loop
from bertkit.training.memory import check_memory
from bertkit.training.meters import build_meters
from bertkit.training.observer import Observer
from bertkit.training.ranks import Ranks
from bertkit.training.state import Progress, all_tensors, prime
from bertkit.training.step import AUTOCAST, Stepper

ONE_MASK = Masking(rate=1e-9, mask=1.0, random=0.0)  # the least rate: the one mask that every sequence has at least


def phases(config: TrainingConfig) -> list[Phase]:
    """The phases of a run, the one that begins it first."""
    batch_tokens = config.train.batch_tokens
    first = Phase(step=0, length=config.data.length, batch_tokens=batch_tokens)
    later = [p.model_copy(update={"batch_tokens": p.batch_tokens or batch_tokens}) for p in config.data.phases]
    return [first, *later]


def train(
    config: TrainingConfig,
    corpus: Corpus,
    ranks: Ranks,
    folder: Path,
    observers: Sequence[Observer],
    *,
    resumed: Callable[[int], None],
    stopping: Callable[[], bool],
    say: Callable[[str], None],
) -> bool:
    """Runs to the end, from the newest checkpoint where there is one; false where it was asked to stop before.

    Args:
        folder: the run's, made by the caller.
        observers: of the first rank.
        resumed: told the step that the run goes on from, 0 for a new one, before anything else is.
        stopping: asked before every step, on every rank.
        say: takes a line for the user.
    """
    model, loop = assembled(config, corpus, ranks, folder, observers, stopping, say)
    with closing(loop.checkpoints):
        saved = loop.checkpoints.newest(dict(loop.tensors))
        progress = Progress() if saved is None else Progress.of(saved.state)
        if loop.mean is not None and saved is not None:
            loop.mean.load_state_dict({name: loop.tensors[f"mean/{name}"] for name in loop.mean.state_dict()})
        resumed(progress.step)
        finished = loop.run(progress)
    if finished:
        with nullcontext() if loop.mean is None else loop.mean.swapped():
            card = run_card(config, model, corpus, progress, folder) if ranks.is_first else ""
            write_model(model.family, model.trainee, corpus.tokenizer, ranks, folder, card)
    return finished


def assembled(
    config: TrainingConfig,
    corpus: Corpus,
    ranks: Ranks,
    folder: Path,
    observers: Sequence[Observer],
    stopping: Callable[[], bool],
    say: Callable[[str], None],
) -> tuple[Model, Loop]:
    """The model of a run, and the loop that trains it; nothing has been read from a checkpoint yet."""
    table = config.train
    longest = max(phase.length for phase in phases(config))
    weights = objective_weights(table, config.data.sequences)
    check_vocabularies(config, corpus.tokenizer)
    encoder_config = describe_model(config.model, weights, corpus.tokenizer, longest)
    precision = ranks.by_first(lambda: choose_precision(table.precision, ranks.device))  # GPUs may differ
    check_memory(table, encoder_config, precision, longest, ranks)
    model = build_model(config, encoder_config, ranks.device)
    sharing = share(model, table, ranks, precision, say)
    optimiser = build_optimiser(model.trainee.named_parameters(), table.optimiser, encoder_config.layers)
    mean = None if table.ema is None else RunningMean(model.trainee, table.ema)
    prime(optimiser)
    stream = corpus.stream(corpus.shards, config.data, config.data.masking, table.seed)
    stepper = Stepper(
        model.trainee,
        optimiser,
        sharing,
        ranks,
        weights=weights,
        clip=table.optimiser.clip,
        autocast=AUTOCAST.get(precision),
        seed=table.seed,
    )
    loop = Loop(
        table=table,
        stepper=stepper,
        optimiser=optimiser,
        batches=lambda step, position: batches(stream, phases(config), step, position),
        tensors=all_tensors(model.trainee, optimiser, mean),
        mean=mean,
        evaluation=_evaluation(config, corpus, weights, ranks),
        checkpoints=Checkpoints(folder / "checkpoints", ranks, table.keep_checkpoints, say),
        meters=build_meters(model, optimiser, ranks, precision),
        skipped=folder / "skipped",
        observers=observers,
        stopping=stopping,
    )
    return model, loop


def batches(
    stream: PretrainingStream, phases: Sequence[Phase], step: int, position: Position
) -> Iterator[tuple[GlobalBatch, Position]]:
    """The batch of every step from `step` on, endlessly, each with the length and size of its phase."""
    ends = [*(phase.step for phase in phases[1:]), None]
    for phase, end in zip(phases, ends, strict=True):
        if end is not None and end <= step:
            continue
        assert phase.batch_tokens is not None
        if step == phase.step:  # the position counted sequences of another length
            position = position.shard_start()
        source = stream.batches(position, length=phase.length, batch_tokens=phase.batch_tokens)
        while end is None or step < end:
            batch, position = next(source)
            yield batch, position
            step += 1


def _evaluation(config: TrainingConfig, corpus: Corpus, weights: dict[str, float], ranks: Ranks) -> Evaluation | None:
    if not corpus.held_out:
        return None
    table = config.train

    def held_out(masking: Masking) -> Sequence[GlobalBatch]:
        stream = corpus.stream(corpus.held_out, config.data, masking, table.seed)
        return stream.evaluation(table.evaluate_sequences, length=phases(config)[-1].length)

    one_mask = held_out(ONE_MASK) if MaskedLM.name in weights else []
    return Evaluation(held_out(config.data.masking), one_mask, weights, ranks, table.micro_batch_tokens)
