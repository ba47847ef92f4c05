"""Keys of each family's `config.json`: the numbers change as transformers changes them, or stay as they are.

The weights stay the same, whatever the file says. Small models, so that a key that is passed over is seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bertkit.errors import BertkitError, ConfigError
from bertkit.families.catalogue import FAMILIES
from bertkit.families.contract import Family
from bertkit.families.foreign_config import read_keys
from bertkit.families.spelling import ACTIVATIONS
from bertkit.pretrained.loading import open_pretrained
from tests.families.test_keys import library_keys
from tests.parity.test_families import CASES, Case, make_peer, sequences_of

PLAIN = [name for name in CASES if "," not in name]
# Keys that change numbers and no shape, with values that are not those of the cases.
ROTARY: dict[str, list[Any]] = {
    "rope_theta": [77.0],
    "rope_parameters": [{"rope_type": "default", "rope_theta": 33.0}, {"rope_theta": 33.0}, {}, None],
    "rope_scaling": [{"rope_type": "default", "rope_theta": 55.0}, {"type": "default"}, {}, None],
}
BERT: dict[str, list[Any]] = {
    "num_attention_heads": [1, 4],
    "hidden_act": ["relu", "swish"],
    "layer_norm_eps": [0.5],
    "num_hidden_layers": [2],
    "hidden_dropout_prob": [0.5],
    "attention_probs_dropout_prob": [0.5],
    "initializer_range": [0.5],
}
VARIANTS: dict[str, dict[str, list[Any]]] = {
    "bert": BERT | {"hidden_act": list(ACTIVATIONS)},
    "roberta": BERT | {"pad_token_id": [0, 2]},
    "xlm-roberta": BERT | {"pad_token_id": [2]},
    "camembert": BERT | {"pad_token_id": [2]},
    "mpnet": {key: values for key, values in BERT.items() if key != "num_attention_heads"} | {"pad_token_id": [2]},
    "electra": BERT,
    "albert": {**BERT, "num_hidden_layers": [2, 5]},
    "distilbert": {
        "n_heads": [1, 4],
        "num_attention_heads": [1],
        "activation": ["relu", "swish"],
        "n_layers": [2],
        "num_hidden_layers": [2],
        "hidden_size": [36],
        "sinusoidal_pos_embds": [True],
        "dropout": [0.5],
        "attention_dropout": [0.5],
        "initializer_range": [0.5],
    },
    "modernbert": {
        "num_attention_heads": [1, 2],
        "hidden_activation": ["relu", "swish"],
        "norm_eps": [0.5],
        "initializer_range": [0.5],
        "local_attention": [0, 1, 2, 7],
        "sliding_window": [0, 1, 4],
        "layer_types": [["full_attention"] * 5, ["sliding_attention", "full_attention"] * 2 + ["sliding_attention"]],
        "rope_parameters": [
            {"full_attention": {"rope_theta": 44.0}},
            {"full_attention": {"rope_theta": 44.0, "rope_type": "default"}, "sliding_attention": {"rope_theta": 5}},
            {},
            None,
        ],
        "rope_scaling": [{"rope_type": "default", "rope_theta": 66.0}, {"type": "linear", "factor": 4.0}, None],
        "attention_dropout": [0.5],
    },
    "nomic": {key: values for key, values in (BERT | ROTARY).items() if key != "num_attention_heads"},
    "eurobert": {
        **ROTARY,
        "hidden_act": ["relu", "swish"],
        "rms_norm_eps": [0.5],
        "attention_dropout": [0.5],
        "initializer_range": [0.5],
        "num_hidden_layers": [2],
        "num_key_value_heads": [None, 3],
    },
}
ABSENT = {"rope_parameters", "layer_types"}  # of which the old keys of ModernBERT are read without
OLD: dict[str, dict[str, list[Any]]] = {
    "modernbert": {
        "global_attn_every_n_layers": [1, 2, 9],
        "global_rope_theta": [50.0],
        "local_rope_theta": [50.0],
    },
    "nomic": {"rope_theta": [50.0]},
    "eurobert": {"rope_theta": [50.0]},
}


class Folder:
    """A tiny checkpoint whose `config.json` is changed, and what each side computes of it."""

    def __init__(self, case: Case, path: Path) -> None:
        self.case, self.path = case, path
        peer = make_peer(case, "Model", path)
        self.kind, self.state = type(peer), peer.state_dict()
        self.values = json.loads((path / "config.json").read_text())
        self.family: Family = FAMILIES[self.values["model_type"]]
        drawn = sequences_of(case)
        # Some families count positions by looking for the padding token, which is changed here.
        self.sequences = replace(drawn, ids=[[max(id, 5) for id in sequence] for sequence in drawn.ids])

    def change(self, *without: str, **values: object) -> None:
        kept = {key: value for key, value in self.values.items() if key not in without}
        (self.path / "config.json").write_text(json.dumps(kept | values))

    def theirs(self) -> Tensor:
        model = self.kind(self.kind.config_class.from_pretrained(self.path))
        report = model.load_state_dict(self.state, strict=False)
        assert not report.missing_keys
        inputs = self.sequences.padded()
        pad = json.loads((self.path / "config.json").read_text()).get("pad_token_id", 0)
        inputs["input_ids"] = torch.where(inputs["attention_mask"].bool(), inputs["input_ids"], pad)
        if not self.case.segments:
            del inputs["token_type_ids"]
        return self.sequences.unpad(model.eval()(**inputs)[0])

    def ours(self) -> Tensor:
        return open_pretrained(self.path).build_encoder()(self.sequences.packed())


@pytest.fixture(scope="module", params=PLAIN)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(CASES[request.param], tmp_path_factory.mktemp("model"))


def variants(folder: Folder, table: dict[str, dict[str, list[Any]]]) -> Iterator[tuple[str, Any]]:
    name = next(name for name in PLAIN if CASES[name] is folder.case)
    for key, values in table.get(name, {}).items():
        for value in values:
            yield key, value


@torch.inference_mode()
def test_what_is_honoured_changes_numbers_as_it_does_there(folder: Folder) -> None:
    folder.change()
    before, moved = folder.ours(), set()
    for table, without in ((VARIANTS, ()), (OLD, tuple(ABSENT))):
        for key, value in variants(folder, table):
            folder.change(*without, **{key: value})
            ours, theirs = folder.ours(), folder.theirs()
            assert (ours - theirs).abs().max() < 1e-4, (key, value)
            if (ours - before).abs().max() > 1e-3:
                moved.add(key)
    assert len(moved) >= 3, moved  # the rest are of training, or say what was so


@torch.inference_mode()
def test_every_other_key_that_describes_the_encoder_is_of_its_shape(folder: Folder) -> None:
    tried = {key for table in (VARIANTS, OLD) for key, _ in variants(folder, table)}
    # A rotary length has no tensor, and is what `max_length` says.
    tried |= {"max_position_embeddings"} if folder.family.constants.get("positions", ...) is None else set()
    for key in set(read_keys(folder.family)) - tried:
        value = folder.values.get(key)
        folder.change(**{key: not value if isinstance(value, bool) else 35})
        with pytest.raises(BertkitError):
            folder.ours()


@torch.inference_mode()
def test_what_is_harmless_changes_nothing_there_either(folder: Folder) -> None:
    folder.change()
    before = folder.ours()
    harmless = {
        "embedding_dropout": 0.5, "mlp_dropout": 0.5, "classifier_dropout": 0.5, "classifier_dropout_prob": 0.5,
        "qa_dropout": 0.5, "seq_classif_dropout": 0.5, "summary_last_dropout": 0.5, "summary_type": "mean",
        "summary_use_proj": False, "summary_activation": "tanh", "decoder_bias": False, "classifier_bias": True,
        "classifier_activation": "relu", "classifier_pooling": "mean", "sinusoidal_pos_embds": True,
        "initializer_cutoff_factor": 9.0, "pretraining_tp": 7, "use_cache": False, "sparse_prediction": True,
        "tie_word_embeddings": folder.family.name == "eurobert",
    }  # fmt: skip
    known = {key: value for key, value in harmless.items() if key in library_keys(folder.values["model_type"])}
    unknown = {"embedding_sizes": 9, "tie_encoder_decoder": True, "hidden_dropout": 0.7, "rescale_embeddings": True}
    folder.change(**known, **unknown, id2label={"0": "a"}, problem_type="regression")
    assert torch.equal(folder.ours(), before)
    assert (folder.theirs() - before).abs().max() < 1e-4


REFUSED: dict[str, list[Any]] = {
    "quantization_config": [{"quant_method": "bitsandbytes", "load_in_8bit": True}],
    "per_layer_config": [{"0": {"num_attention_heads": 1}}],
    "pruned_heads": [{"0": [1]}],
    "hidden_act": ["quick_gelu", "gelu_10", "mish", "tanh", "GELU", "gelu_tanh", None],
    "hidden_activation": ["quick_gelu", "leaky_relu", None],
    "activation": ["quick_gelu", "sigmoid", None],
    "position_embedding_type": ["relative_key"],
    "is_decoder": [True],
    "add_cross_attention": [True],
    "head_dim": [6],
    "layer_types": [["full_attention"], "full_attention", [None] * 5],
    "rope_parameters": [{"rope_type": "linear", "factor": 2.0, "rope_theta": 9.0}, "linear", [1]],
    "rope_scaling": [{"rope_type": "dynamic", "factor": 2.0}, "linear"],
    "num_hidden_groups": [7, 0, None],
    "embedding_size": [None, "11"],
}


def test_what_is_refused_is_named(folder: Folder) -> None:
    family = folder.family
    known = {*read_keys(family), *family.fixed, *family.implied, "quantization_config", "per_layer_config"}
    for key in (set(REFUSED) & known) | {"pruned_heads"}:
        for value in REFUSED[key]:
            folder.change(**{key: value})
            with pytest.raises(ConfigError) as caught:
                folder.ours()
            assert key in caught.value.what or (key.startswith("rope_") and "rope_type = " in caught.value.what)
            assert caught.value.remedy
