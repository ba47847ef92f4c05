"""Texts to vectors, as every protocol that has embeddings asks for them: prompts, dimensions, kinds of numbers.

Shapes: `N` texts, `W` numbers of a vector.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
from fastapi import Request

from bertkit.errors import EmptyInput, InputError, UserError, near_match
from bertkit.formats.row import Row
from bertkit.inference.served import Manner, ServedModel, Side
from bertkit.server.exchange import asker_of, service_of
from bertkit.server.service import Answered, TokenIds
from bertkit.tasks.sentence_embedding import Embedding
from bertkit.tokenization.windows import LongText

EMBEDDING = "sentence-embedding"
Texts = str | list[str] | list[int] | list[list[int]]
NumberKind = Literal["float", "int8", "uint8", "binary", "ubinary"]
Vectors = npt.NDArray[np.float32]
# What protocols call the purpose of a text, and the prompts that models have for it, the likeliest name first.
PURPOSES: Mapping[str, tuple[str, ...]] = {
    "query": ("query", "search_query"),
    "search_query": ("query", "search_query"),
    "retrieval.query": ("query", "retrieval.query", "search_query"),
    "passage": ("document", "passage", "search_document"),
    "document": ("document", "passage", "search_document"),
    "search_document": ("document", "search_document", "passage"),
    "retrieval.passage": ("document", "retrieval.passage", "passage"),
}
# `truncate` of Cohere and NVIDIA: what happens to a text that is too long, and where it is cut.
CUTS: Mapping[str, tuple[LongText, Side | None]] = {
    "NONE": (LongText.ERROR, None),
    "START": (LongText.TRUNCATE, "left"),
    "END": (LongText.TRUNCATE, "right"),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request wants of its vectors.

    Attributes:
        protocol: what clients of the protocol expect of a text too long where they do not say.
        asked: what this one said.
        side: where a text is cut.
        prompt: the name of one of the model's prompts.
        purpose: what the texts are for, which a model may have a prompt for.
        normalize: whether vectors have length 1; None is as the model has it.
        dimensions: numbers of a vector, the first ones; None is all.
    """

    protocol: LongText = LongText.ERROR
    asked: LongText | None = None
    side: Side | None = None
    prompt: str | None = None
    purpose: str | None = None
    normalize: bool | None = None
    dimensions: int | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of a request, and how they were answered."""

    vectors_NW: Vectors
    answered: Answered = field(repr=False)


def inputs_of(given: Texts) -> list[str | list[int]]:
    """The texts of `input`: one, several, or as token ids.

    Raises:
        EmptyInput: there is none.
    """
    if isinstance(given, str):
        return [given]
    if not given:
        raise EmptyInput("there is no text", "Give at least one.")
    return [given] if isinstance(given[0], int) else list(cast("list[str]", given))


async def embed(request: Request, model: str | None, given: Texts, wish: Wish) -> Embedded:
    """The vectors of texts.

    Raises:
        UserError: the model has no vectors, no such prompt, or not so many numbers.
        BertkitError: as `Service.answer`.
    """
    service = service_of(request)
    found = service.find(model, EMBEDDING)
    manner = Manner.of(
        service.long(wish.protocol, wish.asked), wish.side, normalize=wish.normalize, prompt=prompt_of(found, wish)
    )
    rows = [
        Row({"text": one}, f"input {number}") if isinstance(one, str) else TokenIds(one, f"input {number}")
        for number, one in enumerate(inputs_of(given), 1)
    ]
    answered = await service.answer(found, rows, manner, asker_of(request))
    vectors_NW = np.stack([cast("Embedding", one).embedding for one in answered.answers])
    if wish.dimensions is not None:
        keeps = found.task.made_with.get("normalize", True) if wish.normalize is None else wish.normalize
        vectors_NW = shortened(vectors_NW, wish.dimensions, normalize=bool(keeps))
    return Embedded(vectors_NW, answered)


def prompt_of(model: ServedModel, wish: Wish) -> str | None:
    """The text that a request wants before each of its own; None where it does not say.

    Raises:
        UserError: the model has no such prompt.
    """
    if wish.prompt is not None:
        if wish.prompt not in model.prompts:
            known = ", ".join(model.prompts) or "it has none"
            hint = near_match(wish.prompt[:60], model.prompts)
            raise UserError(f"the model has no prompt {wish.prompt[:60]!r}{hint}", f"Prompts: {known}.")
        return model.prompts[wish.prompt]
    names = PURPOSES.get(wish.purpose or "", ())
    return next((model.prompts[name] for name in names if name in model.prompts), None)


def shortened(vectors_NW: Vectors, dimensions: int, *, normalize: bool) -> Vectors:
    """The first numbers of each vector.

    Args:
        normalize: scale what is left to length 1.

    Raises:
        InputError: vectors have not so many.
    """
    width = vectors_NW.shape[1]
    if not 1 <= dimensions <= width:
        raise InputError(f"{dimensions:,} dimensions of vectors of {width:,}", f"Ask for 1 to {width:,}.")
    vectors_NW = vectors_NW[:, :dimensions]
    if not normalize:
        return vectors_NW
    return units(vectors_NW)


def numbers(vectors_NW: Vectors, kind: NumberKind) -> npt.NDArray[Any]:
    """The vectors in another kind of number.

    `int8` and `uint8` have 127 for 1, the latter shifted by 128; `binary` and `ubinary` have a bit for each number,
    whether it is above 0, eight in a byte, the former shifted by -128.
    """
    if kind == "float":
        return vectors_NW
    if kind in ("int8", "uint8"):
        scaled_NW = np.clip(np.round(vectors_NW * 127), -127, 127)
        return scaled_NW.astype(np.int8) if kind == "int8" else (scaled_NW + 128).astype(np.uint8)
    bits = np.packbits(vectors_NW > 0, axis=1)
    return bits if kind == "ubinary" else (bits.astype(np.int16) - 128).astype(np.int8)


def as_base64(vector_W: npt.NDArray[Any]) -> str:
    """The bytes of a vector: of floats, four each, the lowest first."""
    return base64.b64encode(np.ascontiguousarray(vector_W, vector_W.dtype.newbyteorder("<")).tobytes()).decode()


def similarities(vectors_NW: Vectors, others_MW: Vectors) -> Vectors:
    """The cosine of each vector with each of the others, (N, M)."""
    found_NM: Vectors = units(vectors_NW) @ units(others_MW).T
    return found_NM


def units(vectors_NW: Vectors) -> Vectors:
    """The vectors, of length 1."""
    lengths_N1 = np.maximum(np.linalg.norm(vectors_NW, axis=1, keepdims=True), np.float32(1e-12))
    found_NW: Vectors = np.divide(vectors_NW, lengths_N1, dtype=np.float32)
    return found_NW


def lists(vectors: Sequence[npt.NDArray[Any]] | npt.NDArray[Any]) -> list[Any]:
    """Rows that orjson writes as they are: each in one piece."""
    return [np.ascontiguousarray(one) for one in vectors]
