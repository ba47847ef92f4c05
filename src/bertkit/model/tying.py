"""Two modules, one set of parameters."""

from __future__ import annotations

from torch import nn


def tie(module: nn.Module, to: nn.Module) -> None:
    """Replace the parameters of `module` by those of `to`, name by name.

    Parameters are shared and modules are not: `torch.func.functional_call` does not put a module back as it was that it
    finds in two places. A later `to_empty` or `load_state_dict(assign=True)` unties them.

    Raises:
        ValueError: the two have not the same parameters, or some are of other sizes.
    """
    ours, theirs = ({name: p.shape for name, p in part.named_parameters()} for part in (module, to))
    if ours != theirs:
        differing = min(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
        raise ValueError(f"{differing} is not of the same size in both")
    for name, parameter in to.named_parameters():
        path, _, last = name.rpartition(".")
        setattr(module.get_submodule(path), last, parameter)
