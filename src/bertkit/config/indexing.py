"""What an index is made of and how, as it says itself: what the command line and Python say. Torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bertkit.config.strict import Strict

IndexPrecision = Literal["float16", "int8", "binary"]
WORDS, OVERLAP = 120, 24


class EmbeddingModel(Strict):
    """The model that an index's vectors are of: another one's mean something else.

    Attributes:
        source: a folder or a hub name; None is the built-in default.
        weights: their SHA-256, and that of what follows the encoder.
        prompt, query_prompt: texts before passages and before queries.
        prompt_name, query_prompt_name: those of the model's own prompts that these are; None where they were typed.
        pooling: how hidden states become a vector.
        similarity: what vectors are compared by.
        max_length: tokens that are read at once.
        dtype: the precision that it computes in.
        width: numbers of a vector.
    """

    source: str | None
    revision: str | None = None
    weights: str
    prompt: str = ""
    query_prompt: str = ""
    prompt_name: str | None = None
    query_prompt_name: str | None = None
    pooling: str
    similarity: Literal["cosine", "dot"]
    max_length: int
    dtype: str
    width: int


class Cutting(Strict):
    """How texts are cut into passages.

    Attributes:
        words: the most of one passage.
        overlap: the most that the next one says again.
        text_column: of files of rows.
    """

    words: Annotated[int, Field(ge=8)] = WORDS
    overlap: Annotated[int, Field(ge=0)] = OVERLAP
    text_column: str | None = None

    @model_validator(mode="after")
    def _overlap_is_part_of_it(self) -> Cutting:
        if self.overlap * 2 > self.words:
            raise ValueError(f"an overlap of {self.overlap} words is more than half of {self.words}")
        return self


class IndexSettings(Strict):
    """What an index says of itself: settled when it is made.

    Attributes:
        precision: of the stored vectors; `binary` keeps bits to search by, and float16 to put what is found in order.
    """

    model: EmbeddingModel
    cutting: Cutting = Cutting()
    precision: IndexPrecision = "float16"


class IndexConfig(Strict):
    """What is asked of an index: where it is, what goes into it, and how it is made where it is not there yet.

    Attributes:
        sources: files and folders; none are those that it has been given before.
        model, revision, dtype, prompt, query_prompt, precision, words, overlap, text_column: None is as the index has
            it, or the default of a new one.
        prompt, query_prompt: the name of one of the model's prompts, or a text.
    """

    index: str
    sources: Sequence[str] = ()
    model: str | None = None
    revision: str | None = None
    dtype: str | None = None
    device: str = "auto"
    prompt: str | None = None
    query_prompt: str | None = None
    precision: IndexPrecision | None = None
    words: int | None = None
    overlap: int | None = None
    text_column: str | None = None
