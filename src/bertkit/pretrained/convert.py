"""From a folder in one layout to a folder in another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from bertkit.errors import UserError
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.loading import open_pretrained
from bertkit.pretrained.saving import save_pretrained, save_tensorflow
from bertkit.pretrained.sentence_transformers import SentenceSettings

Layout = Literal["hub", "tf", "sentence-transformers"]

# What sentence-transformers makes of a folder that has only a transformer in it.
PLAIN = SentenceSettings()


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was written.

    Attributes:
        files: bytes of each file of the new folder.
        left_out: what the old folder has and the new layout has no place for.
    """

    source: str
    destination: str
    format: Layout
    family: str
    files: dict[str, int]
    left_out: tuple[str, ...]

    def record(self) -> dict[str, object]:
        """The facts as JSON values."""
        return asdict(self)


def convert(source: Path, destination: Path, layout: Layout, embeddings: Mapping[str, Any]) -> Conversion:
    """Write the checkpoint in `source` as a new folder; weights and configuration stay what they are.

    Weights of int8, which no other library opens, become the float32 numbers that they stand for.

    Args:
        embeddings: what to change in the settings of sentence embeddings: `pooling`, `normalize`, `max_length`.

    Raises:
        UserError: settings for a layout that has none, or that the model cannot have; a family without the layout.
        OutputError: the place cannot be written, or is a folder with something in it.
        BertkitError: as `open_pretrained` does.
    """
    if embeddings and layout != "sentence-transformers":
        options = ", ".join(f"--{name.replace('_', '-')}" for name in embeddings)
        raise UserError(f"{options}: the {layout} layout does not hold it", "Add --format sentence-transformers.")
    pretrained = _in_floating_point(open_pretrained(source))
    tokenizer = pretrained.load_tokenizer()
    pretrained.build_encoder()  # sees that no tensor is missing or of another shape, before anything is written
    left_out: tuple[str, ...] = ()
    if layout == "tf":
        left_out = save_tensorflow(pretrained, tokenizer, destination)
        left_out += ("settings of sentence embeddings",) if pretrained.settings is not None else ()
        left_out += ("the student of a cascade",) if pretrained.cascade is not None else ()
        says = pretrained.cross_encoder
        left_out += ("settings of a cross-encoder",) if says is not None and (says.parts or says.prompts.texts) else ()
    else:
        if layout == "sentence-transformers":
            pretrained = replace(pretrained, settings=_settings(pretrained, embeddings))
        save_pretrained(pretrained, tokenizer, destination)
    files = sorted(file for file in destination.rglob("*") if file.is_file())
    sizes = {file.relative_to(destination).as_posix(): file.stat().st_size for file in files}
    return Conversion(str(source), str(destination), layout, pretrained.family.name, sizes, left_out)


def _in_floating_point(pretrained: Pretrained) -> Pretrained:
    """The checkpoint, and the student of a cascade, without weights of int8."""
    cascade = pretrained.cascade
    if cascade is not None:
        cascade = replace(cascade, student=_in_floating_point(cascade.student))
    return replace(pretrained, int8=None, cascade=cascade)


def _settings(pretrained: Pretrained, changes: Mapping[str, Any]) -> SentenceSettings:
    settings = pretrained.settings or PLAIN
    if changes and settings.routed:
        raise UserError(
            f"{pretrained.source}: a model of several encoders is written as it is",
            "Convert the folder of one of its encoders instead.",
        )
    if "pooling" in changes:
        settings = replace(settings, parts=replace(settings.parts, pooling=(changes["pooling"],)))
    if "normalize" in changes:
        settings = replace(settings, normalize=changes["normalize"])
    if "max_length" in changes:
        settings = replace(settings, reads=replace(settings.reads, max_length=changes["max_length"], of_task={}))
    most = pretrained.config.max_length
    if settings.max_length is not None and settings.max_length > most:
        raise UserError(
            f"{pretrained.folder}: a length of {settings.max_length} tokens, the model reads at most {most}",
            f"Choose --max-length {most} or less.",
        )
    return settings
