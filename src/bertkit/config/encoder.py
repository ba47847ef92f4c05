"""What an encoder is: one structural description that every BERT family fills in.

Torch-free, so that the planner and the command line can read it in milliseconds.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bertkit.config.strict import Strict

Size = Annotated[int, Field(gt=0)]
Rate = Annotated[float, Field(ge=0.0, lt=1.0)]
Activation = Literal["gelu", "gelu_tanh", "relu", "silu"]
HeadActivation = Activation | Literal["tanh"]


class LearnedPositions(Strict):
    """One learned vector a position (Devlin et al. 2018)."""

    length: Size = 512


class EncoderConfig(Strict):
    """A BERT-family encoder.

    The defaults are BERT-base. `layer_of_step[i]` is the layer whose weights step `i` uses: `(0, 1, …, 11)` for BERT,
    all zeros for an encoder whose steps share one layer.
    """

    vocab_size: Size = 30522
    width: Size = 768
    heads: Size = 12
    ffn_width: Size = 3072
    layer_of_step: Annotated[tuple[int, ...], Field(min_length=1)] = tuple(range(12))
    segment_types: Size = 2
    positions: LearnedPositions = LearnedPositions()
    activation: Activation = "gelu"
    norm_eps: Annotated[float, Field(gt=0.0)] = 1e-12
    hidden_dropout: Rate = 0.1
    attention_dropout: Rate = 0.1
    initializer_range: Annotated[float, Field(gt=0.0)] = 0.02
    pooler: bool = True

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        if set(self.layer_of_step) != set(range(self.layers)):
            raise ValueError(f"layer_of_step must use every layer from 0 on without a gap, not {self.layer_of_step}")
        return self

    @property
    def head_width(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads

    @property
    def layers(self) -> int:
        """Number of layers that have weights of their own."""
        return max(self.layer_of_step) + 1

    @property
    def max_length(self) -> int:
        """The most tokens that one sequence can have, special tokens included."""
        return self.positions.length
