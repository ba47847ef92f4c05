"""The files of sentence-transformers, written: modules, settings, a cross-encoder's activation."""

from __future__ import annotations

import json
from pathlib import Path

from bertkit.checkpoints.tensors import write_tensors
from bertkit.pretrained.sentence_keys import POOLING_FLAGS
from bertkit.pretrained.sentence_modules import MODULES
from bertkit.pretrained.sentence_parts import NO_TENSORS, VectorModule, VectorModules, activation_path
from bertkit.pretrained.sentence_transformers import (
    MODEL_FILE,
    RERANKER,
    TRANSFORMER_FILE,
    CrossEncoderSettings,
    Prompts,
    Reads,
    SentenceSettings,
    model_max_length,
)


def write_cross_encoder(folder: Path, settings: CrossEncoderSettings, width: int) -> None:
    """The files that say what `config.json` and the tokenizer's files cannot; none where they say all."""
    said = Reads(model_max_length(folder))
    if settings.parts is None and not settings.prompts.texts and settings.reads in (said, Reads()):
        return
    if settings.parts is None:
        modules: object = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
        task = "sequence-classification"
    else:
        modules, task = write_parts(folder, settings.parts, False, width), "feature-extraction"
    write_json(folder / MODULES, modules)
    write_json(folder / TRANSFORMER_FILE, _transformer_values(settings.reads) | {"transformer_task": task})
    activation = {"activation_fn": activation_path(settings.activation)}
    write_json(folder / MODEL_FILE, {"model_type": RERANKER, **activation, **_prompt_values(settings.prompts)})


def write_settings(folder: Path, settings: SentenceSettings, width: int) -> None:
    """The files that make a model's folder one that sentence-transformers opens."""
    write_json(folder / MODULES, write_parts(folder, settings.parts, settings.normalize, width))
    write_json(folder / TRANSFORMER_FILE, _transformer_values(settings.reads))
    cut = {} if settings.truncate_dim is None else {"truncate_dim": settings.truncate_dim}
    values = {**_prompt_values(settings.prompts), "similarity_fn_name": settings.similarity, **cut}
    write_json(folder / MODEL_FILE, values)


def _transformer_values(reads: Reads) -> dict[str, object]:
    lengths = {f"{name}_length": length for name, length in reads.of_task.items()}
    return {"max_seq_length": reads.max_length, "do_lower_case": reads.lower_case, **lengths}


def _prompt_values(prompts: Prompts) -> dict[str, object]:
    return {"prompts": dict(prompts.texts), "default_prompt_name": prompts.name}


def write_parts(folder: Path, parts: VectorModules, normalize: bool, width: int) -> list[dict[str, object]]:
    """Write the modules' folders.

    Args:
        normalize: put a Normalize at the end.
        width: of the tokens.

    Returns:
        The entries of `modules.json`, the Transformer's first.
    """
    last = (VectorModule("Normalize", {}, NO_TENSORS, None),) if normalize else ()
    for part in parts.before:
        width = part.tensors.headers["linear.weight"].shape[0] if part.kind == "Dense" else width
    pooling = VectorModule("Pooling", _pooling_values(parts, width), NO_TENSORS, None)
    entries: list[dict[str, object]] = [_entry(0, "", "Transformer")]
    for number, part in enumerate((*parts.before, pooling, *parts.after, *last), 1):
        name = f"{number}_{part.kind}"
        (folder / name).mkdir()
        write_json(folder / name / "config.json", part.values)
        if part.tensors:
            write_tensors(folder / name / "model.safetensors", part.tensors)
        entries.append(_entry(number, name, part.kind))
    return entries


def _pooling_values(parts: VectorModules, width: int) -> dict[str, object]:
    """Flags, which old releases of the library read too, unless they cannot say the order."""
    values: dict[str, object] = {"word_embedding_dimension": width}
    if list(parts.pooling) == [mode for mode in POOLING_FLAGS.values() if mode in parts.pooling]:
        values |= {flag: mode in parts.pooling for flag, mode in POOLING_FLAGS.items()}
    else:
        values |= {"pooling_mode": list(parts.pooling)}
    return values if parts.include_prompt else values | {"include_prompt": False}


def _entry(number: int, path: str, kind: str) -> dict[str, object]:
    return {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}


def write_json(path: Path, values: object) -> None:
    """A file of indented JSON."""
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
