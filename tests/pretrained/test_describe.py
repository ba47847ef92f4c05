from __future__ import annotations

import hashlib
import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from bertkit.checkpoints.embedded import EMBEDDED_SHA256, embedded_folder
from bertkit.pretrained.describe import describe
from tests.parity.bert_peer import Sizes, make_peer


def test_the_embedded_model() -> None:
    record = describe(embedded_folder()).record()
    assert record["sha256"] == {"model.safetensors": EMBEDDED_SHA256}
    expected = {"family": "bert", "parameters": 22_713_216, "layers": 6, "width": 384, "attention_heads": 12}
    expected |= {"max_length": 512, "vocab_size": 30522, "dtype": ("float32",), "unused_tensors": ()}
    assert {name: record[name] for name in expected} == expected
    assert record["tasks"] == ("sentence-embedding", "feature-extraction")
    assert str(record["tokenizer"]).startswith("WordPiece, 30,522 tokens, uncased")
    assert record["loaded_bytes"] == {"float32": 90_852_864, "bfloat16": 45_426_432}
    vocabulary = (embedded_folder() / "vocab.txt").read_bytes()
    assert record["vocab_sha256"] == hashlib.sha256(vocabulary).hexdigest()
    json.dumps(record)


def test_what_nobody_reads_is_listed(tmp_path: Path) -> None:
    make_peer(Sizes(), tmp_path)
    path = tmp_path / "model.safetensors"
    save_file({**load_file(path), "bert.adapter.weight": torch.zeros(3, dtype=torch.float16)}, path)
    values = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**values, "adapter": True}))
    description = describe(tmp_path)
    assert description.unused_tensors == ("adapter.weight",)
    assert description.unread_keys == ("adapter",)
    assert description.dtype == ("float16", "float32")
    assert description.tasks[0] == "fill-mask"
