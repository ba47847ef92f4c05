"""Jobs from Python: what goes in, in all its forms; what comes out; and that a folder is gone on with."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import bertkit
from bertkit.config.training_file import load_config
from bertkit.errors import BertkitError, ConfigError, InputError, UserError
from tests.formats.test_frames import Frame
from tests.parity.bert_peer import Sizes
from tests.parity.task_peers import make_task_peer
from tests.training.runs import make_data, write_file
from tests.workflows.small import FAST, labelled, make_model, write_table

TASK = "text-classification"
ROWS = labelled(64)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def of_file(model: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, dict[str, float]]:
    """What comes of the same rows in a file."""
    folder = tmp_path_factory.mktemp("file")
    train = write_table(folder / "train.tsv", ROWS)
    held_out = write_table(folder / "eval.tsv", ROWS[:16])
    result = bertkit.finetune(train, TASK, eval=held_out, model=model, output=folder / "run", epochs=1, settings=FAST)
    return (folder / "run/model/model.safetensors").read_bytes(), dict(result.metrics)


def columns(rows: list[dict[str, object]]) -> dict[str, list[object]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def frame(rows: list[dict[str, object]]) -> Any:
    return Frame(columns(rows))


def arrow(rows: list[dict[str, object]]) -> Any:
    return pa.Table.from_pylist(rows)


def two_files(rows: list[dict[str, object]], folder: Path) -> list[Path]:
    half = len(rows) // 2
    parts = {"first.tsv": rows[:half], "second.tsv": rows[half:]}
    return [Path(write_table(folder / name, part)) for name, part in parts.items()]


@pytest.mark.parametrize("form", [list, iter, columns, frame, arrow, two_files], ids=lambda form: form.__name__)
def test_a_table_is_learnt_as_a_file_is(
    form: Callable[..., Any], model: str, of_file: tuple[bytes, dict[str, float]], tmp_path: Path
) -> None:
    given = [(ROWS, tmp_path), (ROWS[:16], tmp_path)] if form is two_files else [(ROWS,), (ROWS[:16],)]
    (tmp_path / "eval").mkdir()
    if form is two_files:
        given[1] = (ROWS[:16], tmp_path / "eval")
    train, held_out = (form(*arguments) for arguments in given)
    place = tmp_path / "run"
    result = bertkit.finetune(train, TASK, eval=held_out, model=model, output=place, epochs=1, settings=FAST)
    assert ((place / "model/model.safetensors").read_bytes(), dict(result.metrics)) == of_file


def test_options_and_settings_in_every_form(model: str, tmp_path: Path) -> None:
    rows = [{"review": row["text"], "stars": row["label"]} for row in ROWS]
    given: dict[str, Any] = {"train.patience": 2, "train": {"evaluations": 2}, "data": {"hold_out": 0.25}}
    options: dict[str, Any] = {"train.log_every": 1, "label_column": "stars", "columns": {"text": "review"}}
    result = bertkit.finetune(
        rows, TASK, model=model, output=tmp_path / "run", settings=given, epochs=2, batch_size=8, seed=3, **options
    )
    assert result.finetuned.planned == 12
    from bertkit.config.finetuning import FinetuneConfig
    from bertkit.config.training_file import load_as

    found = load_as(FinetuneConfig, tmp_path / "run/config.toml")
    assert (found.train.patience, found.train.evaluations, found.train.log_every) == (2, 2.0, 1)
    assert (found.train.epochs, found.train.batch_samples, found.train.seed) == (2.0, 8, 3)
    assert found.data.hold_out == 0.25
    assert found.data.columns == {"label": "stars", "text": "review"}
    assert str(found.data.train).startswith("train: 64 rows in memory, sha256 ")


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"epoch": 3}, UserError, "finetune(): no option 'epoch' (did you mean 'epochs'?)"),
        ({"label_colum": "x"}, UserError, "(did you mean 'label_column'?)"),
        ({"patience": 3}, UserError, "no option 'patience'; it is the setting 'train.patience'"),
        ({"layers": 3}, UserError, "no option 'layers'"),
        ({"epochs": "3"}, ConfigError, "finetune(): 'train.epochs': Input should be a valid number"),
        ({"train.epoch": 3}, ConfigError, "unknown key 'train.epoch' (did you mean 'epochs'?)"),
        ({"settings": {"trian.epochs": 3}}, ConfigError, "unknown key 'trian' (did you mean 'train'?)"),
        ({"settings": {"train": {"epoch": 3}}}, ConfigError, "unknown key 'train.epoch' (did you mean 'epochs'?)"),
        ({"settings": {"train.seed": 1, "train.seed.x": 3}}, ConfigError, "'seed' is not a table"),
        ({"settings": {"data.train.x": 3}}, ConfigError, "'data.train.x': 'train' is not a table"),
        ({"task": "text-clasification"}, UserError, "(did you mean 'text-classification'?)"),
        ({"train": 5}, UserError, "train is of type int, neither a path nor rows"),
        ({"train": [1, 2]}, InputError, "train row 1: of type int, not a dict"),
        ({"train": [*ROWS[:20], {"text": 3, "label": "x"}]}, InputError, "train row 21: the field 'text' is 3"),
        ({"train": []}, InputError, "train: no example in it"),
        ({"train": {"text": ["a"], "label": ["b", "c"]}}, UserError, "not columns of one length"),
        ({"train": "nowhere.csv"}, InputError, "nowhere.csv: no such file"),
        ({"label_column": "stars"}, InputError, "train row 1: no column 'stars'"),
        ({"eval": [{"text": "w1", "label": "odd"}]}, InputError, "eval row 1: the label 'odd'"),
    ],
)
def test_what_cannot_be_is_an_error_that_says_so(
    arguments: dict[str, Any], kind: type[BertkitError], words: str, model: str, tmp_path: Path
) -> None:
    call: dict[str, Any] = {"train": ROWS, "task": TASK, "model": model, "output": tmp_path / "run"}
    with pytest.raises(kind) as raised:
        bertkit.finetune(**{**call, **arguments})
    assert words in str(raised.value)
    assert "\n" not in raised.value.remedy
    assert not (tmp_path / "run").exists()


def test_without_a_folder_the_model_is_there_as_long_as_somebody_holds_it(model: str, tmp_path: Path) -> None:
    result = bertkit.finetune(ROWS, TASK, model=model, quick=True)
    folder = result.folder
    answers = result.model
    result.save(tmp_path / "mine")
    del result
    gc.collect()
    assert folder.exists()
    assert answers.predict("w1 w20").record()["labels"]
    answers.save(tmp_path / "again")
    del answers
    gc.collect()
    assert not folder.exists()
    assert bertkit.load(tmp_path / "mine").task.name == TASK


def test_a_job_that_fails_leaves_no_folder(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(InputError):
        bertkit.finetune([{"text": "w1"}], TASK, model=model)
    assert list(tmp_path.iterdir()) == []


def test_several_processes_share_a_folder_that_is_named(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="output is not given"):
        bertkit.finetune(ROWS, TASK, model=model)


def test_other_rows_do_not_go_on_with_a_run(model: str, tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"task": TASK, "model": model, "output": tmp_path / "run", "epochs": 1}
    bertkit.finetune(ROWS, **arguments)
    again = bertkit.finetune(ROWS, **arguments)
    assert again.finetuned.steps == 2
    with pytest.raises(ConfigError, match=r"made with data\.train = .train: 64 rows in memory"):
        bertkit.finetune(ROWS[1:], **arguments)


def test_several_files_are_known_again(model: str, tmp_path: Path) -> None:
    files = two_files(ROWS, tmp_path)
    arguments: dict[str, Any] = {"task": TASK, "model": model, "output": tmp_path / "run", "epochs": 1}
    assert bertkit.finetune(files, **arguments).metrics == bertkit.finetune(files, **arguments).metrics
    with pytest.raises(ConfigError, match=r"made with data\.train = "):
        bertkit.finetune(files[::-1], **arguments)
    write_table(files[0], ROWS[1:32])
    with pytest.raises(ConfigError, match="made with other data"):
        bertkit.finetune(files, **arguments)


def test_sweep(model: str, tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"model": model, "epochs": 1, "settings": FAST}
    found = bertkit.sweep(ROWS, TASK, seeds=2, output=tmp_path / "seeds", **arguments)
    assert list(found.runs) == ["seed-0", "seed-1"]
    each = [found.runs[name].metrics["accuracy"] for name in found.runs]
    assert found.metrics["accuracy"] == pytest.approx(sum(each) / 2)
    assert found.intervals["accuracy"].low <= found.metrics["accuracy"]
    assert found.model.task.name == TASK
    assert found.best in found._repr_html_()
    assert repr(found).startswith("<bertkit.SweepResult in ")

    space = {"search.epochs": [1.0], "search": {"batch_samples": [8]}}
    tried = bertkit.sweep(ROWS, TASK, search=2, **{**arguments, "settings": {**FAST, **space}})
    assert tried.settings["trial-000"]["batch_samples"] == 16
    assert tried.settings["trial-001"]["batch_samples"] == 8
    assert tried.metrics == tried.runs[tried.best].metrics


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "neither seeds nor search"),
        ({"seeds": 2, "search": 2}, "both seeds and search"),
        ({"seeds": 1}, "greater than or equal to 2"),
        ({"search": 2, "settings": {"search.epoch": [1]}}, "unknown key 'epoch' (did you mean 'epochs'?)"),
        ({"search": 2, "settings": {"search": 3}}, "search is 3, not a table"),
        ({"seeds": 2, "epoch": 3}, "sweep(): no option 'epoch' (did you mean 'epochs'?)"),
    ],
)
def test_what_no_sweep_can_be(arguments: dict[str, Any], words: str, model: str) -> None:
    with pytest.raises(UserError) as raised:
        bertkit.sweep(ROWS, TASK, model=model, **arguments)
    assert words in str(raised.value)


def test_pretrain(tmp_path: Path) -> None:
    data = make_data(tmp_path)
    file = write_file(data, tmp_path / "run")
    settings = {"train.steps": 4, "train": {"evaluate_every": 2}}
    result = bertkit.pretrain(file, settings=settings)
    assert (result.folder, result.steps) == (tmp_path / "run", 4)
    assert result.model.task.name == "fill-mask"
    tables = load_config(file).model_dump()
    kept = {**tables, "run": {"tensorboard": False}}
    nowhere = bertkit.pretrain(kept, settings=settings)
    assert nowhere.metrics == result.metrics
    assert kept["run"] == {"tensorboard": False}, "what was given is not changed"
    elsewhere = bertkit.pretrain(load_config(file), output=tmp_path / "other", settings={"train.steps": 1})
    assert elsewhere.folder == tmp_path / "other"
    with pytest.raises(ConfigError, match=r"pretrain\(\): unknown key 'train.stepps' \(did you mean 'steps'\?\)"):
        bertkit.pretrain(file, settings={"train.stepps": 4})


def test_distill(tmp_path: Path) -> None:
    sizes = Sizes(layers=2, segment_types=2)
    make_task_peer(TASK, tmp_path / "teacher", sizes=sizes, labels=("bad", "good"), seed=5)
    texts = [{"review": row["text"]} for row in ROWS]
    result = bertkit.distill(tmp_path / "teacher", texts, layers=1, epochs=1, text_column="review", settings=FAST)
    assert "agreement" in result.metrics
    assert list(result.texts_a_second) == ["teacher", "student"]
    assert repr(result).startswith("<bertkit.DistillResult in ")
    assert result.model.encoder.config.layers == 1
    with pytest.raises(UserError, match=r"distill\(\): no option 'quick'"):
        bertkit.distill(tmp_path / "teacher", texts, quick=True)  # type: ignore[call-arg]
