"""Steps of training and of inference on a GPU: bertkit and transformers on the same work, and how near the ceiling.

    python -m benchmarks.gpu                              every row
    python -m benchmarks.gpu --rows large-128 base-128    some
    python -m benchmarks.gpu --device cpu --tiny          a check that the program runs

Each row first measures the ceiling, a product of two large random bfloat16 matrices. Training: masked language
modelling (with next sentences where the family has them), dropout on, both passes, clipping and AdamW; random weights
and random ids, new ones in each step. Inference: packed ids in, last hidden states out. Everyone has the batches ready.
Times are medians of steps with a synchronisation around them. The last line is JSON.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from benchmarks.measure import json_line
from benchmarks.needed import installed
from bertkit.batching.layout import PackedLayout
from bertkit.batching.token_batch import TokenBatch
from bertkit.batching.training_batch import TrainingBatch
from bertkit.config.encoder import EncoderConfig
from bertkit.config.training import DataTable, ModelTable, Optimiser, RunTable, TrainingConfig, TrainTable
from bertkit.families.catalogue import find_family
from bertkit.model.build import build_encoder
from bertkit.model.init import initialise
from bertkit.objectives.pretraining import objective_weights
from bertkit.optimisation.optimisers import build_optimiser
from bertkit.planner.compute import sequence_flops, training_flops
from bertkit.training.assembly import build_model, share
from bertkit.training.peak import matmul_peak
from bertkit.training.ranks import Ranks
from bertkit.training.step import AUTOCAST, Stepper

with installed("benchmarks"):
    import transformers

MASKED = 0.15
OPTIMISER = Optimiser(learning_rate=1e-4)
Step = Callable[[], None]


@dataclass(frozen=True)
class Row:
    """One kind of work.

    Attributes:
        lengths: of the sequences of a step, one after another, as often as fits.
        tokens: of a step.
        micro: tokens computed at once, bertkit's; the peer's is `peer_micro`.
        contestants: names in `CONTESTANTS`.
        pairs: next sentences are learnt too.
    """

    family: str
    preset: str
    lengths: tuple[int, ...]
    tokens: int
    contestants: tuple[str, ...]
    micro: int = 65_536
    peer_micro: int = 16_384
    pairs: bool = True


def _around(mean: int, spread: int, most: int, count: int = 512) -> tuple[int, ...]:
    chance = random.Random(0)
    return tuple(min(most, max(1, round(chance.gauss(mean, spread)))) for _ in range(count))


TRAIN = ("weights", "autocast", "compiled", "transformers")
ROWS = {
    "large-128": Row("bert", "large", (128,), 131_072, TRAIN),
    "large-512": Row("bert", "large", (512,), 131_072, TRAIN),
    "base-128": Row("bert", "base", (128,), 65_536, TRAIN),
    "base-mixed": Row("bert", "base", _around(128, 96, 512), 65_536, ("compiled", "transformers")),
    "modernbert-1024": Row(
        "modernbert", "base", (1024,), 65_536, ("weights", "compiled", "transformers"), 32_768, pairs=False
    ),
    "modernbert-8192": Row("modernbert", "base", (8192,), 65_536, ("weights", "compiled"), 32_768, pairs=False),
    "read-base-128": Row("bert", "base", (128,), 65_536, ("read", "read transformers")),
    "read-large-384": Row("bert", "large", (384,), 65_664, ("read", "read transformers")),
    "read-base-512": Row("bert", "base", (512,), 65_536, ("read", "read transformers")),
    "read-base-mixed": Row("bert", "base", _around(256, 96, 512), 65_536, ("read", "read transformers")),
    "read-base-16": Row("bert", "base", (16,), 16, ("read", "read transformers")),
}


def main() -> None:
    """Run the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    parser.add_argument("--contestants", nargs="+", choices=list(CONTESTANTS), default=list(CONTESTANTS))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=2.0, help="of timed steps of one contestant")
    parser.add_argument("--tiny", action="store_true", help="two narrow layers, few tokens")
    options = parser.parse_args()
    device = torch.device(options.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    about = {"device": name, "torch": torch.__version__, "transformers": transformers.__version__}
    print(about, flush=True)
    print(f"{'row':18} {'contestant':22} {'seq/s':>9} {'tokens/s':>11} {'TFLOP/s':>8} {'of peak':>7} {'GiB':>6}")
    found = []
    for row_name in options.rows:
        peak = matmul_peak.__wrapped__(device, torch.bfloat16)
        for contestant in filter(options.contestants.__contains__, ROWS[row_name].contestants):
            try:
                result = _measure(row_name, contestant, device, options.seconds, options.tiny, peak)
            except Exception:
                traceback.print_exc()
                result = {"row": row_name, "contestant": contestant, "failed": traceback.format_exc(limit=-2)}
            found.append(result)
            gc.collect()
            if device.type == "cuda":
                torch.cuda.empty_cache()
    print(json_line({"benchmark": "gpu", **about, "rows": found}), flush=True)


def _measure(
    name: str, contestant: str, device: torch.device, seconds: float, tiny: bool, peak: float
) -> dict[str, object]:
    row = ROWS[name]
    config = _config(row, tiny)
    lengths = _lengths(row, min(600, row.tokens) if tiny else row.tokens)
    torch.manual_seed(0)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    began = time.perf_counter()
    step = CONTESTANTS[contestant](row, config, lengths, device)
    for _ in range(3):
        step()
    _wait(device)
    ready = time.perf_counter() - began
    times: list[float] = []
    while sum(times) < seconds or len(times) < 5:
        start = time.perf_counter()
        step()
        _wait(device)
        times.append(time.perf_counter() - start)
    median = statistics.median(times)
    flops = _flops(contestant, config, lengths)
    memory = torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else 0.0
    result: dict[str, object] = {
        "row": name,
        "contestant": contestant,
        "seconds": round(median, 6),
        "sequences_per_second": round(len(lengths) / median, 1),
        "tokens_per_second": round(sum(lengths) / median),
        "tflops": round(flops / median / 1e12, 1),
        "peak_tflops": round(peak / 1e12, 1),
        "memory_gib": round(memory, 1),
        "steps": len(times),
        "ready_seconds": round(ready, 1),
    }
    print(
        f"{name:18} {contestant:22} {len(lengths) / median:9.0f} {sum(lengths) / median:11.0f} "
        f"{flops / median / 1e12:8.1f} {flops / median / peak:7.1%} {memory:6.1f}   {median * 1e3:.2f} ms, "
        f"ready in {ready:.0f} s",
        flush=True,
    )
    return result


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _config(row: Row, tiny: bool) -> EncoderConfig:
    config = find_family(row.family, "row").presets[row.preset]
    changes: dict[str, object] = {"pooler": row.pairs and not row.contestants[0].startswith("read")}
    if tiny:
        changes |= {"layer_of_step": (0, 1), "vocab_size": 99, "width": 32, "heads": 2, "ffn_width": 64}
    return EncoderConfig.model_validate({**config.model_dump(), **changes})


def _lengths(row: Row, tokens: int) -> list[int]:
    lengths: list[int] = []
    while True:
        length = row.lengths[len(lengths) % len(row.lengths)]
        if lengths and sum(lengths) + length > tokens:
            return lengths
        lengths.append(length)


def _flops(contestant: str, config: EncoderConfig, lengths: Sequence[int]) -> float:
    if contestant.startswith("read"):
        return float(sum(sequence_flops(config, length) for length in lengths))
    masked = sum(max(1, round(MASKED * length)) for length in lengths)
    return training_flops(config, lengths, masked=masked, sequences=len(lengths) if config.pooler else 0)


def _micro_batches(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    micro: list[int] = []
    for length in lengths:
        if micro and sum(micro) + length > tokens:
            yield micro
            micro = []
        micro.append(length)
    yield micro


def _batch(config: EncoderConfig, lengths: Sequence[int], chance: torch.Generator) -> TrainingBatch:
    """On the host, as the data's own are."""
    ids_T = torch.randint(config.vocab_size, (sum(lengths),), generator=chance)
    positions_T = torch.cat([torch.arange(length) for length in lengths])
    starts, masked = 0, []
    for length in lengths:
        chosen = torch.randperm(length, generator=chance)[: max(1, round(MASKED * length))]
        masked.append(starts + chosen.sort().values)
        starts += length
    masked_M = torch.cat(masked)
    tokens = TokenBatch(ids_T, torch.zeros_like(ids_T), positions_T, PackedLayout.of(lengths))
    second_B = torch.randint(2, (len(lengths),), generator=chance)
    return TrainingBatch(tokens, {"masked_M": masked_M, "masked_ids_M": ids_T[masked_M], "second_B": second_B})


def _train(row: Row, config: EncoderConfig, lengths: list[int], device: torch.device, precision: str) -> Step:
    """bertkit's own training step, put together as `bertkit pretrain` does."""
    settings = TrainingConfig(
        model=ModelTable(family=row.family, preset=row.preset),
        data=DataTable(shards="", sequences="next-sentence" if row.pairs else "documents"),
        train=TrainTable(steps=1, optimiser=OPTIMISER, compile=precision == "compiled"),
        run=RunTable(directory=""),
    )
    model = build_model(settings, config, device)
    ranks = Ranks(0, 1, device, None)
    chosen = "bfloat16" if precision == "autocast" else "bfloat16-weights"
    stepper = Stepper(
        model.training_module.train(),
        build_optimiser(model.training_module.named_parameters(), OPTIMISER, config.layers),
        share(model, settings.train, ranks, chosen, print),
        ranks,
        weights=objective_weights(settings.train, settings.data.sequences),
        clip=OPTIMISER.clip,
        autocast=AUTOCAST.get(chosen),
        seed=0,
    )
    steps = [
        [_batch(config, micro, torch.Generator().manual_seed(seed)) for micro in _micro_batches(lengths, row.micro)]
        for seed in range(2)
    ]
    number = 0

    def step() -> None:
        nonlocal number
        micro = steps[number % 2]
        names = [objective.name for objective in model.training_module.each()]
        counts = dict(zip(names, stepper.counts(micro), strict=True))
        sums = stepper.gradient(micro, counts, number)
        assert sums is not None
        done = stepper.update(sums, counts)
        assert done.skipped is None
        number += 1

    return step


def _their_config(config: EncoderConfig, row: Row) -> transformers.PretrainedConfig:
    if row.family == "modernbert":
        return transformers.ModernBertConfig(
            vocab_size=config.vocab_size,
            hidden_size=config.width,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            intermediate_size=config.ffn_width,
            pad_token_id=0,
        )
    return transformers.BertConfig(
        vocab_size=config.vocab_size,
        hidden_size=config.width,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        intermediate_size=config.ffn_width,
    )


def _train_theirs(row: Row, config: EncoderConfig, lengths: list[int], device: torch.device, compiled: bool) -> Step:
    """transformers' model under autocast, each micro-batch padded to its longest, AdamW fused."""
    theirs = _their_config(config, row)
    kind = transformers.BertForPreTraining if row.pairs else transformers.ModernBertForMaskedLM
    model = kind(theirs).to(device).train()
    run = torch.compile(model) if compiled else model
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    batches = []
    for micro in _micro_batches(lengths, row.peer_micro):
        ids = torch.zeros(len(micro), max(micro), dtype=torch.long)
        labels = torch.full_like(ids, -100)
        mask = torch.zeros_like(ids)
        for number, length in enumerate(micro):
            ids[number, :length] = torch.randint(config.vocab_size, (length,))
            chosen = torch.randperm(length)[: max(1, round(MASKED * length))]
            labels[number, chosen] = ids[number, chosen]
            mask[number, :length] = 1
        inputs = {"input_ids": ids, "labels": labels}
        if len(set(lengths)) > 1:
            inputs["attention_mask"] = mask
        if row.pairs:
            inputs["next_sentence_label"] = torch.randint(2, (len(micro),))
        batches.append({name: value.to(device) for name, value in inputs.items()})

    def step() -> None:
        for batch in batches:
            with torch.autocast(device.type, torch.bfloat16):
                loss = run(**batch).loss / len(batches)
            loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()

    return step


def _read(row: Row, config: EncoderConfig, lengths: list[int], device: torch.device) -> Step:
    encoder = build_encoder(config)
    initialise(encoder, config.initializer_range, torch.Generator().manual_seed(0))
    encoder = encoder.to(device, torch.bfloat16).eval()
    chance = torch.Generator().manual_seed(0)
    batches = []
    for _ in range(2):
        tokens = _batch(config, sorted(lengths), chance).tokens
        layout = PackedLayout.of(tokens.layout.lengths, device)
        batches.append(
            TokenBatch(tokens.ids_T.to(device), tokens.segments_T.to(device), tokens.positions_T.to(device), layout)
        )
    number = 0

    @torch.inference_mode()
    def step() -> None:
        nonlocal number
        encoder(batches[number % 2])
        number += 1

    return step


def _read_theirs(row: Row, config: EncoderConfig, lengths: list[int], device: torch.device) -> Step:
    """Sorted by length, each batch padded to its longest."""
    model = transformers.BertModel(_their_config(config, row), add_pooling_layer=False)
    model = model.to(device, torch.bfloat16).eval()
    batches = []
    for micro in _micro_batches(sorted(lengths), row.peer_micro):
        ids = torch.randint(config.vocab_size, (len(micro), max(micro)))
        mask = (torch.arange(max(micro))[None] < torch.tensor(micro)[:, None]).long()
        inputs = {"input_ids": ids}
        if len(set(micro)) > 1:
            inputs["attention_mask"] = mask
        batches.append({name: value.to(device) for name, value in inputs.items()})

    @torch.inference_mode()
    def step() -> None:
        for batch in batches:
            functional.normalize(model(**batch).last_hidden_state[:, 0].float())

    return step


CONTESTANTS: dict[str, Callable[[Row, EncoderConfig, list[int], torch.device], Step]] = {
    "weights": lambda *work: _train(*work, precision="weights"),
    "autocast": lambda *work: _train(*work, precision="autocast"),
    "compiled": lambda *work: _train(*work, precision="compiled"),
    "transformers": lambda *work: _train_theirs(*work, compiled=False),
    "transformers compiled": lambda *work: _train_theirs(*work, compiled=True),
    "read": _read,
    "read transformers": _read_theirs,
}


if __name__ == "__main__":
    main()
