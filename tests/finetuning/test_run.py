from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bertkit.config.finetuning import FinetuneConfig, StartTable
from bertkit.config.strict import parse
from bertkit.errors import ConfigError
from bertkit.finetuning.distillation import distillation_data, open_student
from bertkit.finetuning.recipe import TrainingRecipe
from bertkit.finetuning.run import build_model, direct_reading, freeze, learns_the_same, loop_table
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.loading import open_pretrained
from bertkit.pretrained.sentence_transformers import SentenceSettings
from tests.parity.bert_peer import Sizes
from tests.parity.task_peers import make_task_peer

CPU = torch.device("cpu")
SIZES = Sizes(layers=4, segment_types=2, positions=40)


def config(start: Path, texts: Path, **tables: object) -> FinetuneConfig:
    values = {
        "task": {"name": "text-classification"},
        "teacher": {"start": str(start), "layers": 2, "temperature": 2.0},
        "data": {"train": str(texts)},
        "run": {"directory": "run"},
    }
    return parse(FinetuneConfig, values | tables, "the test")


def test_texts_without_labels_say_nothing_of_their_shares(tmp_path: Path) -> None:
    make_task_peer("text-classification", tmp_path / "teacher", sizes=SIZES)
    make_task_peer("token-classification", tmp_path / "student", sizes=Sizes(1, segment_types=2))
    described = json.loads((tmp_path / "teacher/config.json").read_text())
    described["problem_type"] = "multi_label_classification"
    (tmp_path / "teacher/config.json").write_text(json.dumps(described))
    (tmp_path / "texts.txt").write_text("".join(f"w{number}\n" for number in range(20)))
    about_teacher = {"start": str(tmp_path / "teacher"), "temperature": 2.0}
    about_student = {"start": str(tmp_path / "student")}
    settings = config(tmp_path / "teacher", tmp_path / "texts.txt", teacher=about_teacher, model=about_student)
    teacher = open_pretrained(tmp_path / "teacher")
    tokenizer = teacher.load_tokenizer()
    student = open_student(settings, teacher, tokenizer)
    data = distillation_data(settings, teacher, student, tokenizer, CPU).data
    assert data.problem == "multi-label"
    (objective,) = build_model(settings, student, data, CPU).training_module.each()
    biases = [value for name, value in objective.named_parameters() if name.endswith("classifier.bias")]
    assert [value.tolist() for value in biases] == [[0.0, 0.0, 0.0]]


RECIPE = TrainingRecipe(epochs=2.5, learning_rate=3e-4, head_times=7.0, patience=None)


@pytest.mark.parametrize(("steps_per_epoch", "steps", "each"), [(8, 20, 4), (1, 2, 1), (100, 250, 50)])
def test_epochs_are_steps_and_each_is_measured_as_often_as_was_asked(
    steps_per_epoch: int, steps: int, each: int, tmp_path: Path
) -> None:
    settings = config(tmp_path, tmp_path / "t.csv", train={"evaluations": 2, "seed": 5, "micro_batch_tokens": 77})
    table = loop_table(settings, RECIPE, steps_per_epoch)
    assert (table.steps, table.evaluate_every, table.checkpoint_every) == (steps, each, each)
    assert (table.optimiser.learning_rate, table.optimiser.head_times) == (3e-4, 7.0)
    assert (table.seed, table.micro_batch_tokens) == (5, 77)


def test_a_run_has_one_step_at_least(tmp_path: Path) -> None:
    assert loop_table(config(tmp_path, tmp_path / "t.csv"), replace(RECIPE, epochs=0.1), 1).steps == 1


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Pretrained:
    folder = tmp_path_factory.mktemp("model")
    make_task_peer("text-classification", folder, sizes=SIZES)
    return open_pretrained(folder)


LEARNING: dict[str, tuple[dict[str, object], set[str]]] = {
    "all": ({}, {"embeddings", "layers.0", "layers.1", "layers.2", "layers.3", "pooler"}),
    "the last two layers": ({"frozen_layers": 2}, {"layers.2", "layers.3", "pooler"}),
    "the head": ({"head_only": True}, {"pooler"}),
    "adapters": ({"lora": {"rank": 2}}, {"layers.0", "layers.1", "layers.2", "layers.3", "pooler"}),
}


@pytest.mark.parametrize(("table", "learning"), LEARNING.values(), ids=LEARNING)
def test_which_parts_learn(table: dict[str, object], learning: set[str], source: Pretrained) -> None:
    encoder = source.build_encoder().float()
    freeze(encoder, StartTable.model_validate(table), torch.Generator().manual_seed(0))
    names = [name for name, weight in encoder.named_parameters() if weight.requires_grad]
    assert {".".join(name.split(".")[: 2 if name.startswith("layers") else 1]) for name in names} == learning
    if "lora" in table:
        assert all(name.endswith((".lower", ".upper")) for name in names if name.startswith("layers"))


def test_no_more_layers_are_frozen_than_there_are(source: Pretrained) -> None:
    with pytest.raises(ConfigError, match="frozen_layers is 5, and the encoder has 4"):
        freeze(source.build_encoder(), StartTable(frozen_layers=5), torch.Generator())


def test_a_head_goes_on_where_it_has_the_same_labels_in_the_same_order(source: Pretrained) -> None:
    tokenizer = source.load_tokenizer()

    def same(name: str, **options: object) -> bool:
        return learns_the_same(source, source.build_task(name, tokenizer, **options))

    assert same("text-classification")
    assert not same("text-classification", labels=("yes", "no", "maybe"))
    assert not same("text-classification", labels=("no", "yes"))
    assert not learns_the_same(
        source, source.build_task("token-classification", tokenizer, labels=("no", "yes", "maybe"))
    )


def test_a_new_head_reads_what_the_encoder_was_trained_to_be_read_by(source: Pretrained) -> None:
    task = source.build_task("text-classification", source.load_tokenizer())
    assert direct_reading(source, task) is None, "a pooler that was trained is read"
    without = replace(source, config=source.config.model_copy(update={"pooler": False}))
    assert direct_reading(without, task) == "mean"
    for pooling, reading in ((("mean", "max"), "mean"), (("cls",), "first"), (("max",), None)):
        settings = SentenceSettings()
        settings = replace(settings, parts=replace(settings.parts, pooling=pooling))
        assert direct_reading(replace(source, settings=settings), task) == reading
    tags = source.build_task("token-classification", source.load_tokenizer(), labels=("O",))
    assert direct_reading(without, tags) is None
