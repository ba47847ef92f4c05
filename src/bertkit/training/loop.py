"""The loop: batches in, steps, and what is logged, measured and saved on the way. One loop for every objective."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.optim import Optimizer

from bertkit.batching.packed import GlobalBatch
from bertkit.batching.training_batch import TrainingBatch
from bertkit.checkpoints.tensors import write_tensors
from bertkit.config.training import TrainTable
from bertkit.errors import NotFinite
from bertkit.optimisation.ema import RunningMean
from bertkit.optimisation.optimisers import set_rate
from bertkit.optimisation.schedules import rate
from bertkit.sampling.stream import Position
from bertkit.training.checkpoints import Checkpoints
from bertkit.training.evaluation import Evaluator, Measures
from bertkit.training.memory import one_sequence_too_large
from bertkit.training.micro_batches import ahead, divide, most_micro_batches, shares
from bertkit.training.observer import Record, StepObserver
from bertkit.training.step import Stepper, StepResult

if TYPE_CHECKING:
    from bertkit.training.meters import Meters
    from bertkit.training.state import Progress

# Batches from a position on, as the run's phases have them: the batch of each step, and the position after it.
Batches = Callable[[int, Position], Iterator[tuple[GlobalBatch, Position]]]


class Diverged(NotFinite):
    """Too many steps, or all of them, had numbers that are not finite."""

    default_remedy = (
        "Lower train.optimiser.learning_rate, warm up longer, or look at the batches in skipped/ and at the checkpoint "
        "that it began with."
    )


@dataclass(frozen=True)
class Loop:
    """A run, ready to go on from wherever its progress says.

    Args:
        table: what its file says about training.
        precision: that `table.precision` stands for here.
        batches: the data, from a step and a position on.
        tensors: all that a checkpoint holds.
        mean: the running mean of the weights, where there is one; it is what is evaluated.
        evaluation: None where there is no held-out data.
        skipped: the folder for batches of skipped steps.
        observers: of this rank; only the first has any.
        stopping: whether someone has asked this process to stop.
        measures_start: whether the model before the first step is measured too, and may turn out the best.
        ends_when_perfect: whether the run is finished when no score can be better.
        patience: measurements without a better score after which the run is finished; None for all steps.
    """

    table: TrainTable
    precision: str
    stepper: Stepper
    optimiser: Optimizer
    batches: Batches
    tensors: Mapping[str, Tensor]
    mean: RunningMean | None
    evaluation: Evaluator | None
    checkpoints: Checkpoints
    meters: Meters
    skipped: Path
    observers: Sequence[StepObserver]
    stopping: Callable[[], bool]
    measures_start: bool = False
    ends_when_perfect: bool = False
    patience: int | None = None

    def run(self, progress: Progress) -> bool:
        """Train to the last step; false where the run was asked to stop, after writing a checkpoint.

        Raises:
            Diverged: too many steps were skipped, or all of them; a checkpoint is written first.
            NotFinite: so is what the model computes for held-out data.
            OutOfMemory: the smallest micro-batch does not fit.
        """
        self.stepper.training_module.train()
        if self.stepper.loss_scale is not None:
            self.stepper.loss_scale = progress.loss_scale
        self.meters.begin()
        if self.measures_start and progress.step == 0 and progress.score is None:
            self.measure_start(progress)
            self._save(progress)
        why = None
        with closing(ahead(self._prepared(progress))) as prepared:
            for batch, position, micro in prepared:
                if self._ends_early(progress):
                    break
                if self.stepper.ranks.any(self.stopping()):
                    self._save(progress)
                    return False
                done = self._step(progress, batch, micro)
                progress.step += 1
                progress.position = position
                progress.tokens += sum(batch.lengths)
                progress.sequences += len(batch.lengths)
                self.meters.add(done, batch.lengths)
                why = done.skipped
                self._after(progress)
                if progress.skipped > self.table.most_skipped:
                    self._save(progress)
                    raise Diverged(f"{progress.skipped} steps were not finite, the last of them {progress.step}: {why}")
        if progress.step and progress.skipped == progress.step:
            raise Diverged(f"nothing was learnt, for none of {progress.step} steps was finite: {why or 'see skipped/'}")
        return True

    def measure_start(self, progress: Progress) -> None:
        """Measures the model before its first step."""
        self._evaluate(progress)

    def _ends_early(self, progress: Progress) -> bool:
        """Whether no further step can, or is likely to, make the best checkpoint better."""
        perfect = self.evaluation is not None and progress.best == self.evaluation.best_possible
        if self.ends_when_perfect and perfect:
            return True
        return self.patience is not None and progress.stale >= self.patience

    def _prepared(self, progress: Progress) -> Iterator[tuple[GlobalBatch, Position, list[TrainingBatch]]]:
        """Each step's batch, the position after it, and this rank's micro-batches."""
        batches = self.batches(progress.step, progress.position)
        for _ in range(progress.step, self.table.steps):
            batch, position = next(batches)
            yield batch, position, self._shares(batch, progress.splits)

    def _shares(self, batch: GlobalBatch, splits: int) -> list[TrainingBatch]:
        return shares(batch, self.stepper.ranks, self.table.micro_batch_tokens, splits)

    def _step(self, progress: Progress, batch: GlobalBatch, micro: list[TrainingBatch]) -> StepResult:
        """One update, with smaller micro-batches where memory does not suffice."""
        stepper = self.stepper
        if len(micro) != self._number(batch, progress.splits):  # prepared before the last split
            micro = self._shares(batch, progress.splits)
        names = [objective.name for objective in stepper.training_module.each()]
        counts = dict(zip(names, stepper.ranks.total(stepper.counts(micro)), strict=True))
        set_rate(self.optimiser, rate(self.table.schedule, progress.step, self.table.steps))
        while (sums := stepper.gradient(micro, counts, progress.step)) is None:
            micro = self._split(progress, batch)
        done = stepper.update(sums, counts)
        if done.overflowed:
            self._tell({"step": progress.step + 1, "loss_scale": progress.loss_scale.value})
        elif done.skipped is not None:
            progress.skipped += 1
            self._keep_skipped(progress.step + 1, micro, done.skipped)
        elif self.mean is not None:
            self.mean.update()
        return done

    def _number(self, batch: GlobalBatch, splits: int) -> int:
        return len(divide(batch.lengths, self.stepper.ranks.count, self.table.micro_batch_tokens, splits)[0])

    def _split(self, progress: Progress, batch: GlobalBatch) -> list[TrainingBatch]:
        before = self._number(batch, progress.splits)
        while self._number(batch, progress.splits) == before:
            if before == most_micro_batches(batch.lengths, self.stepper.ranks.count):
                encoder, longest = self.stepper.training_module.encoder.config, max(batch.lengths)
                raise one_sequence_too_large(self.table, encoder, self.precision, longest, self.stepper.ranks)
            progress.splits *= 2
        self._tell({"step": progress.step + 1, "split": progress.splits})
        return self._shares(batch, progress.splits)

    def _after(self, progress: Progress) -> None:
        """What is due after a step: a record, an evaluation, a checkpoint."""
        step, table = progress.step, self.table
        last = step == table.steps
        saves = last or step % table.checkpoint_every == 0
        evaluates = self.evaluation is not None and (last or step % table.evaluate_every == 0)
        if saves or evaluates or step % table.log_every == 0:
            self._tell(self.meters.take(progress))
        if evaluates:
            self._evaluate(progress)
        if saves:
            self._save(progress)

    def _evaluate(self, progress: Progress) -> None:
        assert self.evaluation is not None
        began = time.perf_counter()
        with nullcontext() if self.mean is None else self.mean.swapped():
            measures = self._measured(progress)
        # Ranks may differ in the last bits, and all must take the same for the better and stop at the same time.
        score = self.stepper.ranks.by_first(partial(self.evaluation.score, measures))
        chosen = {"steps": self.table.steps, "best_by": self.evaluation.best_by, "score": score}
        self._tell({"step": progress.step, "seconds": round(progress.seconds, 3), "evaluation": measures, **chosen})
        self.meters.leave_out(time.perf_counter() - began)
        progress.measured(score, measures)

    def _measured(self, progress: Progress) -> Measures:
        assert self.evaluation is not None
        try:
            return self.evaluation.measure(self.stepper.training_module, self.stepper.parallelism)
        except NotFinite as error:
            if progress.skipped == progress.step:  # nothing was learnt yet: it is the model that the run began with
                raise
            raise Diverged(error.what) from None

    def _save(self, progress: Progress) -> None:
        began = time.perf_counter()
        self.meters.read_clock(progress)
        self.checkpoints.save(progress.step, dict(self.tensors), progress.record(), progress.score)
        self.meters.leave_out(time.perf_counter() - began)

    def _keep_skipped(self, step: int, micro: Sequence[TrainingBatch], why: str) -> None:
        """Writes what this rank read in a skipped step, to be looked at."""
        path = self.skipped / f"step-{step:08d}-rank-{self.stepper.ranks.rank}.safetensors"
        path.parent.mkdir(exist_ok=True)
        tensors: dict[str, Tensor] = {}
        for number, batch in enumerate(micro):
            lengths = torch.tensor(batch.tokens.layout.lengths)
            arrays = {"ids_T": batch.tokens.ids_T, "segments_T": batch.tokens.segments_T, "lengths_B": lengths}
            tensors |= {f"{number}/{name}": tensor for name, tensor in (arrays | dict(batch.targets)).items()}
        if tensors:  # this rank may have had nothing to read
            write_tensors(path, tensors)
        self._tell({"step": step, "skipped": why, "batch": f"{self.skipped.name}/{path.name}"})

    def _tell(self, record: Record) -> None:
        for observer in self.observers:
            observer.on_record(record)
