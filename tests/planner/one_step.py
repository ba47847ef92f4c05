"""Takes two steps of masked-language-model training and prints how far the memory of the process has risen, in bytes.

Arguments: family, preset, tokens, length, optimiser, whether layers recompute (0 or 1).
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import torch
from torch.utils.checkpoint import checkpoint

from bertkit.batching.token_batch import TokenBatch
from bertkit.config.training import Optimiser
from bertkit.families.catalogue import FAMILIES
from bertkit.model.build import build_encoder
from bertkit.model.chunked_loss import HardTargets
from bertkit.model.heads import build_masked_lm_head
from bertkit.model.init import initialise
from bertkit.optimisation.optimisers import build_optimiser


def status_bytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith(name)))


def train(family: str, preset: str, tokens: int, length: int, optimiser: str, recompute: bool) -> None:
    config = FAMILIES[family].presets[preset]
    encoder = build_encoder(config)
    head = build_masked_lm_head(FAMILIES[family].heads["masked-lm"], config)
    whole = torch.nn.ModuleList([encoder, head])
    initialise(whole)
    if recompute:
        for layer in encoder.layers:
            layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)
    updater = build_optimiser(whole.named_parameters(), Optimiser.model_validate({"name": optimiser}), config.layers)
    sequence = list(range(1, 1 + length))
    batch = TokenBatch.pack([sequence] * (tokens // length), [[0] * length] * (tokens // length))
    masked_M = torch.arange(0, tokens, 7)
    for _ in range(2):
        loss, _ = head.loss(encoder(batch)[masked_M], encoder, HardTargets(batch.ids_T[masked_M]))
        loss.backward()
        updater.step()
        updater.zero_grad()


def main() -> None:
    family, preset, tokens, length, optimiser, recompute = sys.argv[1:]
    train("bert", "tiny", 64, 32, "adamw", recompute == "1")  # what torch takes for itself
    before = status_bytes("VmRSS")
    train(family, preset, int(tokens), int(length), optimiser, recompute == "1")
    print(status_bytes("VmHWM") - before)


if __name__ == "__main__":
    main()
