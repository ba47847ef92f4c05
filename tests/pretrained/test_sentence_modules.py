"""`modules.json` of any shape, and the ways of routers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Router
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

import bertkit
from bertkit.errors import BertkitError, ConfigError, UserError
from bertkit.pretrained.convert import convert
from bertkit.pretrained.describe import describe
from bertkit.pretrained.loading import open_pretrained
from bertkit.pretrained.sentence_modules import read_chain
from tests.parity.bert_peer import Sizes, make_peer
from tests.pretrained.sentence_folders import TEXTS, WIDTH, assert_same, make_base, ours, sentence_folder, theirs, write

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
MODULE = {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("bert"))


SHAPES = [
    ([], "names no module"),
    ({"0": {}}, "a list is expected"),
    (None, "a list is expected, not null"),
    ([None], "module 0: an object is expected, not null"),
    ([[]], "module 0: an object is expected"),
    ([{"idx": 0, "name": "0", "path": ""}], "a module without a type"),
    ([{"type": MODULE["type"]}], "a module without a path"),
    ([{**MODULE, "path": None}], "path: text is expected, not null"),
    ([{**MODULE, "type": 3}], "type: text is expected, not 3"),
    ([{**MODULE, "path": "../other"}], "leads out of the model's folder"),
    ([{**MODULE, "path": "/etc"}], "leads out of the model's folder"),
    ([{**MODULE, "path": "a\\..\\b"}], "leads out of the model's folder"),
    ([{**MODULE, "type": "custom_st.Transformer"}], "'custom_st.Transformer' is code of its author"),
    (
        [{**MODULE, "type": "sentence_transformers.models.Densee"}],
        r"Densee is not supported \(did you mean 'Dense'\?\)",
    ),
    ([{**MODULE, "type": "sentence_transformers.models.Pooling"}], "the first module is Pooling, not a Transformer"),
    ([MODULE, {**MODULE, "name": "1"}], "2 Transformers, one after the other"),
    ([{**MODULE, "path": "1_Router", "type": "sentence_transformers.models.Router"}], r"no router_config\.json"),
]


def test_any_shape(tmp_path: Path) -> None:
    assert read_chain(tmp_path, None) is None
    for content, says in SHAPES:
        write(tmp_path / "modules.json", content)
        with pytest.raises(ConfigError, match=says):
            read_chain(tmp_path, None)
    for text in ("", "[", "\xff", "[" * 100_000):
        (tmp_path / "modules.json").write_text(text)
        with pytest.raises(ConfigError, match=r"modules\.json: not JSON"):
            read_chain(tmp_path, None)


def test_a_transformer_without_pooling(base: Path, tmp_path: Path) -> None:
    folder = sentence_folder(base, tmp_path / "st")
    for modules in (
        [MODULE],
        [MODULE, *[{**MODULE, "name": n, "type": "sentence_transformers.models.Pooling"} for n in "12"]],
    ):
        write(folder / "modules.json", modules)
        with pytest.raises(ConfigError, match="modules of kind Pooling, one is wanted"):
            open_pretrained(folder)


@pytest.mark.parametrize("name", ["0_Transformer", "0_BERT"])
def test_a_transformer_in_a_folder_of_its_own(base: Path, tmp_path: Path, name: str) -> None:
    folder = sentence_folder(base, tmp_path / "st", transformer={"max_seq_length": 6})
    (folder / name).mkdir()
    for file in [path for path in folder.iterdir() if path.is_file() and path.name != "modules.json"]:
        shutil.move(file, folder / name / file.name)
    (folder / "README.md").write_text("# Mine\n")
    modules = json.loads((folder / "modules.json").read_text())
    write(folder / "modules.json", [{**modules[0], "path": name}, modules[1]])
    assert_same(folder)
    facts = describe(folder)
    assert (facts.width, facts.tasks[0], list(facts.sha256)) == (WIDTH, "sentence-embedding", ["model.safetensors"])
    bertkit.load(folder).save(tmp_path / "saved")
    assert (tmp_path / "saved/README.md").read_text() == "# Mine\n"


@pytest.fixture(scope="module")
def routed(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another encoder for queries than for documents, and what both pass after it."""
    place = tmp_path_factory.mktemp("routed")
    make_peer(Sizes(layers=1), place / "small", seed=4)
    torch.manual_seed(5)
    router = Router.for_query_document(
        [Transformer(str(place / "small"), max_seq_length=7), Pooling(WIDTH, "cls")],
        [Transformer(str(base)), Pooling(WIDTH)],
    )
    prompts = {"query": "w4 : ", "other": "w8 "}
    SentenceTransformer(modules=[router, Normalize()], prompts=prompts, device="cpu").save(str(place / "st"))
    return place / "st"


def test_a_router_at_the_beginning(routed: Path, tmp_path: Path) -> None:
    peer = SentenceTransformer(str(routed), device="cpu")
    of = {None: peer.encode, "query": peer.encode_query, "document": peer.encode_document}
    for prompt, encode in of.items():
        np.testing.assert_allclose(ours(routed, prompt=prompt), encode(TEXTS), atol=5e-6)
    np.testing.assert_allclose(ours(routed, prompt="other"), peer.encode(TEXTS, prompt_name="other"), atol=5e-6)
    assert bertkit.load(routed, prompt="query").max_length == 7
    assert np.abs(ours(routed, prompt="query") - ours(routed)).max() > 0.01
    assert describe(routed).layers == 2
    bertkit.load(routed, prompt="query").save(tmp_path / "saved")
    again = SentenceTransformer(str(tmp_path / "saved"), device="cpu")
    np.testing.assert_array_equal(again.encode_query(TEXTS), peer.encode_query(TEXTS))
    np.testing.assert_array_equal(again.encode_document(TEXTS), peer.encode_document(TEXTS))
    with pytest.raises(UserError, match=r"no prompt is called 'quary' \(did you mean 'query'\?\)"):
        bertkit.load(routed, prompt="quary")
    with pytest.raises(UserError, match="a model of several encoders is written as it is"):
        convert(routed, tmp_path / "c", "sentence-transformers", {"pooling": "max"})


def test_a_router_behind_the_pooling(base: Path, tmp_path: Path) -> None:
    """The way of old asymmetric models: one encoder, a dense layer for each kind of text."""
    torch.manual_seed(6)
    router = Router({"s2p": [Dense(WIDTH, 8)], "document": [Dense(WIDTH, 8)]})
    modules = [Transformer(str(base)), Pooling(WIDTH), router]
    SentenceTransformer(modules=modules, device="cpu").save(str(tmp_path / "st"))
    folder = tmp_path / "st"
    assert_same(folder)
    for task in ("s2p", "document"):
        np.testing.assert_allclose(ours(folder, prompt=task), theirs(folder, task=task), atol=5e-6)
    with pytest.raises(BertkitError, match="no way for 'query'"):
        ours(folder, prompt="query")


MAPPINGS = [
    {"('query', 'text')": "b", "(None, None)": "a"},
    {"('query', None)": "b"},
    {"(None, 'text')": "b"},
    {"(None, ('image', 'text'))": "a", "not a tuple": "a"},
]


@pytest.mark.parametrize("mappings", MAPPINGS)
@pytest.mark.parametrize("default", [None, "b"])
def test_mapped_ways(base: Path, tmp_path: Path, mappings: dict[str, str], default: str | None) -> None:
    torch.manual_seed(6)
    router = Router({"a": [Dense(WIDTH, 4)], "b": [Dense(WIDTH, 5)]})
    modules = [Transformer(str(base)), Pooling(WIDTH), router]
    SentenceTransformer(modules=modules, device="cpu").save(str(tmp_path / "st"))
    path = tmp_path / "st/2_Router/router_config.json"
    values = json.loads(path.read_text())
    write(path, {**values, "parameters": {"default_route": default, "route_mappings": mappings}})
    peer = SentenceTransformer(str(tmp_path / "st"), device="cpu")
    for task in (None, "query", "a"):
        try:
            expected = peer.encode(TEXTS, task=task) if task else peer.encode(TEXTS)
        except ValueError:
            with pytest.raises(BertkitError, match="no way for"):
                ours(tmp_path / "st", prompt=task)
        else:
            np.testing.assert_allclose(ours(tmp_path / "st", prompt=task), expected, atol=5e-6)


ROUTER_SHAPES = [
    ([], "an object is expected"),
    ({"types": None}, "types: an object is expected"),
    ({"structure": []}, "structure: an object is expected"),
    ({"structure": {}}, "names no way"),
    ({"structure": {"query": None}}, "structure.query: a list is expected"),
    ({"structure": {"document": ["nothing"]}}, "has a module 'nothing' of no type"),
    ({"types": {"document_0_Transformer": None}}, "a module without a type"),
    ({"types": {"../x": "sentence_transformers.models.Pooling"}}, "leads out of the model's folder"),
    ({"parameters": {"default_route": "none"}}, "no way is called 'none'"),
    ({"parameters": {"default_route": None, "allow_empty_key": False}}, "no way without a prompt"),
    ({"parameters": {"route_mappings": {"(None, None)": "none"}}}, "no way is called 'none'"),
    ({"parameters": {"allow_empty": True}}, r"unknown key 'allow_empty' \(did you mean 'allow_empty_key'\?\)"),
]


def test_a_router_of_any_shape(routed: Path, tmp_path: Path) -> None:
    shutil.copytree(routed, tmp_path / "st")
    path = tmp_path / "st/router_config.json"
    values = json.loads(path.read_text())
    for shape, says in ROUTER_SHAPES:
        write(path, values | shape if isinstance(shape, dict) else shape)
        with pytest.raises(BertkitError, match=says):
            open_pretrained(tmp_path / "st")
