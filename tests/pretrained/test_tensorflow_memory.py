"""A BERT-base in TensorFlow's format is opened from the disk, not into memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bertkit.checkpoints.stored import StoredTensors
from bertkit.checkpoints.tensor_bundle import write_bundle
from bertkit.families.bert import FAMILY
from bertkit.families.foreign_config import write_config
from bertkit.model.build import build_encoder
from bertkit.planner.parameters import count_parameters
from bertkit.pretrained.name_table import NameTable
from bertkit.pretrained.tensorflow_names import to_tensorflow
from tests.checkpoints.test_tensors import anonymous_bytes

SCRIPT = """
import sys
from pathlib import Path

import torch
from bertkit.pretrained.loading import open_pretrained

def anonymous() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("RssAnon")))

before = anonymous()
pretrained = open_pretrained(Path(sys.argv[1]))
opened = anonymous()
total = sum(float(tensor.sum()) for tensor in pretrained.tensors.values())
read = anonymous()
encoder = pretrained.build_encoder()
print(opened - before, read - before, anonymous() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc/self/status")
def test_opening_takes_little_memory(tmp_path: Path) -> None:
    config = FAMILY.presets["base"]
    (tmp_path / "bert_config.json").write_text(json.dumps(write_config(FAMILY, config)))
    with torch.device("meta"):
        encoder = build_encoder(config)
    encoder.to_empty(device="cpu")
    for parameter in encoder.parameters():
        torch.nn.init.normal_(parameter)
    table = NameTable(FAMILY.encoder, config, tuple(map(str, range(config.layers))))
    hub = table.to_theirs(encoder.state_dict())
    before = anonymous_bytes()
    write_bundle(tmp_path / "bert_model.ckpt.index", to_tensorflow(FAMILY, StoredTensors.of(hub), "here")[0])
    assert anonymous_bytes() - before < 32e6

    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    print(output)  # pytest -s shows it
    opened, read, built = map(int, output.split())
    weights = 4 * count_parameters(config)
    assert (tmp_path / "bert_model.ckpt.data-00000-of-00001").stat().st_size == weights
    assert opened < 0.05 * weights
    assert read < 0.06 * weights
    stacked = 4 * config.layers * 3 * config.width * (config.width + 1)  # query, key and value become one tensor
    assert built < stacked + 0.1 * weights
