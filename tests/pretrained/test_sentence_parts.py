"""The modules behind a Transformer: the library's numbers, and files that both read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Dense,
    Dropout,
    LayerNorm,
    Normalize,
    Pooling,
    Transformer,
)
from torch import nn

import bertkit
from bertkit.config.vectors import ELEMENTWISE
from bertkit.errors import BertkitError
from bertkit.pretrained.sentence_keys import POOLING_FLAGS
from bertkit.pretrained.sentence_parts import activation_path, read_activation
from tests.pretrained.sentence_folders import (
    TEXTS,
    WIDTH,
    assert_same,
    change,
    make_base,
    ours,
    sentence_folder,
    theirs,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
MODES = tuple(POOLING_FLAGS.values())


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("bert"))


def saved(base: Path, place: Path, *modules: nn.Module) -> Path:
    """What the library saves of a model."""
    torch.manual_seed(3)
    for module in modules:
        for parameter in module.parameters():
            nn.init.normal_(parameter, std=0.5)
    SentenceTransformer(modules=[Transformer(str(base)), *modules], device="cpu").save(str(place))
    return place


@pytest.mark.parametrize("mode", MODES)
def test_each_pooling(base: Path, tmp_path: Path, mode: str) -> None:
    flags = {flag: name == mode for flag, name in POOLING_FLAGS.items()}
    assert_same(sentence_folder(base, tmp_path / "st", pooling=flags))


@pytest.mark.parametrize(
    "pooling",
    [
        {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True, "pooling_mode_lasttoken": True},
        {"pooling_mode": ["mean", "cls"]},
        {"pooling_mode": ["max"], "pooling_mode_cls_token": True},
        {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": None},
        {},
    ],
)
def test_poolings_side_by_side_and_none(base: Path, tmp_path: Path, pooling: dict[str, object]) -> None:
    assert_same(sentence_folder(base, tmp_path / "st", pooling=pooling))


@pytest.mark.parametrize("mode", MODES)
def test_a_prompt_that_is_not_pooled(base: Path, tmp_path: Path, mode: str) -> None:
    prompts = {"prompts": {"q": "w3 is : ", "none": ""}, "default_prompt_name": "q"}
    pooling = {"pooling_mode": mode, "include_prompt": False}
    folder = sentence_folder(base, tmp_path / "st", pooling=pooling, model=prompts, transformer={"max_seq_length": 9})
    left_out = assert_same(folder)
    np.testing.assert_allclose(ours(folder, prompt="none"), theirs(folder, prompt_name="none"), atol=5e-6)
    change(folder / "1_Pooling/config.json", include_prompt=True)
    assert (np.abs(left_out - assert_same(folder)).max() > 1e-3) == (mode != "lasttoken")


def test_a_prompt_that_leaves_no_room(base: Path, tmp_path: Path) -> None:
    prompts = {"prompts": {"q": "w1 w2 w3 w4 w5"}, "default_prompt_name": "q"}
    pooling = {"include_prompt": False}
    assert_same(
        sentence_folder(base, tmp_path / "st", pooling=pooling, model=prompts, transformer={"max_seq_length": 5})
    )


CHAINS: dict[str, list[nn.Module]] = {
    "dense": [Pooling(WIDTH), Dense(WIDTH, 16)],
    "dense, no bias": [Pooling(WIDTH), Dense(WIDTH, 16, bias=False, activation_function=nn.Identity())],
    "residual": [Pooling(WIDTH), Dense(WIDTH, WIDTH, use_residual=True)],
    "residual of another width": [Pooling(WIDTH), Dense(WIDTH, 7, use_residual=True, activation_function=nn.GELU())],
    "two": [Pooling(WIDTH, ("cls", "mean")), Dense(2 * WIDTH, 20), Dropout(0.3), Dense(20, 8), Normalize()],
    "norms": [Pooling(WIDTH), LayerNorm(WIDTH), Normalize(), Dense(WIDTH, 9), LayerNorm(9)],
    "on tokens": [Dense(WIDTH, 12, module_input_name="token_embeddings"), Pooling(12, "max"), Normalize()],
    "tokens of length 1": [Normalize("token_embeddings"), Pooling(WIDTH)],
    "nothing to normalise": [Normalize(), Pooling(WIDTH)],
    "aside": [
        Pooling(WIDTH),
        Dense(WIDTH, 5, module_output_name="other"),
        Dense(5, 6, module_input_name="other", module_output_name="sentence_embedding"),
        Normalize("other"),
    ],
}


@pytest.mark.parametrize("name", CHAINS)
def test_modules_both_ways(base: Path, tmp_path: Path, name: str) -> None:
    assert_same(saved(base, tmp_path / "st", *CHAINS[name]))


def test_long_texts_are_one_sequence(base: Path, tmp_path: Path) -> None:
    """Positions, sums and ends over windows are those of the tokens in a row."""
    folder = saved(base, tmp_path / "st", Pooling(WIDTH, MODES), Dense(6 * WIDTH, 4))
    text = " ".join(f"w{number}" for number in range(40))
    model = bertkit.load(folder, dtype="float32", long="window")
    (result,) = model.predict([text])
    windows = result.reading.windows
    assert windows == 2
    rows = model.encoder
    tokens = model.tokenizer.tokenize([text])[0].ids
    halves = [[2, *tokens[start : start + 21], 3] for start in (0, 21)]
    from bertkit.batching.token_batch import TokenBatch

    batch = TokenBatch.pack(halves, [[0] * len(half) for half in halves])
    with torch.inference_mode():
        hidden_TW = rows(batch)
        first, second = hidden_TW[: len(halves[0])], hidden_TW[len(halves[0]) :]
        place_T1 = torch.arange(1, len(hidden_TW) + 1)[:, None]
        pooled = [
            (first[0] + second[0]) / 2,
            hidden_TW.amax(0),
            hidden_TW.mean(0),
            hidden_TW.sum(0) / len(hidden_TW) ** 0.5,
            (hidden_TW * place_T1).sum(0) / place_T1.sum(),
            hidden_TW[-1],
        ]
        expected = model.head.recipe.finish(torch.cat(pooled)[None])[0]  # type: ignore[union-attr, operator]
    np.testing.assert_allclose(result.embedding, expected, atol=1e-5)  # type: ignore[attr-defined]


def test_weights_in_a_bin(base: Path, tmp_path: Path) -> None:
    folder = saved(base, tmp_path / "st", Pooling(WIDTH), Dense(WIDTH, 16))
    weights = folder / "2_Dense/model.safetensors"
    torch.save(load_file(weights), weights.with_name("pytorch_model.bin"))
    weights.unlink()
    assert_same(folder)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_each_activation_is_torchs(name: str) -> None:
    numbers = torch.linspace(-7, 7, 29)
    path = activation_path(name.lower())
    assert read_activation(path, "here") == name.lower()
    assert read_activation(f"torch.nn.{name}", "here") == name.lower()
    module: Any = torch.nn.modules
    for part in path.split(".")[3:]:
        module = getattr(module, part)
    from bertkit.model.vector_steps import ACTIVATIONS

    assert torch.equal(ACTIVATIONS[name.lower()](numbers), module()(numbers))


def no_pooling(folder: Path) -> None:
    (folder / "1_Pooling/config.json").unlink()


def bad_weights(**change_of: Any) -> Any:
    def damage(folder: Path) -> None:
        path = folder / "2_Dense/model.safetensors"
        tensors = load_file(path) | change_of
        save_file({name: tensor for name, tensor in tensors.items() if tensor is not None}, path)

    return damage


def dense_says(**values: object) -> Any:
    return lambda folder: change(folder / "2_Dense/config.json", **values)


DAMAGES = {
    "no file": (no_pooling, r"1_Pooling/config\.json: no such file"),
    "pooling": (
        lambda folder: change(folder / "1_Pooling/config.json", pooling_mode="meen"),
        r"unknown pooling 'meen' \(did you mean 'mean'\?\)",
    ),
    "empty list": (lambda folder: change(folder / "1_Pooling/config.json", pooling_mode=[]), "is an empty list"),
    "null": (dense_says(activation_function=None), "activation_function: text is expected, not null"),
    "width": (dense_says(in_features=9), "in_features is 9, sentence_embedding has 33 numbers"),
    "no width": (dense_says(in_features=None), "in_features: a whole number is expected, not null"),
    "input": (dense_says(module_input_name="scores"), "reads 'scores', which no module before it writes"),
    "outputs": (dense_says(out_features=3), r"linear\.\w+ has shape"),
    "bias": (dense_says(bias=False), r"the tensor linear\.bias belongs to no part"),
    "residual": (dense_says(use_residual=True), r"no tensor residual\.weight"),
    "activation": (
        dense_says(activation_function="torch.nn.Softmax"),
        "activation 'torch.nn.Softmax' is not supported",
    ),
    "code": (dense_says(activation_function="mine.Swish"), "'mine.Swish' is code of its author"),
    "int8": (bad_weights(**{"linear.bias": torch.zeros(16, dtype=torch.int8)}), r"linear\.bias is of int8"),
    "lost": (bad_weights(**{"linear.weight": None}), r"no tensor linear\.weight"),
}


@pytest.mark.parametrize(("damage", "says"), DAMAGES.values(), ids=DAMAGES)
def test_what_does_not_fit_is_refused(base: Path, tmp_path: Path, damage: Any, says: str) -> None:
    folder = saved(base, tmp_path / "st", Pooling(WIDTH), Dense(WIDTH, 16))
    damage(folder)
    with pytest.raises(BertkitError, match=says):
        bertkit.load(folder)


def test_truncated_vectors(base: Path, tmp_path: Path) -> None:
    folder = saved(base, tmp_path / "st", Pooling(WIDTH), Normalize())
    change(folder / "config_sentence_transformers.json", truncate_dim=5)
    assert assert_same(folder).shape == (len(TEXTS), 5)
    assert json.loads((folder / "config_sentence_transformers.json").read_text())["truncate_dim"] == 5
    np.testing.assert_allclose(ours(folder, truncate_dim=3), theirs(folder, truncate_dim=3), atol=5e-6)
    assert ours(folder, truncate_dim=99).shape == (len(TEXTS), WIDTH)
    with pytest.raises(BertkitError, match="truncate_dim is 0"):
        ours(folder, truncate_dim=0)
