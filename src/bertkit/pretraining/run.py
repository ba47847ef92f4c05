"""A run of pre-training: goes on from its newest checkpoint, trains, and writes the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext

from bertkit.batching.packed import GlobalBatch
from bertkit.config.training import Masking, Phase, TrainingConfig
from bertkit.objectives.masked_lm import MaskedLM
from bertkit.objectives.pretraining import objective_weights
from bertkit.runs.results import run_card, write_model
from bertkit.sampling.corpus import Corpus
from bertkit.sampling.masking import ONE_MASK
from bertkit.sampling.stream import Position, PretrainingStream
from bertkit.training.assembly import build_model, check_vocabularies, choose_precision, describe_model
from bertkit.training.evaluation import LossEvaluator
from bertkit.training.memory import check_memory
from bertkit.training.ranks import Ranks
from bertkit.training.run import Run, assemble, resume
from bertkit.training.session import Session
from bertkit.training.state import Progress


def phases(config: TrainingConfig) -> list[Phase]:
    """The phases of a run, the one that begins it first."""
    batch_tokens = config.train.batch_tokens
    first = Phase(step=0, length=config.data.length, batch_tokens=batch_tokens)
    later = [p.model_copy(update={"batch_tokens": p.batch_tokens or batch_tokens}) for p in config.data.phases]
    return [first, *later]


def train(config: TrainingConfig, corpus: Corpus, session: Session) -> Progress | None:
    """Runs to the end, from the newest checkpoint where there is one; None where it was asked to stop before."""
    run = run_of(config, corpus, session)
    loop = assemble(run, session)
    with closing(loop.checkpoints):
        progress = resume(loop, session)
        if not loop.run(progress):
            return None
    model, ranks, folder = run.model, session.ranks, session.folder
    with nullcontext() if loop.mean is None else loop.mean.swapped():
        card = run_card(config, model, corpus, progress, folder) if ranks.is_first else ""
        write_model(model.family, model.training_module, corpus.tokenizer, ranks, folder, card)
    return progress


def run_of(config: TrainingConfig, corpus: Corpus, session: Session) -> Run:
    """The parts of a run.

    Raises:
        ConfigError: the model cannot read these shards, or does not fit into memory.
    """
    table, ranks = config.train, session.ranks
    longest = max(phase.length for phase in phases(config))
    weights = objective_weights(table, config.data.sequences)
    check_vocabularies(config, corpus.tokenizer)
    encoder_config = describe_model(config.model, weights, corpus.tokenizer, longest)
    precision = ranks.by_first(lambda: choose_precision(table.precision, ranks.device))  # GPUs may differ
    check_memory(table, encoder_config, precision, longest, ranks)
    model = build_model(config, encoder_config, ranks.device)
    stream = corpus.stream(corpus.shards, config.data, config.data.masking, table.seed)
    return Run(
        model,
        table,
        precision,
        batches=lambda step, position: batches(stream, phases(config), step, position),
        evaluator=_evaluation(config, corpus, weights, ranks),
    )


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


def _evaluation(
    config: TrainingConfig, corpus: Corpus, weights: dict[str, float], ranks: Ranks
) -> LossEvaluator | None:
    if not corpus.held_out:
        return None
    table = config.train

    def held_out(masking: Masking) -> Sequence[GlobalBatch]:
        stream = corpus.stream(corpus.held_out, config.data, masking, table.seed)
        return stream.evaluation(table.evaluate_sequences, length=phases(config)[-1].length)

    one_mask = held_out(ONE_MASK) if MaskedLM.name in weights else []
    return LossEvaluator(held_out(config.data.masking), one_mask, weights, ranks, table.micro_batch_tokens)
