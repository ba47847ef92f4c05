"""bertkit's fine-tuning and transformers' Trainer, on the same files with the same settings.

    python -m benchmarks.finetuning_contestants steps SETUP     takes steps when it is told to (benchmarks.contestants)
    python -m benchmarks.finetuning_contestants train SETUP     the peer only: trains to its end, and writes the model

SETUP is a `Setup` as JSON. The peer's inputs are made as transformers' own example scripts make them (run_glue,
run_ner, run_qa): a tag is learnt at a word's first piece, a question in each window of its context. It pads each batch
to its longest (`grouped`: batches of about one length), or every input to what the example script pads to (`padded`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.contestants import CountingTrainer, Tell, Told, Wait, take_steps, told
from benchmarks.finetuning_data import DATASETS, Dataset, Rows
from benchmarks.measure import json_line
from benchmarks.needed import installed
from bertkit.batching.training_batch import TrainingBatch
from bertkit.config.finetuning import FinetuneConfig
from bertkit.config.strict import parse
from bertkit.families.labels import PROBLEMS
from bertkit.finetuning.recipe import TrainingRecipe
from bertkit.finetuning.run import build_model, loop_table
from bertkit.finetuning.training_data import FinetuningData
from bertkit.optimisation.optimisers import build_optimiser, set_rate
from bertkit.optimisation.schedules import rate
from bertkit.pretrained.loading import find_folder, open_pretrained
from bertkit.sampling.sample_stream import SampleStream
from bertkit.sampling.stream import Position
from bertkit.training.assembly import choose_precision, share
from bertkit.training.micro_batches import shares
from bertkit.training.ranks import Ranks
from bertkit.training.state import prime
from bertkit.training.step import AUTOCAST, Stepper

with installed("benchmarks"):
    import transformers

BATCH = 32
WARMUP, WEIGHT_DECAY, EPS, CLIP = 0.1, 0.01, 1e-8, 1.0
LORA_RANK, LORA_RATE = 8, 10.0
NO_TAG = -100
CLASSES = {
    "text-classification": transformers.AutoModelForSequenceClassification,
    "token-classification": transformers.AutoModelForTokenClassification,
    "question-answering": transformers.AutoModelForQuestionAnswering,
}


@dataclass(frozen=True)
class Setup:
    """One contestant on one set.

    Attributes:
        kind: `bertkit`, `lora` (bertkit's, with a rate of its own), `padded` or `grouped`.
        output: the folder of the model that is trained; nothing is written where only steps are timed.
        steps: taken at a time, where it is told to.
    """

    kind: str
    dataset: str
    train: str
    eval: str
    model: str
    precision: str
    learning_rate: float
    epochs: float
    seed: int
    output: str = ""
    steps: int = 0

    def to_json(self) -> str:
        """As the argument of this program."""
        return json_line(asdict(self))

    def settings(self) -> dict[str, Any]:
        """bertkit's configuration of the run."""
        dataset = DATASETS[self.dataset]
        return {
            "task": {"name": dataset.task, "problem": dataset.problem, "doc_stride": dataset.doc_stride},
            "model": {"start": self.model} | ({"lora": {"rank": LORA_RANK}} if self.kind == "lora" else {}),
            "data": {"train": self.train, "eval": self.eval, "length": dataset.longest},
            "train": {
                "epochs": self.epochs,
                "batch_samples": BATCH,
                "seed": self.seed,
                "precision": self.precision,
                "evaluations": 1.0 / self.epochs,
                "optimiser": {
                    "learning_rate": self.learning_rate * (LORA_RATE if self.kind == "lora" else 1.0),
                    "weight_decay": WEIGHT_DECAY,
                    "eps": EPS,
                    "clip": CLIP,
                },
                "schedule": {"warmup": WARMUP},
            },
            "run": {"directory": self.output or "."},
        }


def run_bertkit(setup: Setup, wait: Wait, tell: Tell) -> None:
    """The parts of bertkit's own loop, put together as `bertkit finetune` does."""
    ranks = Ranks(0, 1, torch.device("cpu"), None)
    config = parse(FinetuneConfig, setup.settings(), "benchmark")
    source = open_pretrained(find_folder(setup.model))
    data = FinetuningData.open(config, source, source.load_tokenizer())
    recipe = TrainingRecipe.of(config, examples=len(data.train), width=source.config.width, fitted=False)
    table = loop_table(config, recipe, data.steps_per_epoch(BATCH))
    model = build_model(config, source, data, ranks.device)
    precision = choose_precision(table.precision, ranks.device)
    sharing = share(model, table, ranks, precision, print)
    optimiser = build_optimiser(model.training_module.named_parameters(), table.optimiser, model.config.layers)
    prime(optimiser)
    stepper = Stepper(
        model.training_module,
        optimiser,
        sharing,
        ranks,
        weights=model.weights,
        clip=CLIP,
        autocast=AUTOCAST.get(precision),
        seed=setup.seed,
    )
    stream = SampleStream(data.samples, BATCH, setup.seed)
    model.training_module.train()
    tell({"parameters": sum(parameter.numel() for parameter in model.training_module.parameters())})

    def prepared() -> Iterator[list[TrainingBatch]]:
        for batch, _ in stream.batches(Position()):
            yield shares(batch, ranks, table.micro_batch_tokens, 1)

    def rate_of(step: int) -> None:
        set_rate(optimiser, rate(table.schedule, step, table.steps))

    take_steps(stepper, next(iter(model.weights)), prepared(), rate_of, wait, tell)


def run_peer(setup: Setup, told_by: tuple[Wait, Tell] | None) -> None:
    """The Trainer; to its end where nobody tells it how far to go, and then the model is written."""
    dataset = DATASETS[setup.dataset]
    tokenizer = transformers.AutoTokenizer.from_pretrained(setup.model)
    features, labels = INPUTS[dataset.task](Path(setup.train), dataset, tokenizer)
    torch.manual_seed(setup.seed)
    options: dict[str, Any] = {}
    if dataset.task != "question-answering":
        names = labels or ["value"]
        options["id2label"] = dict(enumerate(names))
        options["label2id"] = {name: id for id, name in enumerate(names)}
    if dataset.problem is not None:
        options["problem_type"] = next(theirs for theirs, ours in PROBLEMS.items() if ours == dataset.problem)
    model = CLASSES[dataset.task].from_pretrained(setup.model, dtype=torch.float32, **options)
    if told_by is not None:
        told_by[1]({"parameters": model.num_parameters()})
    lengths = [len(one["input_ids"]) for one in features]
    with TemporaryDirectory() as scratch:
        arguments = transformers.TrainingArguments(
            output_dir=scratch,
            num_train_epochs=setup.epochs,
            per_device_train_batch_size=BATCH,
            train_sampling_strategy="group_by_length" if setup.kind == "grouped" else "random",
            learning_rate=setup.learning_rate,
            weight_decay=WEIGHT_DECAY,
            adam_epsilon=EPS,
            max_grad_norm=CLIP,
            warmup_steps=WARMUP,
            lr_scheduler_type="linear",
            optim="adamw_torch_fused",
            bf16=choose_precision(setup.precision, torch.device("cpu")) == "bfloat16",  # type: ignore[arg-type]
            use_cpu=True,
            seed=setup.seed,
            remove_unused_columns=False,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        parts = {
            "model": model,
            "args": arguments,
            "data_collator": _padder(dataset, tokenizer, setup.kind),
            "train_dataset": features,
            "processing_class": tokenizer,
        }
        if told_by is None:
            trainer = transformers.Trainer(**parts)
            result = trainer.train()
            trainer.save_model(setup.output)
            print(json_line({"steps": result.global_step, "seconds": result.metrics["train_runtime"]}))
        else:
            spread_lengths = lengths if setup.kind == "grouped" else None
            counting = CountingTrainer(setup.steps, spread_lengths, **parts)
            counting.add_callback(Told(counting, *told_by))
            counting.train()


def _padder(dataset: Dataset, tokenizer: Any, kind: str) -> Any:
    padding = {"padding": "max_length", "max_length": dataset.padded} if kind == "padded" and dataset.padded else {}
    if dataset.task == "token-classification":
        return transformers.DataCollatorForTokenClassification(tokenizer, label_pad_token_id=NO_TAG, **padding)
    return transformers.DataCollatorWithPadding(tokenizer, **padding)


def _texts(path: Path, dataset: Dataset, tokenizer: Any) -> tuple[Rows, list[str]]:
    rows = _read(path)
    pairs = [row["text_pair"] for row in rows] if "text_pair" in rows[0] else None
    tokens = tokenizer([row["text"] for row in rows], pairs, truncation=True, max_length=dataset.longest)
    if dataset.problem == "regression":
        return _rows(tokens, [row["label"] for row in rows]), []
    if dataset.problem == "multi-label":
        names = sorted({label for row in rows for label in row["label"]})
        return _rows(tokens, [[float(name in row["label"]) for name in names] for row in rows]), names
    names = sorted({row["label"] for row in rows})
    return _rows(tokens, [names.index(row["label"]) for row in rows]), names


def _words(path: Path, dataset: Dataset, tokenizer: Any) -> tuple[Rows, list[str]]:
    rows = _read(path)
    names = sorted({tag for row in rows for tag in row["ner_tags"]})
    ids = {name: id for id, name in enumerate(names)}
    tokens = tokenizer(
        [row["tokens"] for row in rows], is_split_into_words=True, truncation=True, max_length=dataset.longest
    )
    labels = []
    for index, row in enumerate(rows):
        words = tokens.word_ids(index)
        firsts = [word is not None and word != before for word, before in zip(words, [None, *words], strict=False)]
        labels.append(
            [ids[row["ner_tags"][word]] if first else NO_TAG for word, first in zip(words, firsts, strict=True)]
        )
    return _rows(tokens, labels), names


def _questions(path: Path, dataset: Dataset, tokenizer: Any) -> tuple[Rows, list[str]]:
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    asked = [
        (question["question"], paragraph["context"], question["answers"][0])
        for article in articles
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ]
    tokens = tokenizer(
        [question for question, _, _ in asked],
        [context for _, context, _ in asked],
        truncation="only_second",
        max_length=dataset.longest,
        stride=dataset.doc_stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    windows_of, offsets = tokens.pop("overflow_to_sample_mapping"), tokens.pop("offset_mapping")
    rows: Rows = []
    for index, (question, places) in enumerate(zip(windows_of, offsets, strict=True)):
        answer = asked[question][2]
        begins, ends = answer["answer_start"], answer["answer_start"] + len(answer["text"])
        of_context = [at for at, part in enumerate(tokens.sequence_ids(index)) if part == 1]
        first, last = of_context[0], of_context[-1]
        start = end = 0  # [CLS]: the window does not show the answer whole
        if places[first][0] <= begins and places[last][1] >= ends:
            start = max(at for at in of_context if places[at][0] <= begins)
            end = min(at for at in of_context if places[at][1] >= ends)
        row = {name: tokens[name][index] for name in tokens}
        rows.append({**row, "start_positions": start, "end_positions": end})
    return rows, []


def _rows(tokens: Any, labels: list[Any]) -> Rows:
    return [{**{name: tokens[name][index] for name in tokens}, "labels": label} for index, label in enumerate(labels)]


def _read(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


INPUTS: dict[str, Callable[[Path, Dataset, Any], tuple[Rows, list[str]]]] = {
    "text-classification": _texts,
    "token-classification": _words,
    "question-answering": _questions,
}


def main() -> None:
    """Train, or take steps as told until standard input ends."""
    way, setup = sys.argv[1], Setup(**json.loads(sys.argv[2]))
    if way == "train":
        run_peer(setup, None)
    elif setup.kind == "bertkit":
        run_bertkit(setup, *told())
    else:
        run_peer(setup, told())


if __name__ == "__main__":
    main()
