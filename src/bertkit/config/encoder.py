"""What an encoder is: one structural description that every BERT family fills in.

Torch-free, so that the planner and the command line can read it in milliseconds.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bertkit.config.strict import Strict

Size = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(ge=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
Activation = Literal["gelu", "gelu_tanh", "relu", "silu"]
HeadActivation = Activation | Literal["tanh"]
Sight = Literal["G", "L"]  # how far a step's attention sees: globally, or locally


class LearnedPositions(Strict):
    """One learned vector a position (Devlin et al. 2018). The first token of a sequence is at position `offset`.

    An offset above 0 is fairseq's, of RoBERTa and MPNet: the token with id `offset - 1` is padding, and is not counted.
    """

    length: Size = 512
    offset: Count = 0


class RotaryPositions(Strict):
    """Queries and keys turned by an angle that grows with the position (Su et al. 2021, arXiv 2104.09864).

    `theta_local` is the base of the angles in the steps that see locally; None where it is the same. Scaled angles, as
    for contexts longer than those of training, are not supported.
    """

    scaling: Literal["default"] = "default"
    length: Size = 8192
    theta_global: Positive = 10_000.0
    theta_local: Positive | None = None


class RelativeBias(Strict):
    """A learned number added to each attention score, by the distance of the tokens (Raffel et al. 2019, 2.1)."""

    buckets: Annotated[int, Field(gt=0, multiple_of=4)] = 32
    max_distance: Size = 128


class EncoderConfig(Strict):
    """A BERT-family encoder. The defaults are BERT-base.

    Attributes:
        embed_width: width of the embeddings where a dense layer lies between them and the layers.
        kv_heads: heads of keys and values where there are fewer than of queries (Ainslie et al. 2023).
        ffn_width: F; a gated feed-forward layer projects up to twice as much.
        layer_of_step: the layer whose weights each step uses: `(0, 1, …, 11)` for BERT, all zeros where all share one.
        segment_types: 0 where the model has no segments.
        norm_at: after each part's sum with its input (`post`), or before each part (`pre`).
        attention_pattern: for each step `G`, or `L` for attention to `window_radius` tokens on either side; repeated
            over the steps.
    """

    vocab_size: Size = 30522
    width: Size = 768
    embed_width: Size | None = None
    heads: Size = 12
    kv_heads: Size | None = None
    ffn_width: Size = 3072
    gated: bool = False
    layer_of_step: Annotated[tuple[int, ...], Field(min_length=1)] = tuple(range(12))
    segment_types: Count = 2
    positions: LearnedPositions | None = LearnedPositions()
    rotary: RotaryPositions | None = None
    relative_bias: RelativeBias | None = None
    attention_pattern: Annotated[str, Field(pattern="^[GL]+$")] = "G"
    window_radius: Count | None = None
    activation: Activation = "gelu"
    attention_bias: bool = True
    mlp_bias: bool = True
    norm: Literal["layer", "rms"] = "layer"
    norm_at: Literal["post", "pre"] = "post"
    norm_bias: bool = True
    norm_eps: Positive = 1e-12
    embedding_norm: bool = True
    first_attention_norm: bool = True
    final_norm: bool = False
    hidden_dropout: Rate = 0.1
    attention_dropout: Rate = 0.1
    initializer_range: Positive = 0.02
    pooler: bool = True

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        if self.heads % self.groups:
            raise ValueError(f"heads {self.heads} is not a multiple of kv_heads {self.kv_heads}")
        if set(self.layer_of_step) != set(range(self.layers)):
            raise ValueError(f"layer_of_step must use every layer from 0 on without a gap, not {self.layer_of_step}")
        if "L" in self.attention_pattern and self.window_radius is None:
            raise ValueError("attention_pattern has local steps, and window_radius is not set")
        if self.rotary is not None and self.head_width % 2:
            raise ValueError(f"rotary positions need heads of even width, not {self.head_width}")
        if self.positions is None and self.rotary is None:
            raise ValueError("neither positions nor rotary: the encoder would not know the order of its tokens")
        if self.norm == "rms" and self.norm_bias:
            raise ValueError("an RMS norm has no bias: set norm_bias to false")
        return self

    @property
    def head_width(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads

    @property
    def groups(self) -> int:
        """Heads of keys and values."""
        return self.kv_heads or self.heads

    @property
    def token_width(self) -> int:
        """Width of the token table."""
        return self.embed_width or self.width

    @property
    def layers(self) -> int:
        """Number of layers that have weights of their own."""
        return max(self.layer_of_step) + 1

    @property
    def max_length(self) -> int:
        """The most tokens that one sequence can have, special tokens included."""
        learned = [] if self.positions is None else [self.positions.length - self.positions.offset]
        rotary = [] if self.rotary is None else [self.rotary.length]
        return min(learned + rotary)

    def sight_of_step(self, step: int) -> Sight:
        """How far attention sees in a step."""
        return "L" if self.attention_pattern[step % len(self.attention_pattern)] == "L" else "G"
