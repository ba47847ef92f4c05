"""A model with a product that no scale suits: one number of an MLP is thousands of times as large as the others."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file, save_file

PLANTED = "layers.1.mlp.down.weight"


def plant_outlier(folder: Path, times: float = 3000.0) -> None:
    """What the layer computes stays nearly the same: the weights that read the number are as much smaller."""
    path = folder / "model.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
    layer = "bert.encoder.layer.1"
    tensors[f"{layer}.intermediate.dense.weight"][3] *= times
    tensors[f"{layer}.intermediate.dense.bias"][3] *= times
    tensors[f"{layer}.output.dense.weight"][:, 3] /= times
    save_file(tensors, path, {"format": "pt"})
