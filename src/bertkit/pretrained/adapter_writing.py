"""An adapter as a folder."""

from __future__ import annotations

from pathlib import Path

from bertkit.checkpoints.folders import atomic_folder
from bertkit.checkpoints.tensors import write_tensors
from bertkit.checkpoints.weight_files import ADAPTER_DESCRIPTION, ADAPTER_TENSORS
from bertkit.pretrained.adapters import SCHEMA_VERSION, Adapter, Base
from bertkit.pretrained.sentence_transformers import CrossEncoderSettings, SentenceSettings, cross_encoder_keys
from bertkit.pretrained.sentence_writing import write_cross_encoder, write_json, write_settings


def write_adapter(
    adapter: Adapter,
    folder: Path,
    card: str,
    settings: SentenceSettings | None = None,
    cross_encoder: CrossEncoderSettings | None = None,
    width: int = 0,
) -> None:
    """Write the folder, whole or not at all; what was there is replaced.

    Args:
        settings, cross_encoder: what the model's other files say of its task.
        width: of the encoder.

    Raises:
        OutputError: it cannot be written.
    """
    values = dict(adapter.values) | ({} if cross_encoder is None else cross_encoder_keys(cross_encoder))
    about = {
        "schema_version": SCHEMA_VERSION,
        "base": adapter.base.model_dump(exclude_none=True) if isinstance(adapter.base, Base) else adapter.base,
        "base_sha256": adapter.base_sha256,
        "head_name": adapter.head_name,
        "scale": adapter.scale,
        "values": values,
    }
    with atomic_folder(folder, replace=True) as made:
        write_json(made / ADAPTER_DESCRIPTION, about)
        write_tensors(made / ADAPTER_TENSORS, adapter.tensors)
        if settings is not None:
            write_settings(made, settings, width)
        if cross_encoder is not None:
            write_cross_encoder(made, cross_encoder, width)
        (made / "README.md").write_text(card, encoding="utf-8")
