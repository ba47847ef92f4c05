"""The extra files of a sentence-transformers folder: how hidden states become one vector."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from bertkit.errors import ConfigError
from bertkit.model.pooling import Pooling
from bertkit.tasks.text_ranking import Activation

MODES: dict[str, Pooling] = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
}
ACTIVATIONS: dict[Activation, str] = {
    "sigmoid": "torch.nn.modules.activation.Sigmoid",
    "identity": "torch.nn.modules.linear.Identity",
}
CROSS_ENCODER, OLD_ACTIVATION = "sentence_transformers", "sbert_ce_default_activation_function"


@dataclass(frozen=True, slots=True)
class SentenceSettings:
    """What a sentence-transformers folder says about its embeddings.

    Attributes:
        prompt: text that goes before every input.
        max_length: tokens the model was trained on, special tokens included; None where the folder does not say.
    """

    pooling: Pooling
    normalize: bool
    prompt: str
    max_length: int | None


def read_settings(folder: Path) -> SentenceSettings | None:
    """The settings of a sentence-transformers folder; None where `folder` is not one.

    Raises:
        ConfigError: a module or a pooling that bertkit does not have.
    """
    path = folder / "modules.json"
    if not path.is_file():
        return None
    transformer, *others = cast("list[dict[str, str]]", _read(path))
    kinds = {module["type"].rsplit(".", 1)[-1]: module["path"] for module in others}
    if "Pooling" not in kinds or not set(kinds) <= {"Pooling", "Normalize"}:
        raise ConfigError(
            f"{path}: modules {', '.join(kinds) or 'none'} after the Transformer are not supported",
            "Use a model of Transformer, Pooling and, if need be, Normalize.",
        )
    return SentenceSettings(
        pooling=_read_pooling(folder / kinds["Pooling"] / "config.json"),
        normalize="Normalize" in kinds,
        prompt=_read_prompt(folder / "config_sentence_transformers.json"),
        max_length=_read_max_length(folder / transformer["path"]),
    )


def _read_pooling(path: Path) -> Pooling:
    """The one pooling that is switched on; folders spell it as a word, or as a flag for each kind."""
    values = _read_object(path)
    word = values.get("pooling_mode")
    flags = [key for key, on in values.items() if key.startswith("pooling_mode_") and on]
    chosen = [word] if word is not None else [MODES.get(flag, flag) for flag in flags]
    if len(chosen) == 1 and chosen[0] in MODES.values():
        return cast("Pooling", chosen[0])
    raise ConfigError(
        f"{path}: pooling {' + '.join(map(str, chosen)) or 'nothing'} is not supported",
        f"Use a model with one of {', '.join(sorted(MODES.values()))}.",
    )


def _read_prompt(path: Path) -> str:
    """The text that the model's authors put before every input unless told otherwise."""
    values = _read_object(path) if path.is_file() else {}
    prompts = cast("dict[str, str]", values.get("prompts") or {})
    return prompts.get(str(values.get("default_prompt_name")), "")


def _read_max_length(folder: Path) -> int | None:
    """`max_seq_length`, which newer folders keep as the tokenizer's `model_max_length`."""
    for name, key in (("sentence_bert_config.json", "max_seq_length"), ("tokenizer_config.json", "model_max_length")):
        length = _read_object(folder / name).get(key) if (folder / name).is_file() else None
        if isinstance(length, int):
            return length
    return None


def _read_object(path: Path) -> dict[str, object]:
    return cast("dict[str, object]", _read(path))


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}", "Download or copy the folder again.") from None


def read_cross_encoder(folder: Path, config: Mapping[str, object]) -> Activation | None:
    """What a cross-encoder of sentence-transformers does to its logit; None where `folder` is not said to be one.

    Newer releases keep it in a file of its own, older ones in `config.json`, where it had another name before.

    Raises:
        ConfigError: a function that bertkit does not have.
    """
    path = folder / "config_sentence_transformers.json"
    own = _read_object(path) if path.is_file() else {}
    if own.get("model_type") != "CrossEncoder":
        path, own = folder / "config.json", cast("dict[str, object]", config.get(CROSS_ENCODER) or {})
        if OLD_ACTIVATION in config:
            own = {"activation_fn": config[OLD_ACTIVATION]}
        if not own:
            return None
    named = own.get("activation_fn") or ACTIVATIONS["sigmoid"]
    for activation, name in ACTIVATIONS.items():
        if str(named).rsplit(".", 1)[-1] == name.rsplit(".", 1)[-1]:
            return activation
    raise ConfigError(f"{path}: activation {named!r} is not supported", "Use a cross-encoder with Sigmoid or Identity.")


def cross_encoder_keys(activation: Activation) -> dict[str, object]:
    """The key of `config.json` that says the same; sentence-transformers 4 and later read it."""
    return {CROSS_ENCODER: {"activation_fn": ACTIVATIONS[activation]}}


def write_settings(folder: Path, settings: SentenceSettings, width: int) -> None:
    """The files that make a model's folder one that sentence-transformers opens."""
    modules: list[dict[str, object]] = [{"path": "", "type": "sentence_transformers.models.Transformer"}]
    modules.append({"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"})
    if settings.normalize:
        modules.append({"path": "2_Normalize", "type": "sentence_transformers.models.Normalize"})
    for number, module in enumerate(modules):
        module |= {"idx": number, "name": str(number)}
    pooling = {flag: mode == settings.pooling for flag, mode in MODES.items()}
    prompt = {"default": settings.prompt} if settings.prompt else {}
    files: dict[str, object] = {
        "modules.json": modules,
        "1_Pooling/config.json": {"word_embedding_dimension": width, **pooling},
        "sentence_bert_config.json": {"max_seq_length": settings.max_length, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "prompts": prompt,
            "default_prompt_name": "default" if prompt else None,
            "similarity_fn_name": "cosine",
        },
    }
    for name, values in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(values, indent=2) + "\n")
