"""bertkit's training step and transformers' Trainer, each a process of its own that takes steps when it is told to.

    python -m benchmarks.pretraining_contestants SETUP      SETUP: a `Setup` as JSON

It says how many parameters it trains; then, for each line on its standard input, it takes so many steps and answers
with seconds, tokens that are not padding, the mean loss, and its peak memory. A step is all of it: making the batch,
masking, both passes, clipping, the update.
"""

from __future__ import annotations

import json
import math
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import transformers
from transformers.trainer_pt_utils import get_length_grouped_indices

from benchmarks.measure import json_line
from benchmarks.pretraining_data import LENGTH, mean_length, sequences
from bertkit.batching.training_batch import TrainingBatch
from bertkit.config.training import DataTable, ModelTable, Optimiser, RunTable, TrainingConfig, TrainTable
from bertkit.data.shards import TOKENIZER
from bertkit.data.stream import Position
from bertkit.tasks.masked_lm import MaskedLM
from bertkit.tasks.objectives import objective_weights
from bertkit.training.assembly import build_model, choose_precision, describe_model, share
from bertkit.training.micro_batches import ahead, shares
from bertkit.training.optimisers import build_optimiser, set_rate
from bertkit.training.ranks import Ranks
from bertkit.training.run import Corpus, batches, phases
from bertkit.training.schedules import rate
from bertkit.training.state import prime
from bertkit.training.step import Stepper

STEPS = 1_000_000  # more than are ever taken
OPTIMISER = Optimiser(learning_rate=1e-4)
Wait = Callable[[], int | None]
Tell = Callable[[dict[str, float]], None]


@dataclass(frozen=True)
class Setup:
    """One contestant in one case.

    Attributes:
        kind: `bertkit`, `trainer`, or `grouped`, the Trainer with sequences of about the same length in a batch.
        size: a preset of the family BERT.
        batch_tokens: tokens of a step; in the mean, for the Trainer, which counts sequences.
        micro_batches: passes that a step is divided into; bertkit's are of `train.micro_batch_tokens`, as it comes.
        steps: taken at a time; a grouped peer spreads them over lengths.
    """

    kind: str
    shards: str
    size: str
    precision: str
    batch_tokens: int
    micro_batches: int
    steps: int

    def to_json(self) -> str:
        """As the argument of this program."""
        return json_line(asdict(self))


def step_sequences(setup: Setup) -> int:
    """Sequences of one step of the Trainer, a multiple of its micro-batches."""
    wanted = setup.batch_tokens / mean_length(Path(setup.shards))
    return setup.micro_batches * max(1, round(wanted / setup.micro_batches))


def run_bertkit(setup: Setup, wait: Wait, tell: Tell) -> None:
    """The parts of bertkit's own loop, put together as `bertkit pretrain` does."""
    device = torch.device("cpu")
    ranks = Ranks(0, 1, device, None)
    config = TrainingConfig(
        model=ModelTable(preset=setup.size),
        data=DataTable(shards=setup.shards, sequences="documents", length=LENGTH),
        train=TrainTable(steps=STEPS, batch_tokens=setup.batch_tokens, optimiser=OPTIMISER),
        run=RunTable(directory=""),
    )
    corpus = Corpus.open(config.data)
    weights = objective_weights(config.train, config.data.sequences)
    encoder_config = describe_model(config.model, weights, corpus.tokenizer, LENGTH)
    precision = choose_precision(setup.precision, device)
    model = build_model(config, encoder_config, device)
    sharing = share(model, config.train, ranks, precision, print)
    optimiser = build_optimiser(model.trainee.named_parameters(), OPTIMISER, encoder_config.layers)
    prime(optimiser)
    stepper = Stepper(
        model.trainee,
        optimiser,
        sharing,
        ranks,
        weights=weights,
        clip=OPTIMISER.clip,
        autocast=precision == "bfloat16",
        seed=0,
    )
    stream = corpus.stream(corpus.shards, config.data, config.data.masking, 0)
    model.trainee.train()
    tell({"parameters": sum(parameter.numel() for parameter in model.trainee.parameters())})

    def prepared() -> Iterator[list[TrainingBatch]]:
        for batch, _ in batches(stream, phases(config), 0, Position()):
            yield shares(batch, ranks, config.train.micro_batch_tokens, 1)

    coming, step = prepared(), 0
    while (number := wait()) is not None:
        began = time.perf_counter()
        tokens, loss = 0, 0.0
        with closing(ahead(islice(coming, number))) as made:  # nothing is made while others have the machine
            for micro in made:
                counts = {MaskedLM.name: stepper.counts(micro)[0]}
                set_rate(optimiser, rate(config.train.schedule, step, STEPS))
                sums = stepper.gradient(micro, counts, step)
                assert sums is not None
                assert stepper.update(sums, counts).skipped is None
                tokens += sum(sum(batch.tokens.layout.lengths) for batch in micro)
                loss += float(sums[f"{MaskedLM.name}/loss"]) / counts[MaskedLM.name] / number
                step += 1
        tell({"seconds": time.perf_counter() - began, "tokens": tokens, "loss": loss})


def run_trainer(setup: Setup, wait: Wait, tell: Tell) -> None:
    """transformers' Trainer on its own model with its own collator, padding each micro-batch to its longest."""
    folder = Path(setup.shards)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / TOKENIZER)
    shape = describe_model(ModelTable(preset=setup.size), {}, Corpus.open(DataTable(shards=setup.shards)).tokenizer, 8)
    model = transformers.BertForMaskedLM(
        transformers.BertConfig(
            vocab_size=shape.vocab_size,
            hidden_size=shape.width,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            intermediate_size=shape.ffn_width,
            hidden_dropout_prob=shape.hidden_dropout,
            attention_probs_dropout_prob=shape.attention_dropout,
        )
    )
    tell({"parameters": model.num_parameters()})
    batch = step_sequences(setup) // setup.micro_batches
    with TemporaryDirectory() as scratch:
        arguments = transformers.TrainingArguments(
            output_dir=scratch,
            max_steps=STEPS,
            per_device_train_batch_size=batch,
            gradient_accumulation_steps=setup.micro_batches,
            train_sampling_strategy="group_by_length" if setup.kind == "grouped" else "random",
            learning_rate=OPTIMISER.learning_rate,
            weight_decay=OPTIMISER.weight_decay,
            adam_epsilon=OPTIMISER.eps,
            max_grad_norm=OPTIMISER.clip or 0.0,
            optim="adamw_torch_fused",
            warmup_steps=0.01,
            bf16=choose_precision(setup.precision, torch.device("cpu")) == "bfloat16",
            use_cpu=True,
            remove_unused_columns=False,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        trainer = _Trainer(
            setup,
            model=model,
            args=arguments,
            data_collator=transformers.DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15),
            train_dataset=_Sequences(sequences(folder)),
            processing_class=tokenizer,
        )
        trainer.add_callback(_Told(trainer, wait, tell))
        trainer.train()


class _Sequences(torch.utils.data.Dataset[dict[str, list[int]]]):
    """Sequences with all that the collator would else work out itself."""

    def __init__(self, ids: list[list[int]]) -> None:
        self.rows = [
            {
                "input_ids": one,
                "attention_mask": [1] * len(one),
                "special_tokens_mask": [1, *[0] * (len(one) - 2), 1],
            }
            for one in ids
        ]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        return self.rows[index]


class _Trainer(transformers.Trainer):
    """The Trainer, its useful tokens and its loss counted.

    Grouped by length, it would go from the longest batch of fifty to the shortest; a few steps would all be long ones.
    So the library's own batches are taken in another order: each few steps are spread over all lengths.
    """

    def __init__(self, setup: Setup, **parts: Any) -> None:
        super().__init__(**parts)
        self.setup = setup
        self.counted: dict[str, float] = {"tokens": 0, "loss": 0.0}

    def training_step(
        self, model: Any, inputs: dict[str, torch.Tensor], num_items_in_batch: Any = None
    ) -> torch.Tensor:
        self.counted["tokens"] += int(inputs["attention_mask"].sum())
        loss = super().training_step(model, inputs, num_items_in_batch)
        # It adds the means of micro-batches up for this model, as if they were sums; Adam's update is nearly the same.
        self.counted["loss"] += float(loss) / (self.setup.steps * self.setup.micro_batches)
        return loss

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        if self.setup.kind != "grouped":
            return super()._get_train_sampler(train_dataset)
        assert isinstance(self.train_dataset, _Sequences)
        lengths = [len(row["input_ids"]) for row in self.train_dataset.rows]
        size = step_sequences(self.setup)
        order = get_length_grouped_indices(lengths, size, generator=torch.Generator().manual_seed(0))  # type: ignore[no-untyped-call]
        return spread(order, size, self.setup.steps)


def spread(order: list[int], size: int, steps: int) -> list[int]:
    """Batches of `size` of an order, taken so that each `steps` of them have one of each stretch of fifty's lengths."""
    whole = [order[at : at + size] for at in range(0, len(order) - size + 1, size)]
    megabatch = max(1, min(len(order) // (size * 4), 50))  # batches that the library sorts together
    picked = []
    for at in range(0, len(whole) - megabatch + 1, megabatch):
        stretches = [whole[at + k * megabatch // steps : at + (k + 1) * megabatch // steps] for k in range(steps)]
        each = min(map(len, stretches))
        turns = dict.fromkeys(int(number * 0.618 % 1 * each) for number in range(each))  # even, however few are taken
        # From one stretch to the next the turn is mirrored: a longer one of its lengths, then a shorter one.
        ends = [stretch[:each][:: (1, -1)[k % 2]] for k, stretch in enumerate(stretches)]
        picked += [stretch[turn] for turn in turns for stretch in ends]
    return [index for batch in picked for index in batch]


class _Told(transformers.TrainerCallback):
    """Holds the Trainer until it is told to go on."""

    def __init__(self, trainer: _Trainer, wait: Wait, tell: Tell) -> None:
        self.trainer, self.wait, self.tell = trainer, wait, tell
        self.left, self.began = 0, 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._go(control)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.left -= 1
        if not self.left:
            self.tell({"seconds": time.perf_counter() - self.began, **self.trainer.counted})
            self._go(control)

    def _go(self, control: Any) -> None:
        number = self.wait()
        control.should_training_stop = number is None
        self.left, self.began = number or 1, time.perf_counter()
        self.trainer.counted = {"tokens": 0, "loss": 0.0}


def peak_bytes() -> int:
    """The most memory that this process has had, the program that started it not counted, where the system says so."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Take steps as told, until standard input ends."""
    setup = Setup(**json.loads(sys.argv[1]))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is not an answer

    def wait() -> int | None:
        line = sys.stdin.readline()
        return int(line) if line.strip() else None

    def tell(values: dict[str, float]) -> None:
        assert all(math.isfinite(value) for value in values.values())
        print(json_line({**values, "peak_bytes": peak_bytes()}), file=answers, flush=True)

    (run_bertkit if setup.kind == "bertkit" else run_trainer)(setup, wait, tell)


if __name__ == "__main__":
    main()
