"""`bertkit index`, killed by the system ten times, makes the index that it makes undisturbed."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from bertkit.errors import UserError
from bertkit.retrieval.tables import read_tables
from tests import warm
from tests.retrieval.made_index import write_files
from tests.retrieval.test_writer import content
from tests.workflows.small import make_model

FILES, KILLS = 120, 10


def progress(index: Path) -> int:
    """How many files have been cut, and passages embedded."""
    try:
        with read_tables(index) as tables:
            (files,) = tables.connection.execute("SELECT count(*) FROM files").fetchone()
            return int(files + tables.fact("vectors", 0))
    except UserError:
        return 0


@pytest.mark.slow
def test_killed_ten_times_it_is_the_same_index(tmp_path: Path) -> None:
    chance = random.Random(0)
    for number in range(FILES):
        words = [" ".join(f"w{chance.randrange(60)}" for _ in range(9)) + "." for _ in range(chance.randrange(1, 60))]
        write_files(tmp_path / "docs", {f"{number:03}.txt": " ".join(words)})
    model = make_model(tmp_path / "model")

    def command(index: Path) -> list[str]:
        options = ["--words", "10", "--overlap", "0", "--device", "cpu"]
        return ["-m", "bertkit", "index", str(tmp_path / "docs"), "-o", str(index), "-m", model, *options]

    undisturbed, killed = tmp_path / "undisturbed.idx", tmp_path / "killed.idx"
    ended = warm.run(command(undisturbed), os.environ, tmp_path / "ran")
    assert ended.returncode == 0, ended.stderr
    most = progress(undisturbed)
    assert most > 2_000
    for kill, target in enumerate(sorted(chance.randrange(most) for _ in range(KILLS))):
        program = warm.start(command(killed), os.environ, tmp_path / f"killed{kill}")
        program.until(lambda target=target: progress(killed) >= target)  # type: ignore[misc]
        os.kill(program.pid, signal.SIGKILL)
        assert program.wait().returncode in (-signal.SIGKILL, 0)
    assert warm.run(command(killed), os.environ, tmp_path / "last").returncode == 0
    assert content(killed, width=33) == content(undisturbed, width=33)
