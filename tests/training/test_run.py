"""The one way in which a run's loop is put together, on the smallest run of pre-training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import torch

from bertkit.config.training_file import load_config
from bertkit.pretraining.run import run_of
from bertkit.sampling.corpus import Corpus
from bertkit.training.loop import Loop
from bertkit.training.ranks import joined
from bertkit.training.run import assemble, resume
from bertkit.training.session import Session
from tests.training.runs import make_data, write_file


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


@contextmanager
def assembled(data: Path, folder: Path, resumed: list[int], *sets: str) -> Iterator[tuple[Loop, Session]]:
    folder.mkdir(exist_ok=True)
    config = load_config(write_file(data, folder), ["train.steps=2", *sets])
    with joined(torch.device("cpu")) as ranks:
        session = Session(ranks, folder, [], resumed.append, lambda: False, lambda line: None)
        loop = assemble(run_of(config, Corpus.open(config.data), session), session)
        with closing(loop.checkpoints):
            yield loop, session


def test_a_run_begins_and_goes_on_where_its_newest_checkpoint_is(data: Path, tmp_path: Path) -> None:
    resumed: list[int] = []
    with assembled(data, tmp_path / "run", resumed, "train.ema=0.9") as (loop, session):
        assert session.begins()
        progress = resume(loop, session)
        assert (progress.step, resumed) == (0, [0])
        assert loop.run(progress)
        loop.checkpoints.settle()
        assert loop.mean is not None
        mean = {name: tensor.clone() for name, tensor in loop.mean.state_dict().items()}
        assert not session.begins()
    with assembled(data, tmp_path / "run", resumed, "train.ema=0.9") as (loop, session):
        assert (resume(loop, session).step, resumed) == (2, [0, 2])
        assert loop.mean is not None
        assert all(torch.equal(loop.mean.state_dict()[name], tensor) for name, tensor in mean.items())


def test_what_the_table_says_is_what_the_loop_has(data: Path, tmp_path: Path) -> None:
    with assembled(data, tmp_path / "run", [], "train.optimiser.clip=0.5", "train.keep_checkpoints=3") as (loop, _):
        assert loop.mean is None
        assert loop.table.optimiser.clip == 0.5
        assert loop.evaluation is not None
        assert (loop.patience, loop.measures_start, loop.ends_when_perfect) == (None, False, False)
        assert loop.skipped == tmp_path / "run/skipped"
