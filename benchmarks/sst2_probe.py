"""What pre-training was good for: SST-2 from a trained encoder, and from the same encoder with random weights.

    python -m benchmarks.sst2_probe --model RUN/model

Both are fine-tuned whole with a linear classifier over the pooler, the first token or the mean of all tokens, with the
same recipe, tokenizer and sentences; a seed decides the order, the classifier, dropout, and the random weights.
Accuracy is on the whole development set, after the last epoch. The difference is given in pooled standard deviations
over seeds.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.measure import json_line, machine
from benchmarks.needed import data_folder
from bertkit.batching.grouping import group_by_tokens
from bertkit.batching.token_batch import TokenBatch
from bertkit.config.encoder import EncoderConfig
from bertkit.config.training import Optimiser, Schedule
from bertkit.families.contract import HeadShape, Reads, weight_and_bias
from bertkit.model.build import build_encoder
from bertkit.model.encoder import Encoder
from bertkit.model.heads import build_head
from bertkit.model.init import initialise
from bertkit.optimisation.gradients import clip
from bertkit.optimisation.optimisers import build_optimiser, set_rate
from bertkit.optimisation.schedules import rate
from bertkit.pretrained.loading import load_encoder
from bertkit.tokenization.tokenizer import Tokenizer

EVALUATION_TOKENS = 4096
WARMUP = 0.1
START = ("pre-trained", "random")


@dataclass(frozen=True)
class Sentences:
    """Labelled sentences as ids, with special tokens."""

    ids: list[list[int]]
    segments: list[list[int]]
    labels: list[int]

    @classmethod
    def read(cls, path: Path, tokenizer: Tokenizer, most: int | None, longest: int) -> Sentences:
        """The sentences of a file of SST-2, or as many drawn at random, the same ones each time."""
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
        if most is not None and most < len(lines):
            lines = random.Random(0).sample(lines, most)
        texts, _, labels = zip(*(line.rpartition("\t") for line in lines), strict=True)
        frame = tokenizer.template.single
        room = longest - frame.special_tokens
        tokens = [one.ids[:room] for one in tokenizer.tokenize(texts)]
        ids = [[*frame.prefix.ids, *one, *frame.suffix.ids] for one in tokens]
        segments = [
            [*frame.prefix.segments, *[frame.first_segment] * len(one), *frame.suffix.segments] for one in tokens
        ]
        return cls(ids, segments, [int(label) for label in labels])

    def batch(self, indices: Sequence[int]) -> tuple[TokenBatch, Tensor]:
        """These sentences packed, and their labels (B,)."""
        tokens = TokenBatch.pack([self.ids[i] for i in indices], [self.segments[i] for i in indices])
        return tokens, torch.tensor([self.labels[i] for i in indices])


@dataclass(frozen=True)
class Recipe:
    """How both sides are fine-tuned: AdamW, a linear schedule, clipping, as bertkit pre-trains."""

    learning_rate: float
    epochs: int
    batch_sentences: int


class Classifier(nn.Module):
    """An encoder and a linear classifier of two classes."""

    def __init__(self, encoder: Encoder, reads: Reads, random: torch.Generator) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = build_head(HeadShape(weight_and_bias("classifier", "classifier"), reads=reads), encoder.config, 2)
        initialise(self.head, encoder.config.initializer_range, random)

    def forward(self, tokens: TokenBatch) -> Tensor:
        """Logits (B, 2)."""
        return self.head(self.encoder(tokens), tokens.layout, self.encoder)  # type: ignore[no-any-return]


def main() -> None:
    """Fine-tune from both starts with every seed, print the table, then one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a folder as `bertkit pretrain` writes it")
    parser.add_argument("--data", help="the folder of SST-2; $BERTKIT_TEST_DATA/glue/SST-2 without it")
    parser.add_argument(
        "--reads", choices=["pooler", "first", "mean"], default="pooler", help="what the classifier reads"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sentences", type=int, default=6_000, help="of the training set; 0 for all")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-sentences", type=int, default=32)
    parser.add_argument(
        "--learning-rate", type=float, default=3e-4, help="small models want more than BERT-base (3e-4)"
    )
    options = parser.parse_args()
    if options.seeds < 2:
        parser.error("a deviation needs two seeds at least")
    folder, data = Path(options.model), Path(options.data or data_folder() / "glue/SST-2")
    tokenizer, config = Tokenizer.load(folder), load_encoder(folder).config
    if options.reads == "pooler" and not config.pooler:
        parser.error("the model has no pooler: choose --reads first or mean")
    training = Sentences.read(data / "train.tsv", tokenizer, options.sentences or None, config.max_length)
    development = Sentences.read(data / "dev.tsv", tokenizer, None, config.max_length)
    recipe = Recipe(options.learning_rate, options.epochs, options.batch_sentences)
    print(f"{len(training.labels)} sentences, {recipe}, {len(development.labels)} of the development set", flush=True)
    print(f"{'start':12} {'seed':>4} {'accuracy':>8} {'seconds':>8}", flush=True)
    scores: dict[str, list[float]] = {start: [] for start in START}
    for seed in range(options.seeds):
        for start in START:
            began = time.perf_counter()
            encoder = load_encoder(folder) if start == "pre-trained" else random_encoder(config, seed)
            model = Classifier(encoder, options.reads, torch.Generator().manual_seed(seed))
            fine_tune(model, training, recipe, seed)
            scores[start].append(accuracy(model, development))
            print(f"{start:12} {seed:4} {scores[start][-1]:8.4f} {time.perf_counter() - began:8.1f}", flush=True)
    about = {"model": options.model, "sentences": len(training.labels), "epochs": recipe.epochs}
    about |= {"batch_sentences": recipe.batch_sentences, "learning_rate": recipe.learning_rate, "reads": options.reads}
    print(json_line({"benchmark": "sst2_probe", "machine": machine(), **about, **_report(scores)}))


def random_encoder(config: EncoderConfig, seed: int) -> Encoder:
    """The same encoder as it was before pre-training."""
    encoder = build_encoder(config)
    initialise(encoder, config.initializer_range, torch.Generator().manual_seed(1000 + seed))
    return encoder


def fine_tune(model: Classifier, training: Sentences, recipe: Recipe, seed: int) -> None:
    """Trains all of the model."""
    torch.manual_seed(seed)
    chance = random.Random(seed)
    settings = Optimiser(learning_rate=recipe.learning_rate)
    optimiser = build_optimiser(model.named_parameters(), settings, model.encoder.config.layers)
    parameters = list(model.parameters())
    size, count = recipe.batch_sentences, len(training.labels)
    steps, step = math.ceil(count / size) * recipe.epochs, 0
    model.train()
    for _ in range(recipe.epochs):
        order = chance.sample(range(count), count)
        for at in range(0, count, size):
            # Equal lengths side by side are one block of attention.
            batch = sorted(order[at : at + size], key=lambda index: -len(training.ids[index]))
            tokens, labels_B = training.batch(batch)
            set_rate(optimiser, rate(Schedule(warmup=WARMUP), step, steps))
            functional.cross_entropy(model(tokens), labels_B).backward()  # type: ignore[no-untyped-call]
            clip(parameters, settings.clip)
            optimiser.step()
            optimiser.zero_grad()
            step += 1


@torch.inference_mode()
def accuracy(model: Classifier, development: Sentences) -> float:
    """Share of the sentences whose label is the likelier one."""
    model.eval()
    correct = 0
    for group in group_by_tokens([len(ids) for ids in development.ids], EVALUATION_TOKENS):
        tokens, labels_B = development.batch(group)
        correct += int((model(tokens).argmax(dim=1) == labels_B).sum())
    return correct / len(development.labels)


def _report(scores: dict[str, list[float]]) -> dict[str, object]:
    means = {start: statistics.mean(values) for start, values in scores.items()}
    deviations = {start: statistics.stdev(values) for start, values in scores.items()}
    for start in START:
        print(f"{start:12} mean {means[start]:.4f}, standard deviation {deviations[start]:.4f}")
    difference = means["pre-trained"] - means["random"]
    pooled = math.sqrt(statistics.mean(deviation**2 for deviation in deviations.values()))
    apart = difference / pooled if pooled else None
    in_pooled = "no spread to measure it by" if apart is None else f"{apart:.1f} pooled standard deviations"
    print(f"pre-training gives {100 * difference:+.2f} points, {in_pooled}")
    return {
        "accuracy": {start: [round(value, 4) for value in values] for start, values in scores.items()},
        "mean": {start: round(value, 4) for start, value in means.items()},
        "standard_deviation": {start: round(value, 4) for start, value in deviations.items()},
        "difference": round(difference, 4),
        "pooled_standard_deviations": None if apart is None else round(apart, 2),
    }


if __name__ == "__main__":
    main()
