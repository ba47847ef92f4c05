"""ModernBERT-base reads 8,192 tokens on a CPU in little memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from pathlib import Path
import torch
from bertkit.batching.token_batch import TokenBatch
from bertkit.families.modernbert import FAMILY
from bertkit.inference.precision import make_ready
from bertkit.model.build import build_encoder
from bertkit.model.init import initialise

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith(name)))

encoder = build_encoder(FAMILY.presets["base"]).eval()
initialise(encoder)
make_ready(encoder, torch.device("cpu"), torch.float32)
length = int(sys.argv[1])
batch = TokenBatch.pack([list(range(length))], [[0] * length])
Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
before = status("VmRSS")
with torch.inference_mode():
    hidden = encoder(batch)
assert hidden.isfinite().all()
print(status("VmHWM") - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="reads /proc/self/status")
def test_8192_tokens_within_2_gigabytes() -> None:
    command = [sys.executable, "-c", SCRIPT, "8192"]
    output = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ).stdout
    assert int(output) < 2e9
