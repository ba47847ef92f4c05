"""What is in a checkpoint's folder. Torch-free."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from bertkit.checkpoints.digests import sha256
from bertkit.checkpoints.graph_files import graph_files
from bertkit.checkpoints.weight_files import find_weights
from bertkit.config.int8 import INPUTS
from bertkit.families.contract import Weight
from bertkit.planner.parameters import count_parameters
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.loading import open_pretrained
from bertkit.tokenization.settings import CONFIG


@dataclass(frozen=True, slots=True)
class Description:
    """The facts about a checkpoint.

    Attributes:
        parameters: of the encoder, pooler included, heads not.
        max_length: tokens one sequence can have, special tokens included.
        dtype: precisions that the weights are stored in.
        weight_bytes: of the files.
        loaded_bytes: memory that the encoder's weights take once loaded, in each precision; what a batch needs for its
            own numbers comes on top.
        vocab_sha256: of the tokenizer's vocabulary.
        sha256: of each weight file.
        unused_tensors: tensors in the files that no part of the model reads.
        unread_keys: keys of the configuration, and of the tokenizer's, that bertkit does not know.
        int8: how many weights are, how many of their layers have fixed scales for what they read, which weights were
            kept in floating point, and what this machine makes of int8; None where no weight is.
        cascade: from which confidence its student answers and what that was measured to do, and the student's size;
            None where it has no student.
        calibration: the temperature of its classifier, and what else its calibration says; None where it has none.
    """

    folder: str
    family: str
    parameters: int
    layers: int
    width: int
    attention_heads: int
    max_length: int
    vocab_size: int
    tokenizer: str
    tasks: tuple[str, ...]
    dtype: tuple[str, ...]
    weight_bytes: int
    loaded_bytes: dict[str, int]
    vocab_sha256: str
    sha256: dict[str, str]
    unused_tensors: tuple[str, ...]
    unread_keys: tuple[str, ...]
    int8: dict[str, object] | None
    cascade: dict[str, object] | None
    calibration: dict[str, object] | None

    def record(self) -> dict[str, object]:
        """The facts as JSON values."""
        return asdict(self)


def describe(folder: Path) -> Description:
    """Look into a checkpoint's folder; only the hashing reads the weights.

    Raises:
        BertkitError: as `open_pretrained` and `load_tokenizer` do.
    """
    pretrained = open_pretrained(folder)
    config = pretrained.config
    parameters = count_parameters(config)
    tokenizer = pretrained.load_tokenizer()
    weights, stored = _files(pretrained)
    return Description(
        folder=str(folder),
        family=pretrained.family.name,
        parameters=parameters,
        layers=len(config.layer_of_step),
        width=config.width,
        attention_heads=config.heads,
        max_length=config.max_length,
        vocab_size=config.vocab_size,
        tokenizer=f"{tokenizer.algorithm}, {tokenizer.vocab_size:,} tokens, {tokenizer.casing}",
        tasks=tuple(pretrained.tasks()),
        dtype=stored,
        weight_bytes=sum(path.stat().st_size for path in weights),
        loaded_bytes={"float32": 4 * parameters, "bfloat16": 2 * parameters},
        vocab_sha256=tokenizer.vocab_sha256(),
        sha256={path.name: sha256(path) for path in weights},
        unused_tensors=_unused(pretrained),
        unread_keys=(*pretrained.foreign.unread, *(f"{CONFIG}: {key}" for key in tokenizer.unread_keys)),
        int8=_int8(pretrained),
        cascade=_cascade(pretrained),
        calibration=None if pretrained.calibration is None else pretrained.calibration.model_dump(),
    )


def _files(pretrained: Pretrained) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """The files that hold the numbers, and the precisions that they are stored in."""
    if pretrained.has_weights:
        dtypes = {header.dtype for header in (pretrained.int8 or pretrained.tensors).headers.values()}
        return find_weights(pretrained.folder).files, tuple(sorted(dtypes))
    graphs = graph_files(pretrained.folder)
    return tuple(graph.path for graph in graphs), tuple(sorted({graph.dtype for graph in graphs}))


def _int8(pretrained: Pretrained) -> dict[str, object] | None:
    if pretrained.int8 is None:
        return None
    from bertkit.model.int8_machine import int8_kernels
    from bertkit.model.int8_parts import products_of

    headers = pretrained.int8.headers
    return {
        "weights": sum(header.dtype == "int8" for header in headers.values()),
        "fixed_scales": sum(name.endswith(INPUTS) for name in headers),
        "kept": sorted(products_of(pretrained.build_encoder(int8=True))),
        "this_machine": str(int8_kernels()),
    }


def _cascade(pretrained: Pretrained) -> dict[str, object] | None:
    if pretrained.cascade is None:
        return None
    student = pretrained.cascade.student
    facts = {
        "student_layers": len(student.config.layer_of_step),
        "student_parameters": count_parameters(student.config),
    }
    return {**facts, **pretrained.cascade.settings.model_dump(exclude={"schema_version", "data_sha256"})}


def _unused(pretrained: Pretrained) -> tuple[str, ...]:
    heads = (shape.weights for shape in pretrained.family.heads.values())
    tables: tuple[tuple[Weight, ...], ...] = (pretrained.family.encoder, *heads)
    rows = [row for table in tables for row in pretrained.table(table)]
    used = {name for row in rows for name in (*row.theirs, *row.aliases)}
    return tuple(sorted(set(pretrained.tensors) - used))
