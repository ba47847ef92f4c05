from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest
import torch

from bertkit.errors import UserError
from bertkit.exports.gguf_file import Precision, network_of, read_gguf, tensors_of, write_gguf
from bertkit.inference.torch_backend import TorchBackend
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.loading import open_pretrained
from tests.exports.tiny_models import make_model, make_small
from tests.inference.test_graph_backend import batch_of
from tests.parity.test_families import CASES
from tests.pretrained.sentence_folders import make_base, sentence_folder


def written(pretrained: Pretrained, task: str, path: Path, precision: Precision = "F16") -> gguf.GGUFReader:
    tokenizer = pretrained.load_tokenizer()
    made = pretrained.build_task(task, tokenizer)
    write_gguf(pretrained.build_network(made).float(), made, tokenizer, path, precision)
    return gguf.GGUFReader(path)


def value(reader: gguf.GGUFReader, key: str) -> object:
    field = reader.get_field(key)
    assert field is not None, key
    return field.contents()


@pytest.fixture
def source(tmp_path: Path) -> Pretrained:
    """A classifier whose matrices are as wide as blocks of Q8_0 are."""
    case = CASES["bert"].variant(hidden_size=64, num_attention_heads=4, intermediate_size=96, num_hidden_layers=2)
    return open_pretrained(make_model(case, "text-classification", tmp_path / "model"))


def test_a_classifier(source: Pretrained, tmp_path: Path) -> None:
    reader = written(source, "text-classification", tmp_path / "model.gguf")
    expected = {
        "general.architecture": "bert",
        "bert.context_length": 29,
        "bert.embedding_length": 64,
        "bert.feed_forward_length": 96,
        "bert.block_count": 2,
        "bert.attention.head_count": 4,
        "bert.attention.causal": False,
        "bert.pooling_type": 4,
        "bert.classifier.output_labels": [f"LABEL_{number}" for number in range(5)],
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.token_type_count": 2,
        "tokenizer.ggml.bos_token_id": 2,
        "tokenizer.ggml.eos_token_id": 3,
        "tokenizer.ggml.mask_token_id": 4,
    }
    assert {key: value(reader, key) for key in expected} == expected
    tokens = value(reader, "tokenizer.ggml.tokens")
    assert tokens[:10] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "▁paris", "▁is", "▁a", "▁city", "s"]  # type: ignore[index]
    assert value(reader, "tokenizer.ggml.token_type")[:6] == [3, 3, 3, 3, 3, 1]  # type: ignore[index]
    kinds = {tensor.name: tensor.tensor_type.name for tensor in reader.tensors}
    assert kinds["token_embd.weight"] == kinds["blk.1.attn_q.weight"] == kinds["cls.weight"] == "F16"
    assert kinds["position_embd.weight"] == kinds["token_types.weight"] == kinds["blk.0.ffn_up.bias"] == "F32"


@pytest.mark.parametrize(("precision", "most"), [("F16", 2e-3), ("Q8_0", 0.1)])
def test_what_the_file_holds_computes_what_the_model_computes(
    source: Pretrained, tmp_path: Path, precision: Precision, most: float
) -> None:
    path = tmp_path / "model.gguf"
    reader = written(source, "text-classification", path, precision)
    network = source.build_network(source.build_task("text-classification", source.load_tokenizer())).float()
    again, batch = network_of(path, network), batch_of(named=False)
    (one,), (other,) = (TorchBackend(each).run(batch) for each in (network, again))
    assert 0 < np.abs(one - other).max() / np.abs(one).max() < most
    assert read_gguf(path).keys() == tensors_of(network).keys()
    if precision == "Q8_0":
        assert {tensor.tensor_type.name for tensor in reader.tensors} == {"Q8_0", "F32"}


def test_pooling(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base")
    for name, number in (("mean_tokens", 1), ("cls_token", 2), ("lasttoken", 3)):
        place = sentence_folder(base, tmp_path / name, pooling={f"pooling_mode_{name}": True})
        pretrained = open_pretrained(lower(place))
        assert value(written(pretrained, "sentence-embedding", place / "m.gguf"), "bert.pooling_type") == number
    assert value(written(pretrained, "feature-extraction", place / "m.gguf"), "bert.pooling_type") == 0
    both = {"pooling_mode_cls_token": True, "pooling_mode_max_tokens": True}
    place = sentence_folder(base, tmp_path / "both", pooling=both)
    with pytest.raises(UserError, match="no place for what sentence-embedding reads"):
        written(open_pretrained(lower(place)), "sentence-embedding", place / "m.gguf")


def lower(folder: Path) -> Path:
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer", "do_lower_case": true}')
    return folder


def test_what_has_no_place_is_refused_by_name(tmp_path: Path) -> None:
    cased = sentence_folder(make_base(tmp_path / "base"), tmp_path / "cased")
    with pytest.raises(UserError, match="puts texts in small letters; the model's is cased"):
        written(open_pretrained(cased), "sentence-embedding", tmp_path / "m.gguf")
    for family in ("albert", "modernbert", "mpnet", "roberta", "nomic"):
        folder = make_model(CASES[family], "feature-extraction", tmp_path / family)
        with pytest.raises(UserError, match="holds encoders like BERT's and DistilBERT's, not this one"):
            written(open_pretrained(folder), "feature-extraction", tmp_path / "m.gguf")
    for task in ("question-answering", "token-classification", "fill-mask"):
        folder = make_small(task, tmp_path / task)
        with pytest.raises(UserError, match=f"no place for what {task} reads"):
            written(open_pretrained(folder), task, tmp_path / "m.gguf")


def test_ids_that_only_the_table_has_are_named(tmp_path: Path) -> None:
    folder = make_small("feature-extraction", tmp_path / "model")
    pretrained = open_pretrained(folder)
    task = pretrained.build_task("feature-extraction", pretrained.load_tokenizer())
    network = pretrained.build_network(task).float()
    table = network.encoder.embeddings.token.weight
    network.encoder.embeddings.token.weight = torch.nn.Parameter(torch.cat([table, table[:3]]))
    network.encoder.config = network.encoder.config.model_copy(update={"vocab_size": 102})
    write_gguf(network, task, task.tokenizer, tmp_path / "m.gguf", "F16")
    reader = gguf.GGUFReader(tmp_path / "m.gguf")
    assert value(reader, "tokenizer.ggml.tokens")[-3:] == ["[PAD99]", "[PAD100]", "[PAD101]"]  # type: ignore[index]
    assert value(reader, "tokenizer.ggml.token_type")[-3:] == [5, 5, 5]  # type: ignore[index]
