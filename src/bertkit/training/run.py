"""The parts of a training run, and how its loop is put together from them: one way for pre-training and fine-tuning."""

from __future__ import annotations

from dataclasses import dataclass

from bertkit.config.training import TrainTable
from bertkit.optimisation.ema import RunningMean
from bertkit.optimisation.optimisers import build_optimiser
from bertkit.training.assembly import TrainingModel, share
from bertkit.training.checkpoints import Checkpoints
from bertkit.training.evaluation import Evaluator
from bertkit.training.loop import Batches, Loop
from bertkit.training.meters import build_meters
from bertkit.training.session import Session
from bertkit.training.state import Progress, all_tensors, prime
from bertkit.training.step import AUTOCAST, Stepper


@dataclass(frozen=True)
class Run:
    """The parts of a run.

    Attributes:
        table: how it is trained.
        precision: what `table.precision` stands for on these devices.
        batches: the data, from a step and a position on.
        evaluator: of held-out data; None where there is none.
        measures_start, ends_when_perfect, patience: as of `Loop`.
    """

    model: TrainingModel
    table: TrainTable
    precision: str
    batches: Batches
    evaluator: Evaluator | None
    measures_start: bool = False
    ends_when_perfect: bool = False
    patience: int | None = None


def assemble(run: Run, session: Session) -> Loop:
    """The loop of a run; nothing has been read from a checkpoint yet."""
    model, table, ranks = run.model, run.table, session.ranks
    parallelism = share(model, table, ranks, run.precision, session.say)
    optimiser = build_optimiser(model.training_module.named_parameters(), table.optimiser, model.config.layers)
    mean = None if table.ema is None else RunningMean(model.training_module, table.ema)
    prime(optimiser)
    stepper = Stepper(
        model.training_module,
        optimiser,
        parallelism,
        ranks,
        weights=model.weights,
        clip=table.optimiser.clip,
        autocast=AUTOCAST.get(run.precision),
        seed=table.seed,
    )
    return Loop(
        table=table,
        precision=run.precision,
        stepper=stepper,
        optimiser=optimiser,
        batches=run.batches,
        tensors=all_tensors(model.training_module, optimiser, mean),
        mean=mean,
        evaluation=run.evaluator,
        checkpoints=Checkpoints(session.checkpoints, ranks, table.keep_checkpoints, session.say),
        meters=build_meters(model, optimiser, ranks, run.precision),
        skipped=session.folder / "skipped",
        observers=session.observers,
        stopping=session.stopping,
        measures_start=run.measures_start,
        ends_when_perfect=run.ends_when_perfect,
        patience=run.patience,
    )


def resume(loop: Loop, session: Session) -> Progress:
    """Where the run goes on: the newest checkpoint, which is read into the loop's tensors, or its beginning."""
    saved = loop.checkpoints.newest(dict(loop.tensors))
    progress = Progress() if saved is None else Progress.of(saved.state)
    if loop.mean is not None and saved is not None:
        loop.mean.load_state_dict({name: loop.tensors[f"mean/{name}"] for name in loop.mean.state_dict()})
    session.resumed(progress.step)
    return progress
