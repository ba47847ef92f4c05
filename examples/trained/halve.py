"""A model's folder with its weights in bfloat16, half as large.

    python examples/trained/halve.py FOLDER NEW_FOLDER
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file


def main() -> None:
    """Copy all but the weights as they are."""
    folder, new = map(Path, sys.argv[1:])
    shutil.copytree(folder, new, ignore=shutil.ignore_patterns("*.safetensors"))
    weights = load_file(folder / "model.safetensors")
    halved = {name: tensor.to(torch.bfloat16) for name, tensor in weights.items()}
    save_file(halved, new / "model.safetensors", {"format": "pt"})


if __name__ == "__main__":
    main()
