"""bertkit's training step and transformers' Trainer, each a process of its own that takes steps when it is told to.

    python -m benchmarks.pretraining_contestants SETUP      SETUP: a `Setup` as JSON

Each is a program as `benchmarks.contestants` describes it. A step is all of it: making the batch, masking, both passes,
clipping, the update.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.contestants import CountingTrainer, Tell, Told, Wait, take_steps, told
from benchmarks.measure import json_line
from benchmarks.needed import installed
from benchmarks.pretraining_data import LENGTH, mean_length, sequences
from bertkit.batching.training_batch import TrainingBatch
from bertkit.config.training import DataTable, ModelTable, Optimiser, RunTable, TrainingConfig, TrainTable
from bertkit.corpora.shards import TOKENIZER
from bertkit.objectives.masked_lm import MaskedLM
from bertkit.objectives.pretraining import objective_weights
from bertkit.optimisation.optimisers import build_optimiser, set_rate
from bertkit.optimisation.schedules import rate
from bertkit.pretraining.run import Corpus, batches, phases
from bertkit.sampling.stream import Position
from bertkit.training.assembly import build_model, choose_precision, describe_model, share
from bertkit.training.micro_batches import shares
from bertkit.training.ranks import Ranks
from bertkit.training.state import prime
from bertkit.training.step import AUTOCAST, Stepper

with installed("benchmarks"):
    import transformers

STEPS = 1_000_000  # more than are ever taken
OPTIMISER = Optimiser(learning_rate=1e-4)


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
    optimiser = build_optimiser(model.training_module.named_parameters(), OPTIMISER, encoder_config.layers)
    prime(optimiser)
    stepper = Stepper(
        model.training_module,
        optimiser,
        sharing,
        ranks,
        weights=weights,
        clip=OPTIMISER.clip,
        autocast=AUTOCAST.get(precision),
        seed=0,
    )
    stream = corpus.stream(corpus.shards, config.data, config.data.masking, 0)
    model.training_module.train()
    tell({"parameters": sum(parameter.numel() for parameter in model.training_module.parameters())})

    def prepared() -> Iterator[list[TrainingBatch]]:
        for batch, _ in batches(stream, phases(config), 0, Position()):
            yield shares(batch, ranks, config.train.micro_batch_tokens, 1)

    def rate_of(step: int) -> None:
        set_rate(optimiser, rate(config.train.schedule, step, STEPS))

    take_steps(stepper, MaskedLM.name, prepared(), rate_of, wait, tell)


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
        texts = sequences(folder)
        trainer = CountingTrainer(
            setup.steps,
            [len(text) for text in texts] if setup.kind == "grouped" else None,
            model=model,
            args=arguments,
            data_collator=transformers.DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15),
            train_dataset=_Sequences(texts),
            processing_class=tokenizer,
        )
        trainer.add_callback(Told(trainer, wait, tell))
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


def main() -> None:
    """Take steps as told, until standard input ends."""
    setup = Setup(**json.loads(sys.argv[1]))
    (run_bertkit if setup.kind == "bertkit" else run_trainer)(setup, *told())


if __name__ == "__main__":
    main()
