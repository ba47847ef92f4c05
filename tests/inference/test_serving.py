"""A loaded model that is served: for as much as anyone asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

import bertkit
from bertkit.formats.rows import Row
from bertkit.inference.served import MOST_FILLS, Manner, ServedModel
from bertkit.inference.serving import load_served, served
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
