"""An adapter as a folder that the library peft opens; see `peft_layout`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bertkit.checkpoints.folders import atomic_folder
from bertkit.checkpoints.tensors import write_tensors
from bertkit.checkpoints.weight_files import PEFT_DESCRIPTION, PEFT_TENSORS
from bertkit.errors import UserError
from bertkit.pretrained.adapters import HEAD, Adapter, Base
from bertkit.pretrained.direct_reading import KEY
from bertkit.pretrained.name_table import NameTable
from bertkit.pretrained.peft_layout import ENDINGS, VALUES, WRAPPED
from bertkit.pretrained.sentence_writing import write_json

if TYPE_CHECKING:
    from torch import Tensor

    from bertkit.pretrained.checkpoint import Pretrained

_TASK_TYPES = {task: name for name, task in ENDINGS.items()} | {None: "FEATURE_EXTRACTION"}


def write_peft(adapter: Adapter, base: Pretrained, folder: Path) -> None:
    """Write the folder, whole or not at all: its matrices under the library's names, the head and the pooler whole.

    Args:
        base: the model that it goes on.

    Raises:
        UserError: it has a classifier that reads what the base's class does not.
        OutputError: the place cannot be written, or is a folder with something in it.
    """
    if KEY in adapter.values:
        raise UserError(
            f"its classifier reads the {adapter.values[KEY]} of the tokens, and no class over this base does",
            "Use --format hub, which writes the whole model as one that transformers opens.",
        )
    prefix = WRAPPED + (base.family.prefix if adapter.head_name is not None else "")
    table = base.table(base.family.encoder)
    narrow = _narrow(adapter, table)
    ours = {name: adapter.tensors[name] for name in adapter.tensors}
    whole = table.to_theirs({name: ours[name] for name in adapter.whole}, prefix)
    if adapter.head_name is not None:
        rows = base.table(base.family.heads[adapter.head_name].weights)
        whole |= rows.to_theirs(
            {name.removeprefix(HEAD): t for name, t in ours.items() if name.startswith(HEAD)}, WRAPPED
        )
    tensors = {f"{prefix}{module}.lora_{side}.weight": t for module, pair in narrow.items() for side, t in pair.items()}
    with atomic_folder(folder) as made:
        write_json(made / PEFT_DESCRIPTION, _config(adapter, base, narrow, list(whole), prefix.removeprefix(WRAPPED)))
        write_tensors(made / PEFT_TENSORS, {name: t.contiguous() for name, t in (tensors | whole).items()})
        if adapter.values:
            write_json(made / VALUES, dict(adapter.values))
        (made / "README.md").write_text(_card(adapter, base), encoding="utf-8")


def _narrow(adapter: Adapter, table: NameTable) -> dict[str, dict[str, Tensor]]:
    """The two matrices of each of the library's layers; a stacked one of ours is several of theirs."""
    found: dict[str, dict[str, Tensor]] = {}
    for row in table:
        part = row.ours.removesuffix(".weight")
        if f"{part}.upper" not in adapter.tensors:
            continue
        upper, lower = adapter.tensors[f"{part}.upper"], adapter.tensors[f"{part}.lower"]
        for name, rows in table.slices(row, len(upper)):
            found[name.removesuffix(".weight")] = {"A": lower.clone(), "B": upper[rows].clone()}
    return found


def _config(
    adapter: Adapter, base: Pretrained, narrow: dict[str, dict[str, Tensor]], whole: list[str], prefix: str
) -> dict[str, object]:
    ranks = {f"{prefix}{module}": len(pair["A"]) for module, pair in narrow.items()}
    usual = max(ranks.values(), key=list(ranks.values()).count, default=8)
    others = {module.replace(".", r"\."): rank for module, rank in ranks.items() if rank != usual}
    saved = {name.removeprefix(WRAPPED).removeprefix(prefix or WRAPPED).split(".")[0] for name in whole}
    return {
        "peft_type": "LORA",
        "task_type": _TASK_TYPES.get(adapter.head_name),
        "base_model_name_or_path": _name_of_base(adapter, base),
        "revision": adapter.base.revision if isinstance(adapter.base, Base) else None,
        "r": usual,
        "lora_alpha": adapter.scale * usual,
        "rank_pattern": others,
        "alpha_pattern": {module: adapter.scale * rank for module, rank in others.items()},
        "target_modules": sorted(ranks),
        "modules_to_save": sorted(saved) or None,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "init_lora_weights": True,
    }


def _name_of_base(adapter: Adapter, base: Pretrained) -> str:
    hub = adapter.base.hub if isinstance(adapter.base, Base) else None
    return hub or str(base.source.resolve())


def _card(adapter: Adapter, base: Pretrained) -> str:
    labels = adapter.values.get("id2label")
    many = f", num_labels={len(labels)}, id2label={labels}" if isinstance(labels, dict) else ""
    return f"""---
library_name: peft
tags:
- bertkit
- lora
---
# A LoRA adapter

Of {base.family.name}, written by bertkit. The base is loaded with the class of the task:

```python
base = AutoModelFor….from_pretrained({_name_of_base(adapter, base)!r}{many})
model = PeftModel.from_pretrained(base, "this folder")
```
"""
