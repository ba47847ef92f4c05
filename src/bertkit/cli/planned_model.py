"""Which encoder `bertkit plan MODEL` means: a folder, a preset, a hub name that is cached, or numbers. Without torch.

Nothing is downloaded and no weights are opened: a plan needs the sizes alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertkit.errors import ConfigError, ModelNotFound, near_match

if TYPE_CHECKING:
    from bertkit.config.encoder import EncoderConfig

_ENDINGS = re.compile(r"-(?:uncased|v[12])$")


def planned_model(model: str) -> tuple[str, EncoderConfig, Callable[[str], int] | None]:
    """The name, the encoder, and what counts the tokens of a text; None where its tokenizer is not there.

    Raises:
        ModelNotFound: there is no such folder or preset, and no such model in the hub's cache.
        ConfigError: a configuration that is no encoder's.
    """
    folder = _folder(Path(model).expanduser())
    if folder is None and "=" in model:
        return model, _of_numbers(model), None
    if folder is None:
        from bertkit.families.known import known_models

        models = known_models()
        plain = model.lower().rsplit("/", 1)[-1]
        for name in (plain, _ENDINGS.sub("", plain)):
            if name in models:
                return model, models[name], None
        folder = _cached(model)
        if folder is None:
            raise ModelNotFound(
                f"{model!r}: no such folder or preset, and not in the hub cache{near_match(plain, models)}",
                f"Name a folder, a preset ({', '.join(sorted(models)[:4])} …), or sizes: layers=12,width=768,heads=12.",
            )
    if any((folder / name).is_file() for name in ("adapter.json", "modules.json")) and not _has_config(folder):
        from bertkit.pretrained.loading import open_pretrained

        opened = open_pretrained(folder)  # what it is stands in another folder
        return model, opened.config, _counter(opened.folder)
    from bertkit.families.foreign_config import read_config

    return model, read_config(folder).encoder, _counter(folder)


def _folder(path: Path) -> Path | None:
    if path.is_file() and path.name.endswith(".json"):
        path = path.parent
    if not path.is_dir():
        return None
    return path if _has_config(path) or not (path / "model").is_dir() else path / "model"


def _has_config(folder: Path) -> bool:
    return (folder / "config.json").is_file()


def _cached(model: str) -> Path | None:
    """Where the hub's library keeps a model's newest snapshot, found without importing it."""
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    cache = Path(os.environ.get("HF_HUB_CACHE", home / "hub"))
    names = [
        folder for folder in cache.glob("models--*") if folder.name[8:].lower() == model.lower().replace("/", "--")
    ]
    snapshots = [config.parent for folder in names for config in folder.glob("snapshots/*/config.json")]
    return max(snapshots, key=lambda path: path.stat().st_mtime, default=None)


def _of_numbers(text: str) -> EncoderConfig:
    """`layers=12,width=768,heads=12,…`: fields of `EncoderConfig`, BERT-base's where left out."""
    from bertkit.config.encoder import EncoderConfig
    from bertkit.families.known import changed

    base = EncoderConfig()
    changes: dict[str, object] = {}
    for part in re.split(r"[,\s]+", text.strip()):
        key, _, value = part.partition("=")
        if key == "layers":
            changes["layer_of_step"] = tuple(range(_whole(key, value)))
        elif key not in EncoderConfig.model_fields:
            known = [*EncoderConfig.model_fields, "layers"]
            raise ConfigError(f"{text}: unknown key {key!r}{near_match(key, known)}", "Correct the key.")
        else:
            changes[key] = _value(key, value)
    if "width" in changes and "ffn_width" not in changes:
        changes["ffn_width"] = 4 * _whole("width", str(changes["width"]))
    return changed(base, changes, text)


def _whole(key: str, value: str) -> int:
    if not value.isdigit() or int(value) < 1:
        raise ConfigError(f"{key}={value}: a whole number from 1 on is expected", "Correct the value.")
    return int(value)


def _value(key: str, value: str) -> object:
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def _counter(folder: Path) -> Callable[[str], int] | None:
    """Counts tokens with the folder's own tokenizer, special ones included; opened when the first text is counted."""
    if not any((folder / name).exists() for name in ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model")):
        return None
    opened: list[Any] = []

    def count(text: str) -> int:
        if not opened:
            from bertkit.tokenization.opening import open_backend
            from bertkit.tokenization.settings import read_settings

            opened.append(open_backend(folder, read_settings(folder)).backend)
            opened[0].no_truncation()
            opened[0].no_padding()
        return len(opened[0].encode(text.strip()).ids)

    return count
