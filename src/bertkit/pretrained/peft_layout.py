"""LoRA adapters as the library peft writes them, read as our own are. Torch-free.

```
adapter_config.json         peft_type LORA, the base, r, lora_alpha, target_modules, modules_to_save …
adapter_model.safetensors   base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.weight …
```
Narrow matrices are of the library's own layers; those that are one stacked layer here (queries, keys and values) become
one pair of matrices, the second of them in blocks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertkit.checkpoints.headers import TensorHeader
from bertkit.checkpoints.stored import StoredTensors, open_safetensors
from bertkit.checkpoints.weight_files import PEFT_DESCRIPTION, PEFT_TENSORS, WeightFiles
from bertkit.errors import BadCheckpoint
from bertkit.pretrained.adapters import HEAD, Adapter, Base, read_values
from bertkit.pretrained.name_table import NameTable

if TYPE_CHECKING:
    from torch import Tensor

    from bertkit.pretrained.checkpoint import Pretrained

WRAPPED = "base_model.model."  # what the library's wrappers add to names
VALUES = "bertkit_adapter.json"  # more for config.json (labels …), for which the library has no place
ENDINGS = {"SEQ_CLS": "text-classification", "TOKEN_CLS": "token-classification", "QUESTION_ANS": "question-answering"}
# Keys with which a layer computes something else, and the only value of each that is read.
PLAIN: Mapping[str, object] = {
    "peft_type": "LORA",
    "bias": "none",
    "fan_in_fan_out": False,
    "use_dora": False,
    "lora_bias": False,
    "layer_replication": None,
    "use_qalora": False,
    "trainable_token_indices": None,
    "target_parameters": None,
    "alora_invocation_tokens": None,
    "use_bdlora": None,
}
_LORA = re.compile(r"(?P<module>.+)\.lora_(?P<side>[AB])(?:\.default)?\.weight")
_REMEDY = "Merge it with peft's merge_and_unload() and save_pretrained(), and use that folder."


@dataclass(frozen=True, slots=True)
class PeftAdapter:
    """An adapter folder of the library.

    Attributes:
        config: `adapter_config.json`.
        values: more for `config.json`, where bertkit wrote the folder.
    """

    folder: Path
    config: Mapping[str, Any]
    tensors: StoredTensors
    values: Mapping[str, object]

    @property
    def base(self) -> str:
        """The model that it goes on: a hub's name or a path.

        Raises:
            BadCheckpoint: it does not say.
        """
        base = self.config.get("base_model_name_or_path")
        if not isinstance(base, str) or not base:
            raise BadCheckpoint(
                f"{self.folder / PEFT_DESCRIPTION}: no base_model_name_or_path", "Write the base there."
            )
        beside = self.folder / base
        return str(beside) if beside.is_dir() and not Path(base).is_dir() else base

    def on(self, base: Pretrained) -> Adapter:
        """The adapter in our names, on an open base.

        Raises:
            BadCheckpoint: a tensor is of no layer of the base, or the head cannot be told.
        """
        prefix = base.family.prefix
        names = {_plain(name).removeprefix(prefix): name for name in self.tensors}
        table = base.table(base.family.encoder)
        made = _Made(self, names, table, table.shapes(base.tensors.headers))
        made.adapt()
        head = self._head(base, made)
        made.take_whole(table, "")
        if head is not None:
            made.take_whole(base.table(base.family.heads[head].weights), HEAD, base.tensors)
        made.refuse_unread()
        values = dict(self.values) or self._values(base, head, made)
        called = Base.of(self.base, base.source, self.folder)
        return Adapter(called, base.fingerprint(), head, 1.0, values, StoredTensors(made.headers, made.read))

    def _head(self, base: Pretrained, made: _Made) -> str | None:
        """Which of the family's heads has new tensors, whose others are in the base."""
        found = []
        for name, shape in base.family.heads.items():
            theirs = [one for row in base.table(shape.weights) for one in row.theirs]
            new = [one in made.names for one in theirs]
            if any(new) and all(one in made.names or one in base.tensors for one in theirs):
                found.append(name)
        if len(found) < 2:
            return found[0] if found else None
        mapping = self.config.get("auto_mapping") or {}
        ending = str(mapping.get("base_model_class", "")).removeprefix(base.family.class_names[base.foreign.model_type])
        said = [ENDINGS.get(str(self.config.get("task_type"))), *base.family.architectures.get(ending, ())]
        told = next((name for name in said if name in found), None)
        if told is None:
            raise BadCheckpoint(
                f"{self.folder / PEFT_DESCRIPTION}: its head could be for {' or '.join(found)}",
                f"Write its task_type there: {', '.join(ENDINGS)}.",
            )
        return told

    def _values(self, base: Pretrained, head: str | None, made: _Made) -> dict[str, object]:
        """What `config.json` would say of the head: its class, and as many labels as it has rows."""
        if head is None:
            return {}
        endings = base.family.architectures.items()
        ending = next((name for name, heads in endings if heads == (head,)), None)
        own = base.family.class_names[base.foreign.model_type]
        rows = made.headers.get(f"{HEAD}classifier.weight")
        values: dict[str, object] = {} if ending is None else {"architectures": [own + ending]}
        named = base.foreign.values.get("id2label")
        if rows is not None and not (isinstance(named, dict) and len(named) == rows.shape[0]):
            values["id2label"] = {str(place): f"LABEL_{place}" for place in range(rows.shape[0])}
        return values


class _Made:
    """Our tensors as they are made of the library's."""

    def __init__(
        self, peft: PeftAdapter, names: Mapping[str, str], table: NameTable, shapes: Mapping[str, tuple[int, ...]]
    ) -> None:
        self.peft, self.names, self.table, self.shapes = peft, names, table, shapes
        self.headers: dict[str, TensorHeader] = {}
        self._blocks: dict[str, list[tuple[slice, str, str, float]]] = {}  # rows of ours, A, B, scale
        self._whole: dict[str, list[tuple[StoredTensors, str]]] = {}
        self._used: set[str] = set()

    def adapt(self) -> None:
        """Finds the pairs of narrow matrices of each of our layers."""
        pairs: dict[str, dict[str, str]] = {}
        for name in self.names:
            if found := _LORA.fullmatch(name):
                pairs.setdefault(found["module"], {})[found["side"]] = self.names[name]
        for row in self.table:
            shape = self.shapes.get(row.ours, ())
            if len(shape) != 2 or not row.ours.endswith(".weight"):
                continue
            part = row.ours.removesuffix(".weight")
            for name, rows in self.table.slices(row, shape[0]):
                pair = pairs.get(name.removesuffix(".weight"), {})
                if pair.keys() == {"A", "B"}:
                    self._blocks.setdefault(part, []).append((rows, pair["A"], pair["B"], self._scale(pair["A"])))
                    self._used |= {*pair.values()}
        stored = self.peft.tensors.headers
        for part, blocks in self._blocks.items():
            rank, (outputs, inputs) = sum(stored[a].shape[0] for _, a, _, _ in blocks), self.shapes[f"{part}.weight"]
            for rows, a, b, _ in blocks:
                if (stored[b].shape, stored[a].shape[1:]) != ((rows.stop - rows.start, stored[a].shape[0]), (inputs,)):
                    raise BadCheckpoint(f"{self.peft.folder / PEFT_TENSORS}: {b} does not fit the base's {part}.weight")
            self.headers[f"{part}.lower"] = TensorHeader((rank, inputs), "float32")
            self.headers[f"{part}.upper"] = TensorHeader((outputs, rank), "float32")

    def _scale(self, a: str) -> float:
        """What the product of a layer is multiplied by."""
        config, module = self.peft.config, _plain(a).removesuffix(".lora_A.weight")
        rank = self.peft.tensors.headers[a].shape[0]
        alpha = next(
            (
                alpha
                for key, alpha in (config.get("alpha_pattern") or {}).items()
                if re.search(rf"(^|\.)({key})$", module)
            ),
            config.get("lora_alpha", 8),
        )
        return float(alpha) / (rank**0.5 if config.get("use_rslora") else rank)

    def take_whole(self, table: NameTable, prefix: str, base: StoredTensors | None = None) -> None:
        """Finds the tensors of a table that are new whole.

        Args:
            base: where those are that the adapter lacks: the library saves of a head the last layer alone.
        """
        for row in table:
            sources = [self._source(name, base) for name in row.theirs]
            found = [source for source in sources if source is not None]
            if len(found) < len(sources):
                continue
            shapes = [tensors.headers[name].shape for tensors, name in found]
            rows = sum(shape[0] for shape in shapes) if shapes[0] else 0
            self.headers[prefix + row.ours] = TensorHeader((rows, *shapes[0][1:]) if shapes[0] else (), "float32")
            self._whole[prefix + row.ours] = found
            self._used |= {name for tensors, name in found if tensors is self.peft.tensors}

    def _source(self, name: str, base: StoredTensors | None) -> tuple[StoredTensors, str] | None:
        if name in self.names:
            return self.peft.tensors, self.names[name]
        return (base, name) if base is not None and name in base else None

    def refuse_unread(self) -> None:
        """Refuses what nothing was made of.

        Raises:
            BadCheckpoint: naming the first tensor.
        """
        unread = [name for name in self.peft.tensors if name not in self._used]
        if unread:
            more = f" and {len(unread) - 1} more" if len(unread) > 1 else ""
            raise BadCheckpoint(
                f"{self.peft.folder / PEFT_TENSORS}: {unread[0]}{more} is of no layer of the base", _REMEDY
            )

    def read(self) -> Mapping[str, Tensor]:
        """All of them, float32."""
        stored = self.peft.tensors
        found: dict[str, Tensor] = {}
        for part, blocks in self._blocks.items():
            some, begin = stored[blocks[0][1]].float(), 0
            lower, upper = (some.new_zeros(self.headers[f"{part}.{kind}"].shape) for kind in ("lower", "upper"))
            for rows, a, b, scale in blocks:
                end = begin + stored[a].shape[0]
                lower[begin:end], upper[rows, begin:end] = stored[a].float(), scale * stored[b].float()
                begin = end
            found |= {f"{part}.lower": lower, f"{part}.upper": upper}
        for name, theirs in self._whole.items():
            parts = [tensors[one].float() for tensors, one in theirs]
            found[name] = parts[0] if len(parts) == 1 else _stacked(parts, self.headers[name].shape)
        return found


def _stacked(parts: Sequence[Tensor], shape: Sequence[int]) -> Tensor:
    whole, begin = parts[0].new_zeros(tuple(shape)), 0
    for part in parts:
        whole[begin : begin + len(part)] = part
        begin += len(part)
    return whole


def _plain(name: str) -> str:
    """A tensor's name without what the library's wrappers add."""
    return re.sub(r"\.modules_to_save(?:\.default)?\.", ".", name.removeprefix(WRAPPED))


def read_peft(folder: Path) -> PeftAdapter | None:
    """The adapter of the library in a folder; None where it holds none.

    Raises:
        BadCheckpoint: a file is damaged, or it is another kind of adapter, or a kind of LoRA that is not plain.
    """
    path = folder / PEFT_DESCRIPTION
    if not path.is_file():
        return None
    config = read_values(path)
    for key, plain in PLAIN.items():
        if config.get(key, plain) != plain and (config[key] or plain):
            raise BadCheckpoint(f"{path}: {key} is {json.dumps(config[key])}, and only plain LoRA is read", _REMEDY)
    if not (folder / PEFT_TENSORS).is_file():
        raise BadCheckpoint(f"{folder}: no {PEFT_TENSORS}", "Save the adapter with safe_serialization=True.")
    values = read_values(folder / VALUES) if (folder / VALUES).is_file() else {}
    return PeftAdapter(folder, config, open_safetensors(WeightFiles((folder / PEFT_TENSORS,))), values)
