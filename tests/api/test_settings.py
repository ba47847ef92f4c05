from __future__ import annotations

import pytest

from bertkit.api.settings import FinetuneOptions, finetune_config, sweep_config
from bertkit.config.options import Values
from bertkit.errors import ConfigError, UserError


def values() -> Values:
    return {"task": {"name": "text-classification"}, "data": {"train": "a.jsonl"}, "run": {"directory": "out"}}


def test_options_and_settings_are_one_configuration() -> None:
    settings = {"train.patience": 2, "train": {"seed": 7}}
    options = {"epochs": 3.0, "label_column": "stars", "quick": None}
    config = finetune_config("finetune()", values(), options, FinetuneOptions, settings)
    assert (config.train.epochs, config.train.patience, config.train.seed) == (3.0, 2, 7)
    assert config.data.columns == {"label": "stars"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"epoch": 3}, r"no option 'epoch' \(did you mean 'epochs'"),
        ({"patience": 2}, "it is the setting 'train.patience'"),
    ],
)
def test_an_option_that_there_is_not(options: dict[str, object], says: str) -> None:
    with pytest.raises(UserError, match=says):
        finetune_config("finetune()", values(), options, FinetuneOptions, None)


@pytest.mark.parametrize("settings", [{"train.patiense": 2}, {"task.name.x": 1}, {"train.epochs": -1}])
def test_a_setting_that_there_is_not(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as raised:
        finetune_config("finetune()", values(), {}, FinetuneOptions, settings)
    assert raised.value.remedy == "Correct this argument of the call."


def test_a_sweep_has_settings_of_runs_and_of_its_search() -> None:
    settings = {"search.epochs": [1, 2], "train.patience": 2}
    config = sweep_config("sweep()", values(), {}, {"seeds": None, "search": 4}, settings)
    assert (config.search, config.space.epochs, config.base.train.patience) == (4, [1.0, 2.0], 2)
    for count in ({"seeds": None, "search": None}, {"seeds": 2, "search": 4}):
        with pytest.raises(UserError, match="seeds"):
            sweep_config("sweep()", values(), {}, count, None)
