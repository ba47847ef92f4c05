"""Which kernel computes what: one answer for the model, which calls it, and the planner, which counts for it.

All that a choice depends on is handed in: the processor, the precision, and what the configuration asks for. Nobody
else decides by the kind of a device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bertkit.config.encoder import Activation


Capability = tuple[int, int]  # of a GPU, as CUDA counts its generations: (8, 0) is Ampere's first
Precision = Literal["float32", "bfloat16", "float16"]

# One variable-length kernel for the whole batch; dropout by hand on a CPU; a dense kernel for each length.
AttentionKernel = Literal["varlen", "dropped", "by-length"]

# A linear layer as torch has it; its weight laid out once for a CPU's kernels, for inference; and its weight in int8,
# where it was made so: those that are kept in floating point among them are packed.
LinearKind = Literal["plain", "packed", "int8"]

# What a packed linear layer applies itself while the product is still in cache, so that it is no tensor of its own; and
# how oneDNN names it: (operation, algorithm).
FUSED: Mapping[Activation, tuple[str, str]] = {
    "gelu": ("gelu", "none"),
    "gelu_tanh": ("gelu", "tanh"),
    "relu": ("relu", ""),
}

# Attention with dropout on a CPU multiplies matrices of sequences up to this length in float32 at least. oneDNN
# compiles products of half precision for each number and length of sequences, which takes longer than such a product.
SHORT = 64

# Local attention goes chunk by chunk where a sequence is longer than so many radii of its window.
CHUNK_RADII = 3


@dataclass(frozen=True, slots=True)
class Processor:
    """What computes, as far as choices depend on it.

    Attributes:
        kind: as torch calls it: `cpu`, `cuda` (of AMD too), `mps` …
        capability: of a GPU of kind `cuda`.
        rocm: whether that GPU is AMD's, which counts its generations in its own way.
        bfloat16: whether a CPU has instructions for products of bfloat16.
        packs: whether a CPU's kernels take weights that were laid out before.
    """

    kind: str
    capability: Capability | None = None
    rocm: bool = False
    bfloat16: bool = False
    packs: bool = False


def best_precision(processor: Processor) -> Precision:
    """The precision that a processor is fastest in, and exact enough.

    A GPU multiplies bfloat16 from compute capability 8.0 on; before that it only imitates it, slowly, and from 7.0 on
    has float16 instead. Apple's GPUs compute float32: in float16 they are hardly faster, and bfloat16 not all have.
    """
    if processor.kind == "cpu":
        return "bfloat16" if processor.bfloat16 else "float32"
    if processor.capability is None or processor.capability < (7, 0):
        return "float32"
    return "bfloat16" if processor.capability >= (8, 0) else "float16"


def attention_kernel(
    processor: Processor,
    *,
    half: bool,
    head_width: int,
    grouped: bool,
    local: bool,
    biased: bool,
    drops: bool,
    learns: bool,
) -> AttentionKernel:
    """The kernel for queries, keys and values of these properties, of sequences that are packed end to end.

    Args:
        half: whether they are float16 or bfloat16.
        grouped: whether there are fewer heads of keys and values than of queries.
        local: whether tokens see a window.
        biased: whether something is added to the scores.
        drops: whether weights are dropped.
        learns: whether there will be a backward pass.
    """
    if half and not biased and takes_varlen(processor, head_width, learns=learns):
        return "varlen"
    if drops and processor.kind == "cpu" and not (grouped or local or biased):
        return "dropped"
    return "by-length"


def takes_varlen(processor: Processor, head_width: int, *, learns: bool) -> bool:
    """Whether a GPU has a variable-length kernel for heads of this width, in half precision.

    AMD's is not asked: it was never tried.

    Args:
        learns: there will be a backward pass, for which some GPUs' multiprocessors have not enough memory.
    """
    gpu = processor.capability
    if processor.kind != "cuda" or processor.rocm or gpu is None or gpu < (8, 0):
        return False
    small = (8, 6) <= gpu <= (8, 9) or gpu >= (12, 0)
    widest = 192 if learns and small else 256
    return head_width % 8 == 0 and head_width <= widest


def takes_chunks(length: int, window: int | None, *, biased: bool) -> bool:
    """Whether local attention of a sequence of this length goes chunk by chunk: shorter ones are one masked block."""
    return window is not None and not biased and length > CHUNK_RADII * max(window, 1)


def widens_short(length: int) -> bool:
    """Whether products of attention by hand are in float32 at least for sequences of this length."""
    return length <= SHORT


def linear_kind(processor: Processor, precision: str, *, learns: bool) -> LinearKind:
    """The kind of linear layers for a precision.

    Args:
        learns: a gradient is to pass through them, which a packed weight lets through no more.
    """
    can_pack = precision in ("float32", "int8") or (precision == "bfloat16" and processor.bfloat16)
    packed: LinearKind = "int8" if precision == "int8" else "packed"
    return packed if processor.kind == "cpu" and processor.packs and can_pack and not learns else "plain"


def compiles_per_size(kind: str, *, narrow: bool) -> bool:
    """Whether a product is compiled anew for each number of rows, as oneDNN does in half precision and in int8."""
    return kind == "cpu" and narrow


def logits_chunk_bytes(kind: str) -> int:
    """What the float32 logits of one chunk may take of the loss over a vocabulary, on a processor of this kind.

    A few tensors of this size live at once. A GPU has the memory, and is busy only with products of thousands of rows.
    """
    return (512 if kind == "cuda" else 16) * 2**20


def drops_by_hand(kind: str) -> bool:
    """Whether dropout draws its own random bits, on a processor of this kind, and keeps what it multiplied by."""
    return kind == "cpu"
