"""Adapters: found wherever they are opened from, with all that their model's files say; damaged ones refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer

import bertkit
from bertkit.checkpoints.stored import StoredTensors
from bertkit.errors import BadCheckpoint, BertkitError, ModelNotFound
from bertkit.pretrained.adapter_writing import write_adapter
from bertkit.pretrained.adapters import Adapter, Base, read_adapter
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.loading import open_pretrained
from bertkit.pretrained.sentence_transformers import CrossEncoderSettings, Prompts
from tests.pretrained.sentence_folders import TEXTS, WIDTH, change, make_base, our_scores, ours, theirs

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """An embedder with all that an adapter could forget."""
    make_base(tmp_path / "bert")
    torch.manual_seed(0)
    SentenceTransformer(
        modules=[
            Transformer(str(tmp_path / "bert"), max_seq_length=9),
            Pooling(WIDTH, "cls", include_prompt=False),
            Dense(WIDTH, 8),
        ],
        prompts={"query": "w3 : ", "passage": "city "},
        default_prompt_name="passage",
        device="cpu",
    ).save(str(tmp_path / "base"))
    return tmp_path / "base"


def adapter_on(source: Pretrained, place: Path, base: Base | str | None, head: str | None = None) -> Adapter:
    random = torch.Generator().manual_seed(1)
    tensors = {
        "layers.1.mlp.up.lower": torch.randn(2, WIDTH, generator=random),
        "layers.1.mlp.up.upper": torch.randn(37, 2, generator=random),
    }
    if head is not None:
        tensors |= {"head.classifier.weight": torch.randn(1, WIDTH), "head.classifier.bias": torch.zeros(1)}
    return Adapter(base, source.fingerprint(), head, 0.5, {}, StoredTensors.of(tensors))


def write_on(source: Pretrained, place: Path, typed: str) -> None:
    adapter = adapter_on(source, place, Base.of(typed, source.source, place))
    write_adapter(adapter, place, "# Card", source.settings, None, WIDTH)


def test_an_embedder_keeps_its_settings(base: Path, tmp_path: Path) -> None:
    source = open_pretrained(base)
    write_on(source, tmp_path / "adapter", str(base))
    opened = open_pretrained(tmp_path / "adapter")
    assert opened.settings is not None
    assert source.settings is not None
    assert replace(opened.settings, parts=source.settings.parts) == source.settings
    vectors = ours(tmp_path / "adapter")
    assert vectors.shape == (len(TEXTS), 8)
    assert np.abs(vectors - ours(base)).max() > 1e-3
    assert np.abs(ours(tmp_path / "adapter", prompt="query") - vectors).max() > 1e-3
    model = bertkit.load(tmp_path / "adapter")
    assert (model.task.name, model.max_length) == ("sentence-embedding", 9)
    model.save(tmp_path / "saved")
    np.testing.assert_allclose(theirs(tmp_path / "saved"), vectors, atol=5e-6)
    assert (tmp_path / "saved/README.md").read_text() == "# Card"


def test_a_ranker_keeps_being_one(base: Path, tmp_path: Path) -> None:
    source = open_pretrained(tmp_path / "bert")
    adapter = adapter_on(source, tmp_path / "a", Base.of(str(tmp_path / "bert"), source.source, tmp_path / "a"))
    head = {"head.classifier.weight": torch.ones(1, WIDTH), "head.classifier.bias": torch.zeros(1)}
    values = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "relevance"}}
    adapter = replace(
        adapter, head_name="text-classification", tensors=StoredTensors.of({**adapter.tensors, **head}), values=values
    )
    settings = CrossEncoderSettings("tanh", Prompts({"q": "w1 "}, "q"))
    write_adapter(adapter, tmp_path / "a", "# Card", None, settings, WIDTH)
    opened = open_pretrained(tmp_path / "a")
    assert (opened.tasks()[0], opened.cross_encoder) == ("text-ranking", settings)
    assert our_scores(tmp_path / "a") != our_scores(tmp_path / "a", activation="identity")


@pytest.mark.parametrize("typed", ["relative", "absolute"])
def test_it_opens_from_any_folder(base: Path, tmp_path: Path, typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path)
    name = "base" if typed == "relative" else str(base)
    write_on(open_pretrained(Path(name)), Path("run/adapter"), name)
    expected = ours(tmp_path / "run/adapter")
    monkeypatch.chdir(tmp_path / "run")
    np.testing.assert_array_equal(ours(Path("adapter")), expected)
    moved = tmp_path / "elsewhere/run"
    shutil.copytree(tmp_path / "run", moved)  # alone: its base is where it was
    np.testing.assert_array_equal(ours(moved / "adapter"), expected)
    base.rename(tmp_path / "elsewhere/base")  # both: its base is as far from it as before
    np.testing.assert_array_equal(ours(moved / "adapter"), expected)
    with pytest.raises(ModelNotFound, match=r"adapter: its base is not in .*base") as caught:
        open_pretrained(tmp_path / "run/adapter")
    assert caught.value.remedy.startswith("Say where the base is in adapter.json")
    change(tmp_path / "run/adapter/adapter.json", base={"folder": "../../elsewhere/base"})
    np.testing.assert_array_equal(ours(tmp_path / "run/adapter"), expected)


def test_what_the_base_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "a"
    assert Base.of(None, tmp_path, place) is None
    assert Base.of("org/name", tmp_path, place) == Base(hub="org/name")
    cached = tmp_path / "hub/models--org--name/snapshots/0123abc"
    monkeypatch.setattr("bertkit.pretrained.adapters.is_cached", lambda folder: folder == cached)
    assert Base.of("org/name", cached, place) == Base(hub="org/name", revision="0123abc")
    assert Base.of(str(tmp_path), tmp_path, place) == Base(folder="..", absolute=str(tmp_path.resolve()))


def test_the_first_version(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base is as it was typed, and an embedder's settings are the base's."""
    adapter = adapter_on(open_pretrained(base), tmp_path / "a", str(base))
    write_adapter(adapter, tmp_path / "a", "# Card")
    change(tmp_path / "a/adapter.json", schema_version=1)
    assert ours(tmp_path / "a").shape == (len(TEXTS), 8)
    change(tmp_path / "a/adapter.json", base="../base")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert ours(tmp_path / "a", prompt="query").shape == (len(TEXTS), 8)


def test_an_adapter_on_an_adapter(base: Path, tmp_path: Path) -> None:
    write_on(open_pretrained(base), tmp_path / "one", str(base))
    write_on(open_pretrained(tmp_path / "one"), tmp_path / "two", str(tmp_path / "one"))
    assert np.abs(ours(tmp_path / "two") - ours(tmp_path / "one")).max() > 1e-3
    other = adapter_on(open_pretrained(base), tmp_path / "one", str(base))
    tensors = {name: tensor + 1 for name, tensor in other.tensors.items()}
    save_file(tensors, tmp_path / "one/adapter.safetensors")
    with pytest.raises(BadCheckpoint, match="was trained on other weights than"):
        open_pretrained(tmp_path / "two")


def test_an_adapter_whose_base_is_itself(base: Path, tmp_path: Path) -> None:
    for name, other in (("one", "one"), ("one", "two"), ("two", "one")):
        write_on(open_pretrained(base), tmp_path / name, str(base))
        change(tmp_path / name / "adapter.json", base={"folder": f"../{other}"})
        if name == "one" and other == "two":
            continue
        with pytest.raises(BadCheckpoint, match="the base of the adapter is the adapter itself"):
            open_pretrained(tmp_path / name)


GOOD: Mapping[str, object] = {
    "schema_version": 2,
    "base": None,
    "base_sha256": "0",
    "head_name": None,
    "scale": 1.0,
    "values": {},
}


def test_adapter_json_of_any_shape(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "adapter.safetensors")
    path = tmp_path / "adapter.json"
    for text in ("", "[", "[]", "null", "7", '"text"', "[" * 100_000, "\xff"):
        path.write_text(text)
        with pytest.raises(BadCheckpoint, match=r"adapter\.json: "):
            read_adapter(tmp_path)
    for key in GOOD:
        for value in (None, [], 7.5, "text", {"a": 1}, {"folder": "a", "hub": "b"}, {}, float("nan")):
            path.write_text(json.dumps({**GOOD, key: value}))
            try:
                read_adapter(tmp_path)
            except BadCheckpoint as error:
                assert key in error.what or "schema" in error.what  # noqa: PT017
        path.write_text(json.dumps({name: value for name, value in GOOD.items() if name != key}))
        with pytest.raises(BadCheckpoint, match=key):
            read_adapter(tmp_path)
    path.write_text(json.dumps({**GOOD, "head_nam": None}))
    with pytest.raises(BadCheckpoint, match=r"unknown key 'head_nam' \(did you mean 'head_name'\?\)"):
        read_adapter(tmp_path)
    path.write_text(json.dumps({**GOOD, "schema_version": 3}))
    with pytest.raises(BadCheckpoint, match="is of another version of bertkit"):
        read_adapter(tmp_path)


def test_tensors_that_do_not_fit(base: Path, tmp_path: Path) -> None:
    write_on(open_pretrained(base), tmp_path / "a", str(base))
    up = "layers.1.mlp.up"
    bad: list[tuple[dict[str, torch.Tensor], str]] = [
        ({f"{up}.upper": torch.ones(37, 2)}, f"{up} does not fit"),
        ({f"{up}.upper": torch.ones(37, 2), f"{up}.lower": torch.ones(3, WIDTH)}, f"{up} does not fit"),
        ({"layers.9.mlp.up.upper": torch.ones(1), "layers.9.mlp.up.lower": torch.ones(1)}, "does not fit"),
        ({"layers.1.mlp.up.bias": torch.ones(3)}, r"has shape \(3,\)"),
        ({f"{up}.lower": torch.ones(2, 2, dtype=torch.int8)}, "is of int8, not of floating point numbers"),
    ]
    for tensors, says in bad:
        save_file(tensors, tmp_path / "a/adapter.safetensors")
        with pytest.raises(BertkitError, match=says):
            open_pretrained(tmp_path / "a")
    (tmp_path / "a/adapter.safetensors").unlink()
    with pytest.raises(BertkitError, match=r"adapter\.safetensors"):
        open_pretrained(tmp_path / "a")


@pytest.mark.parametrize(
    ("values", "says"),
    [({"head_name": "no-head"}, "has no head 'no-head'"), ({"values": {"model_type": "roberta"}}, "model_type")],
)
def test_a_head_or_a_type_that_the_base_has_not(
    base: Path, tmp_path: Path, values: dict[str, object], says: str
) -> None:
    write_on(open_pretrained(base), tmp_path / "a", str(base))
    change(tmp_path / "a/adapter.json", **values)
    with pytest.raises(BadCheckpoint, match=says):
        open_pretrained(tmp_path / "a")
