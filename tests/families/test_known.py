from __future__ import annotations

import pytest

from bertkit.errors import ConfigError
from bertkit.families.catalogue import FAMILIES
from bertkit.families.known import changed, known_models


def test_every_preset_has_a_name_and_other_checkpoints_differ_in_size_alone() -> None:
    models = known_models()
    assert {id(config) for config in models.values()} >= {
        id(config) for family in FAMILIES.values() for config in family.presets.values()
    }
    assert models["bert-base"] == FAMILIES["bert"].presets["base"]
    assert models["bert-base-cased"] == models["bert-base"].model_copy(update={"vocab_size": 28996})
    assert len(models["all-minilm-l6-v2"].layer_of_step) == 6


def test_sizes_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"a question.*multiple of heads"):
        changed(known_models()["bert-base"], {"heads": 7}, "a question")
