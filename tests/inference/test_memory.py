"""A model that is ready is in memory once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bertkit.checkpoints.tensors import write_tensors
from bertkit.config.encoder import EncoderConfig
from bertkit.families.bert import FAMILY
from bertkit.families.foreign_config import write_config
from bertkit.model.build import build_encoder
from bertkit.planner.parameters import count_parameters
from bertkit.pretrained.name_table import NameTable

SCRIPT = """
import sys
from pathlib import Path
import torch
from bertkit.inference.precision import make_ready
from bertkit.pretrained.loading import open_pretrained

def anonymous() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("RssAnon")))

make_ready(torch.nn.Linear(8, 8), torch.device("cpu"), torch.float32)  # what the kernel library takes for itself
before = anonymous()
pretrained = open_pretrained(Path(sys.argv[1]))
opened = anonymous()
encoder = pretrained.build_encoder()
make_ready(encoder, torch.device("cpu"), getattr(torch, sys.argv[2]))
print(opened - before, anonymous() - before)
"""
CONFIG = EncoderConfig(vocab_size=2000, width=512, heads=8, ffn_width=2048, layer_of_step=tuple(range(8)))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc/self/status")
@pytest.mark.parametrize(("dtype", "bytes_each"), [("float32", 4), ("bfloat16", 2)])
def test_no_second_copy_of_the_weights(tmp_path: Path, dtype: str, bytes_each: int) -> None:
    (tmp_path / "config.json").write_text(json.dumps(write_config(FAMILY, CONFIG)))
    state = build_encoder(CONFIG).state_dict()
    table = NameTable(FAMILY.encoder, CONFIG, tuple(map(str, range(CONFIG.layers))))
    write_tensors(tmp_path / "model.safetensors", table.to_theirs(state))
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), dtype]
    output = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ).stdout
    opened, ready = map(int, output.split())
    weights = bytes_each * count_parameters(CONFIG)
    assert opened < 0.05 * weights
    assert ready < 1.5 * weights  # a second copy would make it 2; allocator and kernels keep some 15 MB
