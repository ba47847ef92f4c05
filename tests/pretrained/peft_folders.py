"""Adapter folders as peft writes them (compared with peft 0.21), and transformers with them merged by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoModelForTokenClassification

from tests.parity.task_peers import make_task_peer

CLASSES: Mapping[str, Any] = {
    "SEQ_CLS": AutoModelForSequenceClassification,
    "TOKEN_CLS": AutoModelForTokenClassification,
    "FEATURE_EXTRACTION": AutoModel,
}
SIZES = {"hidden_size": 36, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40, "vocab_size": 99}
FAMILIES: Mapping[str, tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]] = {  # sizes, adapted layers, head
    "bert": (SIZES, ("query", "value", "intermediate.dense"), ("classifier",)),
    "distilbert": (
        {"dim": 36, "n_layers": 2, "n_heads": 3, "hidden_dim": 40, "vocab_size": 99},
        ("q_lin", "k_lin", "lin2"),
        ("classifier",),
    ),
    "modernbert": (
        SIZES | {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3},
        ("Wqkv", "Wo"),
        ("classifier",),
    ),
}
IDS = [2, 10, 14, 30, 3]


def write_adapter(folder: Path, family: str, task_type: str, **config: object) -> tuple[Path, nn.Module]:
    """A base in `base`, an adapter on it in `adapter`; the adapter's folder, and what transformers has of the two."""
    sizes, layers, head = FAMILIES[family]
    base, adapter = folder / "base", folder / "adapter"
    make_task_peer("text-classification", base)  # for its vocabulary
    adapter.mkdir()
    torch.manual_seed(3)
    model = CLASSES[task_type].from_config(AutoConfig.for_model(family, num_labels=4, initializer_range=0.3, **sizes))
    model.save_pretrained(base)
    rank, alpha = 3, {"query": 9}
    settings = {"r": rank, "lora_alpha": 7, "alpha_pattern": alpha, "target_modules": list(layers), **config}
    tensors: dict[str, Tensor] = {}
    for name, module in model.named_modules():
        if name.endswith(layers) and isinstance(module, nn.Linear):
            narrow, wide = torch.randn(rank, module.in_features), torch.randn(module.out_features, rank) * 0.1
            tensors[f"base_model.model.{name}.lora_A.weight"] = narrow
            tensors[f"base_model.model.{name}.lora_B.weight"] = wide
            scale = alpha.get(name.rpartition(".")[2], 7) / (rank**0.5 if config.get("use_rslora") else rank)
            module.weight.data += scale * wide @ narrow
    for name, parameter in model.named_parameters():
        if task_type != "FEATURE_EXTRACTION" and name.startswith(head):
            parameter.data.normal_(0, 0.3)
            tensors[f"base_model.model.{name}"] = parameter.data.clone()
    save_file(tensors, adapter / "adapter_model.safetensors", metadata={"format": "pt"})
    fixed = {"peft_type": "LORA", "base_model_name_or_path": str(base), "bias": "none", "lora_dropout": 0.1}
    saved = {"modules_to_save": list(head), "task_type": task_type, "use_dora": False, "peft_version": "0.21.2"}
    (adapter / "adapter_config.json").write_text(json.dumps(fixed | saved | settings))
    return adapter, model.eval()


@torch.inference_mode()
def theirs(model: nn.Module) -> Tensor:
    """The last hidden states, or the logits, of `IDS`."""
    found = model(input_ids=torch.tensor([IDS]))
    result: Tensor = found.logits if hasattr(found, "logits") else found.last_hidden_state
    return result.squeeze(0)
