"""Every key of sentence-transformers' files through its verdict: the library's own lists of keys are walked.

Honoured: the numbers change, as the library changes them. Harmless: neither side's change. Refused: named in the error.
"""

from __future__ import annotations

import inspect
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sentence_transformers as library
from safetensors.torch import save_file
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Router, Transformer
from sentence_transformers.sentence_transformer.modules import Dropout, LayerNorm, Pooling

import bertkit
from bertkit.errors import BertkitError, ConfigError
from bertkit.pretrained import sentence_keys as keys
from bertkit.pretrained.loading import open_pretrained
from bertkit.pretrained.sentence_keys import KeyTable
from bertkit.pretrained.sentence_modules import KINDS, REFUSED
from bertkit.pretrained.sentence_transformers import TRANSFORMER_FILES
from tests.pretrained.sentence_folders import (
    TEXTS,
    WIDTH,
    change,
    make_base,
    our_scores,
    ours,
    sentence_folder,
    their_scores,
    theirs,
    write,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
TABLES: Mapping[str, KeyTable] = {
    "sentence_bert_config.json": keys.TRANSFORMER,
    "1_Pooling/config.json": keys.POOLING,
    "2_Dense/config.json": keys.DENSE,
    "3_LayerNorm/config.json": keys.LAYER_NORM,
    "4_Dropout/config.json": keys.DROPOUT,
    "5_Normalize/config.json": keys.NORMALIZE,
    "config_sentence_transformers.json": keys.MODEL,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has a module of every kind, and prompts."""
    base = make_base(tmp_path_factory.mktemp("bert"))
    folder = sentence_folder(
        base,
        tmp_path_factory.mktemp("st") / "whole",
        transformer={"max_seq_length": 9},
        model={"prompts": {"q": "w1 : ", "other": "city "}},
        more=("Dense", "LayerNorm", "Dropout", "Normalize"),
    )
    numbers = np.random.default_rng(0)

    def tensors(**shapes: tuple[int, ...]) -> dict[str, Any]:
        import torch

        return {
            name.replace("_", "."): torch.tensor(numbers.normal(size=shape), dtype=torch.float32)
            for name, shape in shapes.items()
        }

    write(
        folder / "2_Dense/config.json",
        {
            "in_features": WIDTH,
            "out_features": WIDTH,
            "bias": True,
            "activation_function": "torch.nn.modules.linear.Identity",
        },
    )
    save_file(tensors(linear_weight=(WIDTH, WIDTH), linear_bias=(WIDTH,)), folder / "2_Dense/model.safetensors")
    write(folder / "3_LayerNorm/config.json", {"dimension": WIDTH})
    save_file(tensors(norm_weight=(WIDTH,), norm_bias=(WIDTH,)), folder / "3_LayerNorm/model.safetensors")
    write(folder / "4_Dropout/config.json", {"dropout": 0.1})
    write(folder / "5_Normalize/config.json", {})
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "st")
    return tmp_path / "st"


def set_key(folder: Path, file: str, values: Mapping[str, object]) -> None:
    known = json.loads((folder / file).read_text())
    if "pooling_mode" in values:
        known = {"word_embedding_dimension": WIDTH}
    write(folder / file, known | dict(values))


# What a key is set to, so that the numbers change; further keys that it wants beside it.
TEXT_BY_FORWARD = {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}
HONOURED: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "sentence_bert_config.json": {
        "max_seq_length": {"max_seq_length": 5},
        "do_lower_case": {"do_lower_case": True},
        "processing_kwargs": {"processing_kwargs": {"text": {"max_length": 6, "padding": True}}},
        "processor_kwargs": {"processor_kwargs": {"model_max_length": 4, "trust_remote_code": True}},
        "tokenizer_args": {"tokenizer_args": {"model_max_length": 4}},
    },
    "1_Pooling/config.json": {
        **{flag: {flag: True} for flag in keys.POOLING_FLAGS if flag != "pooling_mode_mean_tokens"},
        "pooling_mode_mean_tokens": {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True},
        "pooling_mode": {"pooling_mode": "lasttoken"},
        "include_prompt": {"include_prompt": False},
    },
    "2_Dense/config.json": {
        "activation_function": {"activation_function": "torch.nn.modules.activation.Tanh"},
        "use_residual": {"use_residual": True},
        "module_output_name": {"module_output_name": "other"},
        "module_input_name": {"module_input_name": "token_embeddings"},
    },
    "5_Normalize/config.json": {
        "module_output_name": {"module_output_name": "other"},
        "module_input_name": {"module_input_name": "nothing"},
    },
    "config_sentence_transformers.json": {
        "prompts": {"prompts": {"q": "w9 w9 "}, "default_prompt_name": "q"},
        "default_prompt_name": {"default_prompt_name": "other"},
        "truncate_dim": {"truncate_dim": 7},
    },
}
# Keys that are read, and leave the numbers as they are when they say what is so already.
CONSISTENT: Mapping[str, Mapping[str, object]] = {
    "sentence_bert_config.json": {
        "transformer_task": "feature-extraction",
        "modality_config": TEXT_BY_FORWARD,
        "module_output_name": "token_embeddings",
        "model_args": {"trust_remote_code": True, "attn_implementation": "eager"},
        "model_kwargs": {"torch_dtype": "float32"},
        "config_args": {"trust_remote_code": True},
        "config_kwargs": {"use_cache": False},
    },
    "2_Dense/config.json": {"in_features": WIDTH, "out_features": WIDTH, "bias": True},
    "3_LayerNorm/config.json": {"dimension": WIDTH},
    "config_sentence_transformers.json": {"model_type": "SentenceTransformer"},
}
HARMLESS: Mapping[str, object] = {
    "unpad_inputs": False,
    "backend": "torch",
    "cache_dir": None,
    "word_embedding_dimension": 7,
    "embedding_dimension": 9,
    "dropout": 0.9,
    "__version__": {"sentence_transformers": "1.0"},
    "requirements": None,
    "similarity_fn_name": "dot",
    "keep_in_fp32_modules": ["2.linear"],
}
REFUSED_VALUES: Mapping[str, object] = {
    "query_expansion": {"strategy": "fixed", "length": 8},
    "tokenizer_name_or_path": "another",
    "model_name_or_path": "another",
    "init_weight": [1.0],
    "init_bias": [1.0],
}
# Tested by name elsewhere: they count for a task that was chosen, or for a cross-encoder.
ELSEWHERE = {"query_length", "document_length", "activation_fn"}


def cases(verdict: str) -> Iterator[Any]:
    for file, table in TABLES.items():
        for key in getattr(table, verdict):
            if key not in ELSEWHERE:
                yield pytest.param(file, key, id=f"{file}-{key}")


@pytest.mark.parametrize(("file", "key"), list(cases("honoured")))
def test_honoured(folder: Path, file: str, key: str) -> None:
    if key == "include_prompt":
        change(folder / "config_sentence_transformers.json", default_prompt_name="q")
    wide = file == "1_Pooling/config.json" and len(HONOURED[file][key]) > 1
    if wide or (file, key) == ("2_Dense/config.json", "module_input_name"):
        modules = json.loads((folder / "modules.json").read_text())
        # Two poolings are wider than what follows; what reads tokens stands before the pooling.
        kept = modules[:2] if wide else [modules[0], modules[2], modules[1]]
        write(folder / "modules.json", kept)
    before = ours(folder) if (file, key) != ("2_Dense/config.json", "module_input_name") else None
    consistent = CONSISTENT.get(file, {})
    if key in consistent:
        beside = {"modality_config": TEXT_BY_FORWARD} if key == "module_output_name" else {}
        beside |= {"module_output_name": "token_embeddings"} if key == "modality_config" else {}
        set_key(folder, file, {**beside, key: consistent[key]})
        after = ours(folder)
        assert before is not None
        np.testing.assert_array_equal(after, before)
    else:
        set_key(folder, file, HONOURED[file][key])
        after = ours(folder)
        assert before is None or before.shape != after.shape or np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, theirs(folder), atol=5e-6, rtol=1e-5)


@pytest.mark.parametrize(("file", "key"), list(cases("harmless")))
def test_harmless(folder: Path, file: str, key: str) -> None:
    before = ours(folder)
    set_key(folder, file, {key: HARMLESS[key]})
    np.testing.assert_array_equal(ours(folder), before)
    np.testing.assert_allclose(theirs(folder), before, atol=5e-6)


@pytest.mark.parametrize(("file", "key"), list(cases("refused")))
def test_refused(folder: Path, file: str, key: str) -> None:
    set_key(folder, file, {key: REFUSED_VALUES[key]})
    with pytest.raises(ConfigError, match=rf"{re.escape(file)}: {key} = .* is not supported") as caught:
        ours(folder)
    assert caught.value.remedy == TABLES[file].refused[key]
    set_key(folder, file, {key: None})
    assert ours(folder).shape == (len(TEXTS), WIDTH)


@pytest.mark.parametrize("file", TABLES)
def test_an_unknown_key_is_what_it_is_to_the_library(folder: Path, file: str) -> None:
    before = ours(folder)
    set_key(folder, file, {"do_lower_cases": True})
    if TABLES[file].strict:
        with pytest.raises(TypeError):
            theirs(folder)
        with pytest.raises(ConfigError, match="unknown key 'do_lower_cases'"):
            ours(folder)
    else:
        np.testing.assert_allclose(theirs(folder), before, atol=5e-6)
        np.testing.assert_array_equal(ours(folder), before)


def parameters(function: Any, *without: str) -> set[str]:
    return set(inspect.signature(function).parameters) - {"self", "args", "kwargs", *without}


def test_the_tables_have_all_keys_of_the_library() -> None:
    modules = [
        (keys.TRANSFORMER, {*parameters(Transformer.__init__), *Transformer.config_keys}),
        (keys.POOLING, {*parameters(Pooling.__init__), *Pooling.config_keys, *Pooling.config_key_renames}),
        (keys.DENSE, {*parameters(Dense.__init__), *Dense.config_keys}),
        (keys.LAYER_NORM, {*parameters(LayerNorm.__init__), *LayerNorm.config_keys}),
        (keys.DROPOUT, {*parameters(Dropout.__init__), *Dropout.config_keys}),
        (keys.NORMALIZE, {*parameters(Normalize.__init__), *Normalize.config_keys}),
        (keys.ROUTES, {*parameters(Router.__init__, "sub_modules"), *Router.config_keys}),
    ]
    read = re.compile(r'model_config(?:\.get\(|\[)"(\w+)"|"(\w+)" in model_config\b(?!\[)')
    sources = [inspect.getsource(inspect.getmodule(kind)) for kind in (SentenceTransformer, CrossEncoder)]  # type: ignore[arg-type]
    sources.append(inspect.getsource(library.base.model))
    modules.append((keys.MODEL, {name for source in sources for pair in read.findall(source) for name in pair if name}))
    for table, names in modules:
        assert names <= {*table.honoured, *table.harmless, *table.refused}, names
    assert {"model_args", "tokenizer_args", "config_args"} <= keys.TRANSFORMER.honoured.keys()


def test_every_module_of_the_library_is_read_or_refused_by_name() -> None:
    names = {
        name
        for package in (
            library.base.modules,
            library.sentence_transformer.modules,
            library.cross_encoder.modules,
            library.sparse_encoder.modules,
            library.multi_vector_encoder.modules,
        )
        for name in package.__all__
    }
    assert names - {"Module", "InputModule"} == {*KINDS, *REFUSED}


def test_a_refused_module_says_why(folder: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    for kind, why in REFUSED.items():
        modules[2]["type"] = f"sentence_transformers.models.{kind}"
        write(folder / "modules.json", modules)
        with pytest.raises(ConfigError, match=rf"modules\.json: the module {kind} is not supported: {why}"):
            open_pretrained(folder)
    (folder / "modules.json").unlink()
    assert open_pretrained(folder).settings is None, "what the error says to do works"


@pytest.mark.parametrize("name", TRANSFORMER_FILES[1:])
def test_settings_named_by_family(folder: Path, name: str) -> None:
    (folder / "sentence_bert_config.json").rename(folder / name)
    change(folder / name, max_seq_length=5, do_lower_case=True)
    np.testing.assert_allclose(ours(folder), theirs(folder), atol=5e-6)
    assert bertkit.load(folder).max_length == 5


OTHER_VALUES: Mapping[str, object] = {
    "transformer_task": "fill-mask",
    "modality_config": {"image": {"method": "forward", "method_output_name": "last_hidden_state"}},
    "processing_kwargs": {"text": {"truncation": "only_first"}},
    "processor_kwargs": {"do_lower_case": True},
    "model_kwargs": {"num_hidden_layers": 1},
    "config_kwargs": {"num_hidden_layers": 1},
    "max_seq_length": 0,
    "do_lower_case": "yes",
}


@pytest.mark.parametrize("key", OTHER_VALUES)
def test_other_values_are_refused_by_name(folder: Path, key: str) -> None:
    change(folder / "sentence_bert_config.json", **{key: OTHER_VALUES[key], "module_output_name": "token_embeddings"})
    named = {"processing_kwargs": "truncation", "processor_kwargs": "do_lower_case"}.get(key, key)
    with pytest.raises(ConfigError, match=rf"sentence_bert_config\.json: .*{named}"):
        ours(folder)


@pytest.mark.parametrize("file", TABLES)
def test_files_of_any_shape(folder: Path, file: str) -> None:
    for text in ("[", "[]", "null", '"text"', "7"):
        (folder / file).write_text(text)
        with pytest.raises(ConfigError, match=re.escape(file)):
            open_pretrained(folder)


@pytest.mark.parametrize("file", TABLES)
def test_values_of_any_shape(folder: Path, file: str) -> None:
    """Each key in its turn: it opens, or an error of ours names the file."""
    before, said = (folder / file).read_text(), []
    for key in (*TABLES[file].honoured, *TABLES[file].harmless, *TABLES[file].refused):
        for value in (None, [], {}, "text", 7, 0.5, True, [None], {"a": None}, {"text": 3}):
            change(folder / file, **{key: value})
            try:
                open_pretrained(folder)
            except BertkitError as error:
                said.append(error.what)
            (folder / file).write_text(before)
    assert all(str(folder) in what for what in said)


def test_a_cross_encoders_key_of_its_checkpoint(tmp_path: Path) -> None:
    folder = make_base(tmp_path / "ce", labels=1)
    seen = []
    for values in (
        {},
        {"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity", "version": "4.1.0"}},
        {"sentence_transformers": {"activation_fn": None}},
        {"sentence_transformers": {"later": 1}, keys.OLD_ACTIVATION: "torch.nn.modules.activation.Tanh"},
        {keys.OLD_ACTIVATION: "torch.nn.modules.activation.ReLU"},
        {keys.OLD_ACTIVATION: None},
    ):
        change(folder / "config.json", **{"sentence_transformers": None, keys.OLD_ACTIVATION: None, **values})
        if "sentence_transformers" not in values:
            config = json.loads((folder / "config.json").read_text())
            del config["sentence_transformers"]
            write(folder / "config.json", config)
        seen.append(our_scores(folder))
        np.testing.assert_allclose(seen[-1], their_scores(folder), atol=5e-6)
    assert seen[0] == seen[2] == seen[5] != seen[1] != seen[3] != seen[4]
    for bad in (7, ["a"], "text", {"activation_fn": "mine.Swish"}, {"activation_fn": "torch.nn.Softmax"}):
        change(folder / "config.json", sentence_transformers=bad)
        with pytest.raises(ConfigError, match=r"config\.json: "):
            our_scores(folder)
