from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.config.strict import parse
from bertkit.config.training import TrainingConfig
from bertkit.config.training_file import config_text, differing, flat, load_config, toml
from bertkit.errors import ConfigError

FILE = """
[model]
family = "bert"
preset = "mini"

[data]
shards = "shards"

[train]
steps = 10_000

[train.optimiser]
learning_rate = 1

[run]
directory = "runs/mini"
"""
FULL: dict[str, Any] = {
    "model": {
        "encoder": {"width": 64, "rotary": {"theta_global": 1e4, "length": 128}, "attention_pattern": "GLL"},
        "start": 'a "quoted" \\ name\n\x7f é 🙂',
        "layers_from": [0, 2, 4],
    },
    "data": {
        "shards": ["a", "b"],
        "sequences": "documents",
        "masking": {"unit": "span"},
        "phases": [{"step": 10, "length": 512}, {"step": 20, "length": 1024, "batch_tokens": 4096}],
    },
    "train": {
        "steps": 10,
        "objectives": {"masked-lm": 1.0, "next sentence": 0.5},
        "optimiser": {"clip": 0, "betas": [0.9, 0.98]},
        "distillation": {"teacher": "t"},
        "generator": {},
    },
    "run": {"directory": "r", "tensorboard": True},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(FILE)
    return path


def test_a_file_is_read(path: Path) -> None:
    config = load_config(path)
    assert (config.model.preset, config.train.steps, config.train.optimiser.learning_rate) == ("mini", 10_000, 1.0)


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("train.steps=100", "train.steps", 100),
        ("train.steps = 1_000", "train.steps", 1000),
        ("run.directory=runs/other", "run.directory", "runs/other"),
        ("run.directory=2024-01-31", "run.directory", "2024-01-31"),
        ('run.directory="7"', "run.directory", "7"),
        ("run.tensorboard=true", "run.tensorboard", True),
        ("data.masking.rate=0.3", "data.masking.rate", 0.3),
        ("data.shards=['a', 'b']", "data.shards", ["a", "b"]),
        ("model.start=a=b", "model.start", "a=b"),
        ("train.optimiser.clip=0", "train.optimiser.clip", 0.0),
        ("train.objectives={masked-lm = 1.0}", "train.objectives", {"masked-lm": 1.0}),
    ],
)
def test_a_value_is_set_from_the_command_line(path: Path, override: str, key: str, value: object) -> None:
    assert flat(load_config(path, [override]))[key] == value


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.setps=1", r"config\.toml with --set train\.setps=1: unknown key 'train\.setps' \(did you mean 'steps'"),
        ("train.optimiser.clop=1", r"unknown key 'train\.optimiser\.clop' \(did you mean 'clip'\?\)"),
        ("train.generator.wieght=1", r"unknown key 'train\.generator\.wieght' \(did you mean 'weight'\?\)"),
        ("data.phases=[{stp = 1, length = 8}]", r"unknown key 'data\.phases\.0\.stp' \(did you mean 'step'\?\)"),
        ("trian.steps=1", r"unknown key 'trian' \(did you mean 'train'\?\)"),
        ("train.steps=1O0", r"'train\.steps': Input should be a valid integer"),
        ("train.steps.x=1", "--set train.steps.x=1: 'steps' is not a table"),
        ("train.steps", "not KEY=VALUE"),
        ("=1", "not KEY=VALUE"),
    ],
)
def test_a_bad_change_is_named(path: Path, override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(path, [override])


def test_files_that_are_not_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: no such file"):
        load_config(tmp_path / "gone.toml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_config(tmp_path)
    (tmp_path / "bad.toml").write_text("[model\n")
    with pytest.raises(ConfigError, match=r"bad\.toml: not TOML: .*line 1"):
        load_config(tmp_path / "bad.toml")
    (tmp_path / "bad.toml").write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigError, match="not TOML"):
        load_config(tmp_path / "bad.toml")


@pytest.mark.parametrize("values", [tomllib.loads(FILE), FULL], ids=["short", "full"])
def test_what_is_written_is_read_as_the_same(tmp_path: Path, values: dict[str, Any]) -> None:
    config = parse(TrainingConfig, values, "test")
    (tmp_path / "config.toml").write_text(config_text(config), encoding="utf-8")
    assert load_config(tmp_path / "config.toml") == config


def test_a_written_file_says_every_default() -> None:
    text = config_text(parse(TrainingConfig, tomllib.loads(FILE), "test"))
    assert text.startswith('[model]\nfamily = "bert"\npreset = "mini"\n')
    assert '\n[train.schedule]\nshape = "linear"\nwarmup = 0.01\n' in text


def test_no_clipping_survives_the_file() -> None:
    config = parse(TrainingConfig, FULL, "test")
    assert config.train.optimiser.clip is None
    assert "clip = 0.0\n" in config_text(config)


def test_a_value_that_toml_cannot_say() -> None:
    values = {**FULL, "model": {"encoder": {"positions": None}}}
    with pytest.raises(ConfigError, match=r"'model\.encoder': its value cannot be written in TOML"):
        config_text(parse(TrainingConfig, values, "test"))


def test_differences_are_named() -> None:
    one = parse(TrainingConfig, FULL, "test")
    other = parse(TrainingConfig, {**FULL, "train": {**FULL["train"], "steps": 20, "generator": {"size": 0.5}}}, "test")
    assert differing(one, other) == {"train.steps": (10, 20), "train.generator.size": (0.25, 0.5)}
    assert differing(one, one) == {}


SCALARS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])), st.integers(), st.floats(allow_nan=False), st.booleans()
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]))
TABLES = st.recursive(
    st.dictionaries(NAMES, SCALARS | st.lists(SCALARS)),
    lambda inner: st.dictionaries(NAMES, inner | SCALARS | st.lists(inner)),
    max_leaves=10,
)


@given(TABLES)
def test_any_tables_are_read_back(values: dict[str, Any]) -> None:
    assert tomllib.loads(toml(values)) == values
