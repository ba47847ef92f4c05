from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bertkit.config.training_file import config_text, load_config
from bertkit.families.catalogue import FAMILIES
from bertkit.objectives.pretraining import objective_weights

EXAMPLES = Path(__file__).parents[2] / "examples"
RECIPES = sorted(EXAMPLES.rglob("*.toml"))
SCRIPTS = sorted([*EXAMPLES.rglob("*.sh"), *EXAMPLES.rglob("*.sbatch")])
LEARNS = {
    "bert-base": ["fill-mask", "next-sentence-prediction"],
    "roberta-base": ["fill-mask"],
    "albert-base": ["fill-mask", "sentence-order-prediction"],
    "distilbert-base": ["teacher-predictions", "fill-mask", "teacher-directions"],
    "electra-small": ["replaced-token-detection", "generator-fill-mask"],
    "modernbert-base": ["fill-mask"],
}


def test_there_are_recipes_and_scripts() -> None:
    assert {path.stem for path in RECIPES} == {*LEARNS, "config"}
    assert len(SCRIPTS) == 4


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_a_run(path: Path) -> None:
    config = load_config(path)
    encoder = FAMILIES[config.model.family].presets[str(config.model.preset)]
    lengths = [config.data.length, *(phase.length for phase in config.data.phases)]
    assert max(lengths) <= encoder.max_length
    assert all(phase.step < config.train.steps for phase in config.data.phases)
    assert config_text(config)


@pytest.mark.parametrize(("name", "objectives"), LEARNS.items(), ids=LEARNS)
def test_a_recipe_learns_what_its_paper_says(name: str, objectives: list[str]) -> None:
    config = load_config(EXAMPLES / f"recipes/{name}.toml")
    assert list(objective_weights(config.train, config.data.sequences)) == objectives
    assert config.run.directory == f"runs/{name}"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_sound_and_says_how_it_is_used(path: Path) -> None:
    assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0
    done = subprocess.run(["bash", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")
