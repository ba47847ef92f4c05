"""From a folder in one layout to a folder in another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from bertkit.errors import UserError
from bertkit.pretrained.baking import baked
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.loading import open_adapter, open_pretrained
from bertkit.pretrained.peft_writing import write_peft
from bertkit.pretrained.saving import save_pretrained, save_tensorflow
from bertkit.pretrained.sentence_transformers import SentenceSettings

Layout = Literal["hub", "tf", "sentence-transformers", "peft"]

# What sentence-transformers makes of a folder that has only a transformer in it.
PLAIN = SentenceSettings()


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was written.

    Attributes:
        files: bytes of each file of the new folder.
        left_out: what the old folder has and the new layout has no place for.
        baked_temperature: what the classifier was divided by; None where it was not.
    """

    source: str
    destination: str
    format: Layout
    family: str
    files: dict[str, int]
    left_out: tuple[str, ...]
    baked_temperature: float | None = None

    def record(self) -> dict[str, object]:
        """The facts as JSON values."""
        facts = asdict(self)
        return {name: value for name, value in facts.items() if name != "baked_temperature" or value is not None}


def convert(
    source: Path, destination: Path, layout: Layout, embeddings: Mapping[str, Any], *, bake: bool = False
) -> Conversion:
    """Write the checkpoint in `source` as a new folder; weights and configuration stay what they are.

    Weights of int8, which no other library opens, become the float32 numbers that they stand for.

    Args:
        embeddings: what to change in the settings of sentence embeddings: `pooling`, `normalize`, `max_length`.
        bake: divide the classifier by the temperature of the folder's calibration, for programs that know of none.

    Raises:
        UserError: as `baked`; settings for a layout that has none, or that the model cannot have; a family without the
            layout.
        OutputError: the place cannot be written, or is a folder with something in it.
        BertkitError: as `open_pretrained` does.
    """
    if embeddings and layout != "sentence-transformers":
        options = ", ".join(f"--{name.replace('_', '-')}" for name in embeddings)
        raise UserError(f"{options}: the {layout} layout does not hold it", "Add --format sentence-transformers.")
    if layout == "peft":
        return _as_peft(source, destination, bake=bake)
    pretrained = _in_floating_point(open_pretrained(source))
    temperature = pretrained.calibration.temperature if bake and pretrained.calibration is not None else None
    pretrained = baked(pretrained) if bake else pretrained
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
    family = pretrained.family.name
    return Conversion(str(source), str(destination), layout, family, _sizes(destination), left_out, temperature)


def _sizes(folder: Path) -> dict[str, int]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.stat().st_size for file in files}


def _as_peft(source: Path, destination: Path, *, bake: bool) -> Conversion:
    """An adapter as peft has it.

    Raises:
        UserError: the source is no adapter, or one that peft has no place for.
    """
    found = open_adapter(source)
    if found is None or bake:
        what = "a temperature is not baked into an adapter" if found else "is no adapter, and peft's folders are"
        raise UserError(f"{source}: {what}", "Use --format hub.")
    base, adapter = found
    write_peft(adapter, base, destination)
    return Conversion(str(source), str(destination), "peft", base.family.name, _sizes(destination), ())


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
