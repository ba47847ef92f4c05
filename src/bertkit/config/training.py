"""A training run: the tables of its TOML file. Torch-free.

```toml
[model]
family = "bert"
preset = "mini"

[data]
shards = "shards"
sequences = "next-sentence"
length = 128

[train]
steps = 10_000
batch_tokens = 32_768

[run]
directory = "runs/mini"
```
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from bertkit.config.strict import Strict

Size = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Rate = Annotated[float, Field(ge=0.0)]
Positive = Annotated[float, Field(gt=0.0)]
Sequences = Literal["next-sentence", "sentence-order", "full-sentences", "documents"]


# TOML has no word for None: where None is not the default, a file says 0.
def _none_for_0(value: object) -> object:
    return None if value == 0 else value


def _0_for_none(value: float | None) -> float:
    return 0.0 if value is None else value


class ModelTable(Strict):
    """The encoder: a family's preset with changes, or a checkpoint to go on from.

    Attributes:
        family: `bert`, `roberta`, `electra` …, by the name that `bertkit info` says.
        preset: the published sizes to begin with, `mini` or `base`; where left out, `encoder` says them.
        encoder: fields of `EncoderConfig` that differ from the preset; the vocabulary's size comes from the shards.
        start: a folder or hub name whose weights training starts from, its heads included where it has them.
        layers_from: with `start`, the layers of it that this encoder's layers begin as, in order (a student's).
    """

    family: str = "bert"
    preset: str | None = None
    encoder: dict[str, object] = Field(default_factory=dict)
    start: str | None = None
    layers_from: list[Count] | None = None


class Masking(Strict):
    """Which tokens are to be predicted, and what stands in their place (Devlin et al. 2018, 3.1).

    Attributes:
        rate: share of tokens to predict.
        unit: what is chosen as one: tokens, whole words, or spans of whole words (Joshi et al. 2019).
        mask, random: shares of the chosen that become the mask token, or any token; the rest stays as it is.
    """

    rate: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.15
    unit: Literal["token", "word", "span"] = "token"
    mask: Share = 0.8
    random: Share = 0.1

    @model_validator(mode="after")
    def _is_a_split(self) -> Self:
        if self.mask + self.random > 1.0:
            raise ValueError(f"mask {self.mask} and random {self.random} are more than the whole")
        return self


class Phase(Strict):
    """From `step` on, sequences are of at most `length` tokens, and a global batch of `batch_tokens` where given.

    Attributes:
        step: the first step of the phase.
        length: most tokens of a sequence from there on.
        batch_tokens: most tokens of a global batch from there on; as before where left out.
    """

    step: Count
    length: Size
    batch_tokens: Size | None = None


class DataTable(Strict):
    """What is read and how sequences are made of it.

    Attributes:
        shards: folders of shards, read as one corpus.
        held_out: a folder of shards to evaluate on; `held-out` inside the first of `shards` where that exists.
        sequences: two parts of which half follow one another (`next-sentence`), or of which half are swapped
            (`sentence-order`, Lan et al. 2019); one part that is filled over the ends of documents (`full-sentences`,
            Liu et al. 2019), or that keeps to one document (`documents`).
        length: most tokens of a sequence, special tokens included.
        short_share: share of sequences whose length is drawn from all lengths instead (two parts only).
        phases: later lengths, in the order of their steps.
    """

    shards: str | Annotated[list[str], Field(min_length=1)]
    held_out: str | None = None
    sequences: Sequences = "next-sentence"
    length: Annotated[int, Field(ge=8)] = 128
    short_share: Share = 0.1
    masking: Masking = Masking()
    phases: list[Phase] = Field(default_factory=list)

    @model_validator(mode="after")
    def _phases_are_in_order(self) -> Self:
        steps = [0, *(phase.step for phase in self.phases)]
        if sorted(set(steps)) != steps:
            raise ValueError(f"phases must begin at ascending steps after 0, not at {steps[1:]}")
        return self


class Optimiser(Strict):
    """How gradients become updates.

    Attributes:
        name: `adamw` (Loshchilov & Hutter 2017), `lamb` for large batches (You et al. 2019), or `muon` for the layers'
            matrices with AdamW for the rest (Jordan 2024).
        learning_rate: the greatest rate, where the warm-up ends.
        betas: decays of the running means of gradients and of their squares.
        eps: added to the root of the mean square, so that nothing is divided by zero.
        weight_decay: not applied to biases and norms.
        clip: largest norm of the gradient of all parameters together; None, in a file 0, leaves it.
        layer_decay: each layer's rate is this times that of the layer above it.
        muon_learning_rate: with `muon` the rate of the matrices; `learning_rate` is then of the rest.
        head_times: the rate of what is not the encoder's, times this.
    """

    name: Literal["adamw", "lamb", "muon"] = "adamw"
    learning_rate: Positive = 1e-4
    betas: Annotated[list[Share], Field(min_length=2, max_length=2)] = Field(default=[0.9, 0.999])
    eps: Positive = 1e-6
    weight_decay: Rate = 0.01
    clip: Annotated[Positive | None, BeforeValidator(_none_for_0), PlainSerializer(_0_for_none)] = 1.0
    layer_decay: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    muon_learning_rate: Positive = 0.02
    head_times: Positive = 1.0


class Schedule(Strict):
    """The learning rate over the run, as shares of its steps: up from 0, level where the shape has it, down to `floor`.

    Attributes:
        shape: what follows the warm-up: `linear` or `cosine` to the end, or `stable` and then, over the last `decay`,
            down linearly (warm-up-stable-decay, Hu et al. 2024).
        warmup: share of the steps in which the rate goes up.
        decay: of `stable`, share of the steps in which it goes down.
        floor: share of the learning rate that is left when the run ends, after the last step.
    """

    shape: Literal["linear", "cosine", "stable", "constant"] = "linear"
    warmup: Share = 0.01
    decay: Share = 0.1
    floor: Share = 0.0


class Distillation(Strict):
    """A teacher whose predictions the student learns (Sanh et al. 2019): weights of the three parts of the loss.

    Attributes:
        teacher: a folder or a hub name.
        temperature: of the softened distributions (Hinton et al. 2015).
        soft, masked, cosine: weights of the teacher's distribution, of masked language modelling, and of the angle
            between the two models' last hidden states.
        only_masked: learn the teacher's distribution at masked tokens only; at every token otherwise, as the authors'
            program does unless told.
    """

    teacher: str
    temperature: Positive = 2.0
    soft: Rate = 5.0
    masked: Rate = 2.0
    cosine: Rate = 1.0
    only_masked: bool = False


class GeneratorTable(Strict):
    """ELECTRA's generator (Clark et al. 2020): the encoder's sizes times `size`, its token table shared.

    Attributes:
        size: the generator's width, feed-forward width and heads, as a share of the encoder's.
        weight: of the generator's loss.
        discriminator_weight: of the loss of telling replaced tokens.
    """

    size: Annotated[float, Field(gt=0.0, le=1.0)] = 0.25
    weight: Positive = 1.0
    discriminator_weight: Positive = 50.0


class TrainTable(Strict):
    """How the model is trained.

    Attributes:
        steps: updates of the weights in the whole run.
        seed: of all that is drawn at random.
        objectives: names and weights of what is learnt; by `data.sequences` where left out: masked language modelling,
            with next sentences or sentence order where the sequences have two parts.
        batch_tokens: most tokens of a global batch, over all ranks and micro-batches.
        micro_batch_tokens: most tokens that one rank computes at once.
        precision: `float32`; `bfloat16` and `float16` compute in it from float32 weights (autocast), float16 with a
            scaled loss; `bfloat16-weights` holds the working weights in it and updates float32 ones; `auto` is what the
            device is fastest in.
        device: where it is trained; `auto` is a GPU where there is one.
        parallel: how ranks share the work: gradients averaged (`ddp`), optimiser and weights divided (`fsdp`), or
            divided inside groups of `shard_ranks` and copied between them (`hybrid`).
        shard_ranks: of `hybrid`, ranks in a group.
        compile: layers are compiled by torch.compile: faster after some minutes, where there is a compiler.
        recompute: forget activations inside layers and compute them again for the gradient.
        ema: decay of a running mean of the weights, which is what is evaluated and saved; None for none.
        checkpoint_every: steps between checkpoints.
        keep_checkpoints: the newest ones that are kept.
        evaluate_every: steps between measurements on held-out data.
        evaluate_sequences: how many sequences of it are measured on.
        log_every: steps between two lines of `metrics.jsonl`.
        most_skipped: steps that may be skipped because a number is not finite before the run stops.
    """

    steps: Size
    seed: Count = 0
    objectives: dict[str, Positive] | None = None
    batch_tokens: Size = 32_768
    micro_batch_tokens: Size = 8_192
    optimiser: Optimiser = Optimiser()
    schedule: Schedule = Schedule()
    precision: Literal["auto", "float32", "bfloat16", "float16", "bfloat16-weights"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    parallel: Literal["ddp", "fsdp", "hybrid"] = "ddp"
    shard_ranks: Size | None = None
    compile: bool = False
    recompute: bool = False
    ema: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    distillation: Distillation | None = None
    generator: GeneratorTable | None = None
    checkpoint_every: Size = 1_000
    keep_checkpoints: Size = 2
    evaluate_every: Size = 1_000
    evaluate_sequences: Size = 1_000
    log_every: Size = 10
    most_skipped: Count = 10


class RunTable(Strict):
    """Where the run lives.

    Attributes:
        directory: a folder, which is made; the same one goes on with what is in it.
        tensorboard: write TensorBoard's event files there too (extra `[tensorboard]`).
    """

    directory: str
    tensorboard: bool = False


class TrainingConfig(Strict):
    """A run's file, whole."""

    model: ModelTable
    data: DataTable
    train: TrainTable
    run: RunTable
