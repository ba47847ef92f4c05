"""What each of three ranks does in test_uneven_ranks.py: runs that give some ranks nothing to do, one after the other.

Arguments: the folder of data, a folder for the results.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from bertkit.checkpoints.locks import owned
from bertkit.errors import BertkitError, FolderInUse
from bertkit.training.checkpoints import Checkpoints, Tensors
from bertkit.training.loop import Loop
from bertkit.training.ranks import Ranks, joined
from bertkit.training.state import Progress
from bertkit.workflows.session import sole_run
from tests.training.in_process import CPU, run_here

# Two sequences a batch, and held-out data that is one micro-batch.
FEW = ("train.batch_tokens=64", "train.micro_batch_tokens=8192", "train.steps=3", "train.evaluate_every=1")


def learn(parallel: str) -> Callable[[Ranks, Path, Path], None]:
    """A run of which every batch has fewer sequences than there are ranks, and the held-out data one micro-batch."""

    def check(ranks: Ranks, data: Path, results: Path) -> None:
        place = results / f"{parallel}-{ranks.rank}"
        outcome = run_here(data, place, *FEW, f"train.parallel={parallel}", ranks=ranks)
        if outcome.error is not None:
            raise outcome.error
        if ranks.is_first:
            measured = [record["evaluation"] for record in outcome.of("evaluation")]
            (results / f"{parallel}.json").write_text(json.dumps([outcome.losses(), measured]))

    return check


def the_same_best_checkpoint(ranks: Ranks, data: Path, results: Path) -> None:
    """Ranks that see another folder than the first, as on a disk that is slow to show names, follow the first."""

    def tensors(step: int) -> Tensors:
        return {"weight": torch.full((2,), float(step))}

    folder = results / "checkpoints"
    checkpoints = Checkpoints(folder, ranks, 9, lambda line: None)
    for step, score in ((1, 2.0), (2, 1.0), (3, 3.0)):
        checkpoints.save(step, tensors(step), {}, score)
    checkpoints.settle()
    ranks.wait()
    if not ranks.is_first:
        checkpoints.folder = results / "nothing"
    for choose, step in ((checkpoints.best, 2), (checkpoints.newest, 3)):
        found = tensors(0)
        saved = choose(found)
        assert saved is not None
        assert saved.step == step
        assert torch.equal(found["weight"], tensors(step)["weight"])
    checkpoints.close()


def one_score_for_all(ranks: Ranks, data: Path, results: Path) -> None:
    """Ranks whose scores differ in the last bits remember the first one's, and so stop at the same time."""

    class Measuring:
        best_by = "loss"

        def measure(self, training_module: object, parallelism: object) -> dict[str, float]:
            return {"loss": 1.0 + ranks.rank}

        def score(self, measures: dict[str, float]) -> float:
            return measures["loss"]

    remembered = Progress(step=4)
    loop = object.__new__(Loop)
    parts = {"mean": None, "evaluation": Measuring(), "observers": [], "table": _Some(steps=9)}
    parts |= {"meters": _Some(leave_out=lambda seconds: None)}
    parts |= {"stepper": _Some(training_module=None, parallelism=None, ranks=ranks)}
    for name, part in parts.items():
        object.__setattr__(loop, name, part)
    loop._evaluate(remembered)
    assert remembered.score == 1.0
    assert asdict(remembered)["best"] == 1.0


class _Some:
    def __init__(self, **attributes: object) -> None:
        self.__dict__ |= attributes


def errors_are_told(ranks: Ranks, data: Path, results: Path) -> None:
    """What goes wrong on the first rank alone is said by all of them, which else would wait."""
    with pytest.raises(FolderInUse, match="another run writes there") as raised:
        ranks.by_first(lambda: _fail(FolderInUse("folder: another run writes there")))
    assert "-o" in raised.value.remedy
    with pytest.raises((ZeroDivisionError, BertkitError)) as other:
        ranks.by_first(lambda: 1 // 0)
    assert ranks.is_first or "the first process failed: ZeroDivisionError" in str(other.value)
    assert ranks.by_first(lambda: ranks.rank + 5) == 5
    assert ranks.sums({} if ranks.is_first else {f"of {ranks.rank}": 2.0, "all": 1.0}) == {
        **{f"of {rank}": 2.0 for rank in range(1, ranks.count)},
        "all": ranks.count - 1.0,
    }


def a_folder_in_use(ranks: Ranks, data: Path, results: Path) -> None:
    """The first rank holds the folder, and all are kept out of one that somebody else holds."""
    with sole_run(str(results / "mine"), ranks):
        with pytest.raises(FolderInUse), owned(results / "mine"):
            pass
        ranks.wait()
        with pytest.raises(FolderInUse), sole_run(str(results / "mine"), ranks):
            pass


def the_others_wait(ranks: Ranks, data: Path, results: Path) -> None:
    """What the first rank does alone may take longer than torch waits by itself."""
    assert ranks.by_first(lambda: time.sleep(SHORT.total_seconds() + 1.0)) is None


def _fail(error: BertkitError) -> None:
    raise error


SHORT = timedelta(seconds=2)
CHECKS: tuple[Callable[[Ranks, Path, Path], None], ...] = (
    learn("ddp"),
    learn("fsdp"),
    the_same_best_checkpoint,
    one_score_for_all,
    errors_are_told,
    a_folder_in_use,
    the_others_wait,
)


def main() -> None:
    with joined(CPU) as group:
        dist.distributed_c10d._set_pg_timeout(SHORT, dist.group.WORLD)  # only the groups of `Ranks` wait longer
        for check in CHECKS:
            check(group, Path(sys.argv[1]), Path(sys.argv[2]))
            group.wait()


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # torch's caches keep the groups' threads, and one at work while Python ends aborts the process
