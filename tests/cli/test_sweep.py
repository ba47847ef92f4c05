"""`bertkit finetune --seeds` and `--search` as a user types them."""

from __future__ import annotations

import json
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path

import pytest
from scipy import stats

from tests.cli.conftest import Ended
from tests.cli.test_finetune import write_texts
from tests.parity.bert_peer import Sizes, make_peer

Run = Callable[..., Ended]
FAST = ("--set", "train.epochs=2", "--set", "train.optimiser.learning_rate=2e-3", "--set", "train.batch_samples=16")


@pytest.fixture(autouse=True)
def _fake_model() -> None:
    """No fake here: what was fine-tuned is compared."""


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    folder = tmp_path_factory.mktemp("desk")
    make_peer(Sizes(layers=1, segment_types=2), folder / "model", deviation=0.1)
    train = write_texts(folder / "train.tsv", 120, 1)
    return ("finetune", "--task", "text-classification", "-m", str(folder / "model"), "--train", train, *FAST)


def weights(folder: Path) -> bytes:
    return (folder / "model/model.safetensors").read_bytes()


def test_seeds(run: Run, line: tuple[str, ...], tmp_path: Path) -> None:
    place = tmp_path / "runs"
    code, out, err = run(*line, "--seeds", "3", "-o", str(place), "--json")
    assert code == 0, err
    record = json.loads(out.splitlines()[-1])
    each = [record["runs"][f"seed-{seed}"]["accuracy"] for seed in range(3)]
    assert record["metrics"]["accuracy"] == pytest.approx(statistics.mean(each))
    interval = record["intervals"]["accuracy"]
    deviation = statistics.stdev(each)
    assert interval["deviation"] == pytest.approx(deviation)
    if deviation:
        low, high = stats.t.interval(0.95, 2, statistics.mean(each), deviation / 3**0.5)
        assert (interval["low"], interval["high"]) == pytest.approx((low, high))
    assert record["best"] == f"seed-{each.index(max(each))}"
    assert weights(place) == weights(place / record["best"])
    assert len({weights(place / f"seed-{seed}") for seed in range(3)}) == 3, "the seeds differ"
    configs = [(place / f"seed-{seed}/config.toml").read_text() for seed in range(3)]
    assert all("hold_out_seed = 0" in text for text in configs), "what is held out is the same for all"
    card = (place / "model/README.md").read_text()
    assert f"this one is `{record['best']}`" in card
    assert json.loads((place / "seeds.json").read_text()) == record

    # A run that is lost is done again, and the others are not.
    shutil.rmtree(place / "seed-1")
    code, out, err = run(*line, "--seeds", "3", "-o", str(place))
    assert code == 0, err
    assert "seed-1: 2 of 3 runs" in err
    assert "seed-0: " not in err
    assert "seed-2: " not in err
    assert json.loads((place / "seeds.json").read_text()) == record
    head, *rows = [row.split() for row in out.splitlines()]
    assert head == ["metric", "mean", "deviation", "95", "%", "interval", "seed-0", "seed-1", "seed-2"]
    assert [row[0] for row in rows] == list(record["metrics"])
    assert "is better there than on others" in err


def test_search(run: Run, line: tuple[str, ...], tmp_path: Path) -> None:
    place = tmp_path / "runs"
    space = ("--set", "search.learning_rate=[1e-3, 4e-3]", "--set", "search.epochs=[1]")
    space += ("--set", "search.batch_samples=[8, 24]")
    code, out, err = run(*line, "--search", "2", *space, "-o", str(place), "--json")
    assert code == 0, err
    record = json.loads(out.splitlines()[-1])
    first, second = (record["settings"][f"trial-{number:03d}"] for number in range(2))
    assert first == {"learning_rate": 2e-3, "epochs": 2.0, "batch_samples": 16}, "what there is without a search"
    assert 1e-3 <= second["learning_rate"] <= 4e-3
    assert second["epochs"] == 1
    assert second["batch_samples"] in (8, 24)
    best = max(record["runs"], key=lambda name: record["runs"][name]["accuracy"])
    assert record["runs"][record["best"]]["accuracy"] == record["runs"][best]["accuracy"]
    assert record["metrics"] == record["runs"][record["best"]]
    assert weights(place) == weights(place / record["best"])

    code, out, err = run(*line, "--search", "3", *space, "-o", str(place))
    assert code == 0, err
    assert "trial-002: 3 of 3 runs" in err
    assert "trial-000: " not in err, "what has ended is not done again"
    assert out.splitlines()[0].split()[:5] == ["trial", "learning", "rate", "epochs", "batch"]
    assert "is better there than on others: measure it on examples that chose nothing" in err
    again = json.loads((place / "search.json").read_text())
    assert again["settings"]["trial-001"] == second


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--seeds", "2", "--search", "2"), "--seeds and --search together"),
        (("--seeds", "1"), "should be greater than or equal to 2"),
        (("--search", "2", "--set", "search.epoch=[1]"), "unknown key 'epoch' (did you mean 'epochs'?)"),
        (("--search", "2", "--set", "search=3"), "search is 3, not a table"),
        (("--set", "search.epochs=[1]"), "unknown key 'search'"),
    ],
)
def test_wrong_use(options: tuple[str, ...], words: str, run: Run, line: tuple[str, ...], tmp_path: Path) -> None:
    code, _, err = run(*line, *options, "-o", str(tmp_path / "runs"))
    assert code == 2
    assert words in err


def test_a_single_run_is_not_in_the_way(run: Run, line: tuple[str, ...], tmp_path: Path) -> None:
    place = tmp_path / "run"
    place.mkdir()
    (place / "config.toml").write_text("")
    code, _, err = run(*line, "--seeds", "2", "-o", str(place))
    assert code == 2
    assert "is the folder of a single run" in err


def test_one_process(line: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    code, _, err = run(*line, "--seeds", "2", "-o", str(tmp_path / "runs"))
    assert code == 2
    assert "--seeds and --search in several processes" in err
