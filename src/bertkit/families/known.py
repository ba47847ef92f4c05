"""Encoders by the names that people write: presets, and well-known checkpoints of other sizes."""

from __future__ import annotations

from bertkit.config.encoder import EncoderConfig
from bertkit.config.strict import parse
from bertkit.families.catalogue import FAMILIES

# Other checkpoints by what they are called, as one of ours with other sizes.
ALSO: dict[str, tuple[str, dict[str, object]]] = {
    "bert": ("bert-base", {}),
    "bert-base-cased": ("bert-base", {"vocab_size": 28996}),
    "bert-large-cased": ("bert-large", {"vocab_size": 28996}),
    "bert-base-multilingual-cased": ("bert-base", {"vocab_size": 119547}),
    "distilbert": ("distilbert-base", {}),
    "distilbert-base-cased": ("distilbert-base", {"vocab_size": 28996}),
    "roberta": ("roberta-base", {}),
    "albert": ("albert-base", {}),
    "modernbert": ("modernbert-base", {}),
    "minilm": ("bert-base", {"width": 384, "ffn_width": 1536, "layer_of_step": tuple(range(6))}),
    "all-minilm-l6-v2": ("bert-base", {"width": 384, "ffn_width": 1536, "layer_of_step": tuple(range(6))}),
    "bge-small-en-v1.5": ("bert-base", {"width": 384, "ffn_width": 1536}),
    "bge-base-en-v1.5": ("bert-base", {}),
    "bge-large-en-v1.5": ("bert-large", {}),
}


def known_models() -> dict[str, EncoderConfig]:
    """Presets and well-known checkpoints, by the names that people write."""
    found: dict[str, EncoderConfig] = {}
    for name, family in FAMILIES.items():
        for preset, config in family.presets.items():
            whole = preset if family.name.split("-")[0] in preset else f"{name}-{preset}"
            found.setdefault(whole.replace("_", "-"), config)
    for name, (like, changes) in ALSO.items():
        found.setdefault(name, changed(found[like], changes, name))
    return found


def changed(config: EncoderConfig, changes: dict[str, object], source: str) -> EncoderConfig:
    """The encoder with other sizes.

    Raises:
        ConfigError: sizes that are none, or do not fit together; it names `source`.
    """
    return parse(EncoderConfig, {**config.model_dump(), **changes}, source)
