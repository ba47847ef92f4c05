"""A fine-tuning run: what the command line says, as the tables of one configuration. Torch-free."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bertkit.config.data_source import Sources
from bertkit.config.strict import Strict
from bertkit.config.training import Count, Masking, Optimiser, Positive, RunTable, Schedule, Share, Size

RATE_TIMES_WIDTH = 0.04  # 5e-5 at BERT-base's width, as its authors recommend; narrower models want more


class TaskTable(Strict):
    """What is learnt.

    Attributes:
        name: the hub's name of the task.
        problem: of text-classification; by the labels where left out.
        smoothing: share of the probability that is spread over all labels (single-label).
        class_weights: `balanced` makes all labels count the same in sum (single-label).
        dimensions: of sentence-embedding: shorter vectors, the first so many numbers, that are to be as good as can be
            (Matryoshka, Kusupati et al. 2022).
        doc_stride: of question-answering: tokens that neighbouring windows share.
        masking: of fill-mask: which tokens are masked; BERT's 15 % where left out.
        negatives: of sentence-embedding, for pairs without scores: how many texts are looked for, for each pair, among
            the second texts of the others, that are most like the first one and do not belong to it.
        negatives_ceiling: their cosine with the first text is at most this share of that of the pair.
    """

    name: str
    problem: Literal["single-label", "multi-label", "regression"] | None = None
    smoothing: Share = 0.0
    class_weights: Literal["balanced"] | None = None
    dimensions: list[Size] = Field(default_factory=list)
    doc_stride: Count | None = None
    masking: Masking | None = None
    negatives: Count = 0
    negatives_ceiling: Annotated[float, Field(gt=0.0, le=1.0)] = 0.95


class LoraTable(Strict):
    """LoRA: the encoder keeps its weights, and learns differences that are products of narrow matrices.

    Attributes:
        rank: of the products.
        alpha: they are multiplied by alpha / rank.
        keep: write the narrow matrices and the head to `adapter/`, beside `model/`, which has them merged.
    """

    rank: Size = 8
    alpha: Positive = 16.0
    keep: bool = True


class StartTable(Strict):
    """What is fine-tuned.

    Attributes:
        start: a folder or a hub name; the built-in model where left out.
        frozen_layers: layers, from below, that do not learn; with any, the embeddings do not either.
        head_only: only the head learns.
        lora: narrow matrices learn for the layers, and the head.
        probe: a new head that is one linear layer begins as the best one for the encoder as it is, found by L-BFGS
            (Kumar et al. 2022); else at random.
    """

    start: str | None = None
    frozen_layers: Count = 0
    head_only: bool = False
    lora: LoraTable | None = None
    probe: bool = True

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.lora is not None) + bool(self.frozen_layers) + self.head_only > 1:
            raise ValueError("lora, frozen_layers and head_only exclude one another")
        return self


class ExamplesTable(Strict):
    """What it learns from.

    Attributes:
        train, eval: files of examples, or rows in memory; several are read as one.
        hold_out: share of the training examples that is measured on where there is no `eval`.
        hold_out_seed: of which ones they are; `train.seed` where left out.
        format: of the files; by their endings where left out.
        columns: field name -> the column that fills it.
        length: most tokens of an input; what the model reads where left out.
        long: what to do with texts that are longer; where left out, windows where the task has them, else an error.
        bad_answers: of question-answering, what to do with answers that do not stand in their context where they are
            said to: refuse the file, or drop them, and questions that have no other.
    """

    train: Sources
    eval: Sources | None = None
    hold_out: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.1
    hold_out_seed: Count | None = None
    format: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    length: Annotated[int, Field(ge=8)] | None = None
    long: Literal["error", "truncate", "window"] | None = None
    bad_answers: Literal["stop", "drop"] = "stop"


class FinetuneOptimiser(Optimiser):
    """As of pre-training; the rate is 0.04 / width where left out, ten times that for LoRA and for a head alone.

    Attributes:
        learning_rate: the greatest rate, where the warm-up ends; by the encoder's width where left out.
        head_times: of a head that begins as a linear model of what the encoder says; of others and of LoRA 1.
    """

    learning_rate: Positive | None = None  # type: ignore[assignment]
    betas: Annotated[list[Share], Field(min_length=2, max_length=2)] = Field(default=[0.9, 0.999])
    eps: Positive = 1e-8
    head_times: Positive = 10.0


class FinetuneTable(Strict):
    """How it learns.

    Attributes:
        epochs: where left out, by the number of examples (`finetuning/recipe.py`).
        quick: no epoch at all: the head is the best linear one for the encoder as it is.
        batch_samples: of one step, over all ranks: texts, or windows of long ones.
        micro_batch_tokens: most tokens that one rank computes at once; memory grows with it.
        seed: of all that is drawn at random.
        precision: `float32`; `bfloat16` and `float16` compute in it from float32 weights; `bfloat16-weights` holds the
            working weights in it; `auto` is what the device is fastest in.
        device: where it is trained; `auto` is a GPU where there is one.
        best_by: the metric by which the best checkpoint is chosen; the task's own where left out.
        patience: measurements without a better one after which training ends; 0 trains to the end; where left out, 3
            where epochs are too.
        evaluations: measurements in an epoch, each with a checkpoint; 0.5 for one every second epoch.
        keep_checkpoints: the newest ones that are kept, besides the best.
        log_every: steps between two lines of `metrics.jsonl`.
    """

    epochs: Positive | None = None
    quick: bool = False
    batch_samples: Size = 32
    micro_batch_tokens: Size = 8_192
    seed: Count = 0
    optimiser: FinetuneOptimiser = FinetuneOptimiser()
    schedule: Schedule = Schedule(warmup=0.1)
    precision: Literal["auto", "float32", "bfloat16", "float16", "bfloat16-weights"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    best_by: str | None = None
    patience: Count | None = None
    evaluations: Positive = 1.0
    keep_checkpoints: Size = 1
    log_every: Size = 20


class TeacherTable(Strict):
    """A fine-tuned model that the run learns from (`bertkit distill`).

    Attributes:
        start: a folder or a hub name.
        layers: the student begins as so many of its layers, evenly spread; half of them where neither this nor
            `model.start` is given.
        temperature: of the softened distributions (Hinton et al. 2015).
        labels: share of the loss that the examples' own labels have; 0.5 where they have some, when left out.
    """

    start: str
    layers: Size | None = None
    temperature: Positive = 2.0
    labels: Share | None = None


class FinetuneConfig(Strict):
    """A fine-tuning run, whole; with a teacher, one of distillation."""

    task: TaskTable
    model: StartTable = StartTable()
    data: ExamplesTable
    train: FinetuneTable = FinetuneTable()
    run: RunTable
    teacher: TeacherTable | None = None

    @model_validator(mode="after")
    def _one_student(self) -> Self:
        if self.teacher is not None and self.model.start is None and self.model.lora is not None:
            raise ValueError("an adapter goes on a model that exists: lora needs model.start (--student)")
        if self.teacher is not None and self.teacher.layers is not None and self.model.start is not None:
            raise ValueError("the student is either model.start or so many layers of the teacher, not both")
        return self
