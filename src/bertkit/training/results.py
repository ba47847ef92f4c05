"""What a finished run leaves behind: the model as a folder of the hub's layout, with its heads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from bertkit.checkpoints.folders import atomic_folder
from bertkit.families.contract import Family
from bertkit.pretrained.loading import Pretrained
from bertkit.pretrained.made import made
from bertkit.pretrained.saving import save_pretrained
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.training.ranks import Ranks
from bertkit.training.trainee import Trainee

MODEL, GENERATOR = "model", "generator"


def write_model(family: Family, trainee: Trainee, tokenizer: Tokenizer, ranks: Ranks, folder: Path) -> None:
    """Write `model/`, and `generator/` where the run trained one. All ranks call this; the first one writes.

    Raises:
        OutputError: it cannot be written.
    """
    heads: dict[str, Mapping[str, Tensor]] = {}
    for objective in trainee.each():
        if objective.own_encoder is not None:
            own = {str(objective.head_name): whole_state(objective.head)}
            encoder = whole_state(objective.own_encoder)
            if ranks.is_first:
                checkpoint = made(family, objective.own_encoder.config, encoder, own, tokenizer)
                _save(checkpoint, tokenizer, folder / GENERATOR)
        elif objective.head_name is not None:
            heads[objective.head_name] = whole_state(objective.head)
    encoder = whole_state(trainee.encoder)
    if ranks.is_first:
        _save(made(family, trainee.encoder.config, encoder, heads, tokenizer), tokenizer, folder / MODEL)
    ranks.wait()


def _save(checkpoint: Pretrained, tokenizer: Tokenizer, folder: Path) -> None:
    """Takes the place of what an earlier end of the run, at fewer steps, wrote there."""
    with atomic_folder(folder, replace=True) as place:
        save_pretrained(checkpoint, tokenizer, place)


def whole_state(module: nn.Module | None) -> dict[str, Tensor]:
    """A module's state, whole and on the host, whatever part of it this rank has."""
    state = {} if module is None else module.state_dict()
    return {name: whole(tensor) for name, tensor in state.items()}


def whole(tensor: Tensor) -> Tensor:
    """A tensor that may be divided between ranks, whole and on the host. All ranks call this."""
    return (tensor.full_tensor() if isinstance(tensor, DTensor) else tensor).detach().cpu()
