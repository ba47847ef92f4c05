"""A loaded model that is served: for as much as anyone asks for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

import bertkit
from bertkit.formats.rows import Row
from bertkit.inference.served import MOST_FILLS, Manner, ServedModel
from bertkit.inference.serving import SharedWeights, load_served, served
from bertkit.tasks.contract import Result
from tests.parity.task_peers import make_task_peer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    make_task_peer("text-classification", folder)
    return folder


def ask(model: ServedModel, fields: dict[str, object], manner: Manner) -> Result:
    pipeline = model.pipeline(manner)
    request = pipeline.prepare(Row(fields, "row 1"))
    return model.finish(pipeline, request, model.engine.run(request.windows))


def test_prompts_are_those_of_the_folder() -> None:
    model = load_served("e", None, "sentence-embedding")
    assert (model.name, dict(model.prompts), model.max_length, model.width) == ("e", {}, 256, 384)


def test_an_encoder_gives_a_vector_a_token_too(folder: Path) -> None:
    vectors = load_served("v", folder, "sentence-embedding")
    tokens = vectors.token_vectors
    assert tokens is not None
    assert tokens.engine.backend.network.encoder is vectors.engine.backend.network.encoder  # type: ignore[attr-defined]
    got = ask(tokens, {"text": "w1 w2"}, Manner()).record()
    assert got == bertkit.load(folder, task="feature-extraction").predict("w1 w2").record()
    assert tokens.token_vectors is None


def test_masks_are_filled_with_as_many_as_anyone_asks_for() -> None:
    model = bertkit.load(task="fill-mask", top_k=2)
    masks = served("masks", model)
    text = "she was born in [MASK]."
    for top_k, count in ((None, 2), (1, 1), (MOST_FILLS, MOST_FILLS)):
        fills = ask(masks, {"text": text}, Manner.of(top_k=top_k)).record()["fills"]
        assert len(fills[0]) == count  # type: ignore[index]
    assert ask(masks, {"text": text}, Manner()).record() == model.predict(text).record()


@pytest.mark.parametrize("task", ["sentence-embedding", "text-classification"])
def test_what_becomes_of_its_files_is_nothing_to_a_model_that_is_served(
    folder: Path, tmp_path: Path, task: str
) -> None:
    own = tmp_path / "own"
    shutil.copytree(folder, own)
    model = load_served("v", own, task)
    before = ask(model, {"text": "w1 w2"}, Manner()).record()
    (file,) = own.glob("*.safetensors")
    assert str(file) not in Path("/proc/self/maps").read_text()
    file.write_bytes(b"\x11" * 64)  # in place: what is mapped would change, or end the process
    shutil.rmtree(own)
    assert ask(model, {"text": "w1 w2"}, Manner()).record() == before


def test_two_names_of_the_same_weights_stay_the_same() -> None:
    table, decoder = nn.Embedding(5, 3), nn.Linear(3, 5)
    decoder.weight = nn.Parameter(table.weight.data)
    both = nn.ModuleList([table, decoder])
    pointer, values = table.weight.data_ptr(), table.weight.detach().clone()
    SharedWeights().take(both)
    assert table.weight.data_ptr() == decoder.weight.data_ptr() != pointer
    assert torch.equal(table.weight, values)


def test_adapters_of_one_base_share_its_weights_and_answer_as_alone() -> None:
    weights = SharedWeights()
    tasks = {"text-classification": {"text": "a warm film"}, "token-classification": {"text": "Ada in London"}}
    models, sizes = [], []
    for task in (*tasks, "text-classification"):
        models.append(load_served(task, None, task, weights, dtype="float32"))
        sizes.append(sum(one.numel() for one in weights._known.values()))
    tables = [one.engine.backend.network.encoder.embeddings.token.weight for one in models]  # type: ignore[attr-defined]
    assert tables[0].data_ptr() == tables[1].data_ptr()
    assert sizes[1] < 1.5 * sizes[0], "an adapter is merged into the layers that it changes, which are its own"
    assert sizes[2] == sizes[1], "packed ones are shared too"
    for model, (task, row) in zip(models[:2], tasks.items(), strict=True):
        assert ask(model, row, Manner()).record() == bertkit.load(task=task, dtype="float32").predict(row).record()


def test_weights_that_differ_in_one_number_are_not_shared() -> None:
    one, other, third = nn.Linear(3, 4), nn.Linear(3, 4), nn.Linear(4, 3)
    other.load_state_dict(one.state_dict())
    third.weight.data = one.weight.data.reshape(3, 4)
    with torch.no_grad():
        other.bias[0] += 1
    weights = SharedWeights()
    for layer in (one, other, third):
        weights.take(layer)
    assert one.weight.data_ptr() == other.weight.data_ptr() != third.weight.data_ptr()
    assert one.bias.data_ptr() != other.bias.data_ptr()
