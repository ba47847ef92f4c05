"""A trained model or adapter as it goes into the package: weights in bfloat16, only the positions that were trained.

    python examples/trained/halve.py FOLDER NEW_FOLDER [POSITIONS]

Where sequences of training were at most POSITIONS tokens long, the other rows of the table are as random as they were
at the start, and a text that would read them is refused instead.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

POSITIONS = "bert.embeddings.position_embeddings.weight"


def main() -> None:
    """Copy all but the weights and the configuration as they are."""
    folder, new = Path(sys.argv[1]), Path(sys.argv[2])
    shutil.copytree(folder, new, ignore=shutil.ignore_patterns("*.safetensors"))
    for file in folder.glob("*.safetensors"):
        weights = load_file(file)
        if len(sys.argv) > 3:
            weights[POSITIONS] = weights[POSITIONS][: int(sys.argv[3])]
            config = json.loads((folder / "config.json").read_text())
            config["max_position_embeddings"] = len(weights[POSITIONS])
            (new / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        halved = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in weights.items()}
        save_file(halved, new / file.name, {"format": "pt"})
        (new / file.name).chmod(0o644)


if __name__ == "__main__":
    main()
