"""The planner's memory against the peak of a process: each configuration in a process of its own, on a CPU.

    python -m benchmarks.planner_memory              every configuration, its error, and the quantiles
    python -m benchmarks.planner_memory --only 3 7   some

Measured is VmHWM less the resident size after imports. Inference: weights made ready as `bertkit predict` does, two
batches. Training: bertkit's own step (`training/step.py`), three of them, in micro-batches of the whole batch.
Configurations whose peak is below 100 MB are left out. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from bertkit.config.encoder import EncoderConfig, RelativeBias, RotaryPositions
from bertkit.planner.inference_memory import inference_memory
from bertkit.planner.rates import precision_called
from bertkit.planner.training_memory import Training, training_memory

LEAST_BYTES = 100e6
MODERN = {
    "positions": None,
    "rotary": RotaryPositions(),
    "segment_types": 0,
    "pooler": False,
    "norm_at": "pre",
    "gated": True,
    "attention_bias": False,
    "mlp_bias": False,
    "norm_bias": False,
    "first_attention_norm": False,
    "final_norm": True,
    "hidden_dropout": 0.0,
    "attention_dropout": 0.0,
}
KINDS: dict[str, dict[str, object]] = {
    "bert": {},
    "still": {"hidden_dropout": 0.0, "attention_dropout": 0.0},
    "modern": {**MODERN, "attention_pattern": "GLL", "window_radius": 64},
    "gated": MODERN,
    "grouped": {**MODERN, "norm": "rms"},
    "mpnet": {"relative_bias": RelativeBias(), "segment_types": 0},
    "albert": {"embed_width": 128},
    "distilbert": {"segment_types": 0, "pooler": False},
}


@dataclass(frozen=True)
class Case:
    """One configuration.

    Attributes:
        kind: what differs from BERT.
        mode: `inference`, `pre-training`, `fine-tuning` or `lora`.
        precision: as `TrainTable` has it, for inference float32 or bfloat16.
    """

    kind: str
    layers: int
    width: int
    vocabulary: int
    mode: str
    precision: str
    length: int
    batch: int
    recompute: bool = False
    ffn: int = 4

    def config(self) -> EncoderConfig:
        """The encoder."""
        steps = (0,) * self.layers if self.kind == "albert" else tuple(range(self.layers))
        more = {"kv_heads": max(1, self.width // 128)} if self.kind == "grouped" else {}
        return EncoderConfig.model_validate(
            {
                "vocab_size": self.vocabulary,
                "width": self.width,
                "heads": self.width // 64,
                "ffn_width": self.ffn * self.width,
                "layer_of_step": steps,
                **KINDS[self.kind],
                **more,
            }
        )


INFER, LEARN, TUNE, LORA = "inference", "pre-training", "fine-tuning", "lora"
FLOAT, AUTOCAST, HALF = "float32", "bfloat16", "bfloat16-weights"
CASES = [
    Case("bert", 12, 768, 30522, INFER, FLOAT, 128, 8),
    Case("bert", 12, 768, 30522, INFER, FLOAT, 512, 8),
    Case("bert", 6, 768, 30522, INFER, FLOAT, 512, 16),
    Case("bert", 6, 384, 30522, INFER, FLOAT, 256, 32),
    Case("bert", 4, 512, 30522, INFER, FLOAT, 128, 64),
    Case("bert", 24, 1024, 30522, INFER, FLOAT, 64, 4),
    Case("bert", 12, 768, 250002, INFER, FLOAT, 128, 8),
    Case("bert", 6, 768, 50265, INFER, FLOAT, 512, 32),
    Case("distilbert", 6, 768, 30522, INFER, FLOAT, 256, 16),
    Case("albert", 12, 768, 30000, INFER, FLOAT, 256, 32),
    Case("albert", 6, 1024, 30000, INFER, FLOAT, 512, 16),
    Case("mpnet", 6, 768, 30527, INFER, FLOAT, 256, 16),
    Case("mpnet", 4, 512, 30527, INFER, FLOAT, 512, 16),
    Case("modern", 6, 768, 50368, INFER, FLOAT, 512, 8, ffn=2),
    Case("modern", 4, 512, 50368, INFER, FLOAT, 1024, 8, ffn=2),
    Case("gated", 6, 768, 30528, INFER, FLOAT, 512, 8),
    Case("grouped", 4, 768, 128256, INFER, FLOAT, 256, 16),
    Case("bert", 12, 768, 30522, INFER, AUTOCAST, 64, 4),
    Case("bert", 6, 384, 30522, INFER, AUTOCAST, 128, 16),
    Case("bert", 4, 512, 250002, INFER, AUTOCAST, 64, 8),
    Case("gated", 4, 512, 50368, INFER, AUTOCAST, 128, 8),
    Case("bert", 4, 256, 30522, LEARN, FLOAT, 128, 32),
    Case("bert", 4, 256, 30522, LEARN, FLOAT, 512, 8),
    Case("bert", 4, 512, 30522, LEARN, FLOAT, 128, 16),
    Case("bert", 4, 512, 30522, LEARN, FLOAT, 256, 8),
    Case("bert", 6, 768, 30522, LEARN, FLOAT, 128, 8),
    Case("bert", 6, 768, 30522, LEARN, FLOAT, 256, 4),
    Case("bert", 6, 768, 30522, LEARN, FLOAT, 512, 2),
    Case("bert", 8, 512, 30522, LEARN, FLOAT, 128, 32),
    Case("still", 4, 512, 30522, LEARN, FLOAT, 256, 8),
    Case("still", 6, 768, 30522, LEARN, FLOAT, 128, 8),
    Case("distilbert", 6, 768, 30522, LEARN, FLOAT, 128, 8),
    Case("albert", 6, 768, 30000, LEARN, FLOAT, 128, 8),
    Case("albert", 12, 512, 30000, LEARN, FLOAT, 128, 16),
    Case("mpnet", 4, 512, 30527, LEARN, FLOAT, 128, 16),
    Case("mpnet", 4, 256, 30527, LEARN, FLOAT, 256, 8),
    Case("modern", 6, 384, 50368, LEARN, FLOAT, 256, 8, ffn=2),
    Case("modern", 4, 512, 50368, LEARN, FLOAT, 512, 4, ffn=2),
    Case("gated", 4, 512, 30528, LEARN, FLOAT, 256, 8),
    Case("grouped", 4, 512, 50000, LEARN, FLOAT, 128, 16),
    Case("bert", 4, 512, 30522, LEARN, FLOAT, 128, 32, recompute=True),
    Case("bert", 12, 512, 30522, LEARN, FLOAT, 128, 16, recompute=True),
    Case("bert", 6, 768, 30522, LEARN, FLOAT, 128, 8, recompute=True),
    Case("modern", 6, 384, 50368, LEARN, FLOAT, 256, 8, recompute=True, ffn=2),
    Case("gated", 4, 512, 30528, LEARN, FLOAT, 256, 8, recompute=True),
    Case("bert", 4, 256, 30522, LEARN, AUTOCAST, 128, 16),
    Case("bert", 4, 512, 30522, LEARN, AUTOCAST, 128, 8),
    Case("bert", 4, 256, 30522, LEARN, HALF, 128, 16),
    Case("gated", 4, 384, 30528, LEARN, HALF, 128, 8),
    Case("bert", 6, 768, 30522, TUNE, FLOAT, 128, 8),
    Case("bert", 6, 768, 30522, TUNE, FLOAT, 256, 4),
    Case("bert", 6, 384, 30522, TUNE, FLOAT, 128, 32),
    Case("bert", 6, 384, 30522, TUNE, FLOAT, 512, 4),
    Case("bert", 4, 512, 250002, TUNE, FLOAT, 64, 16),
    Case("distilbert", 6, 768, 30522, TUNE, FLOAT, 128, 8),
    Case("albert", 6, 768, 30000, TUNE, FLOAT, 128, 8),
    Case("mpnet", 6, 384, 30527, TUNE, FLOAT, 128, 16),
    Case("modern", 6, 512, 50368, TUNE, FLOAT, 256, 8, ffn=2),
    Case("bert", 6, 384, 30522, TUNE, FLOAT, 128, 64, recompute=True),
    Case("bert", 6, 768, 30522, LORA, FLOAT, 128, 8),
    Case("bert", 6, 768, 30522, LORA, FLOAT, 256, 4),
    Case("bert", 6, 384, 30522, LORA, FLOAT, 128, 32),
    Case("still", 6, 384, 30522, LORA, FLOAT, 256, 8),
    Case("modern", 6, 512, 50368, LORA, FLOAT, 256, 8, ffn=2),
    Case("distilbert", 6, 768, 30522, LORA, FLOAT, 128, 8),
    Case("bert", 12, 512, 30522, LORA, FLOAT, 128, 16, recompute=True),
]


def _status_bytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith(name)))


def measure(case: Case) -> int:
    """The peak of this process, in bytes beyond what imports took."""
    import torch

    import benchmarks.planner_memory_work as work

    torch.set_num_threads(1)
    before = _status_bytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    work.run(case)
    return _status_bytes("VmHWM") - before


def predict(case: Case) -> int:
    """What the planner says, in bytes."""
    config = case.config()
    if case.mode == "inference":
        lengths = (case.length,) * case.batch
        return inference_memory(config, lengths, precision=precision_called(case.precision)).process
    how = Training(
        micro_batch_tokens=case.length * case.batch,
        length=case.length,
        precision=case.precision,
        optimiser="adamw",
        recompute=case.recompute,
        learnt=case.mode,  # type: ignore[arg-type]
    )
    return training_memory(config, how).process


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", type=int, default=range(len(CASES)))
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--measured", type=Path, help="a file to keep what was measured in, and to read it from")
    options = parser.parse_args()
    if options.child is not None:
        print(measure(CASES[options.child]))
        return
    known = _known(options.measured)
    errors = []
    for number in options.only:
        case = CASES[number]
        key = json.dumps(asdict(case))
        if key not in known:
            known[key] = _in_a_process(number)
            if options.measured is not None:
                options.measured.write_text(json.dumps(known, indent=0))
        measured, predicted = known[key], predict(case)
        miss = predicted / measured - 1
        counted = measured >= LEAST_BYTES
        errors += [miss] if counted else []
        print(
            f"{number:3} {case.kind:10} {case.layers:2} x {case.width:4} {case.vocabulary:7} {case.mode:12} "
            f"{case.precision:16} {case.batch:3} x {case.length:4} {'recomputed' if case.recompute else '          '} "
            f"{measured / 1e6:8.0f} MB {predicted / 1e6:8.0f} MB {miss:+7.1%}{'' if counted else '  left out'}",
            flush=True,
        )
    sizes = sorted(map(abs, errors))
    print(
        json.dumps(
            {
                "benchmark": "planner_memory",
                "configurations": len(errors),
                "median": round(statistics.median(sizes), 3),
                "95th percentile": round(sizes[min(len(sizes) - 1, round(0.95 * len(sizes)))], 3),
                "most under": round(min(errors), 3),
            }
        )
    )


def _known(path: Path | None) -> dict[str, int]:
    found: dict[str, int] = json.loads(path.read_text()) if path is not None and path.exists() else {}
    return found


def _in_a_process(number: int) -> int:
    env = {**os.environ, "OMP_NUM_THREADS": "1", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "256"}
    command = [sys.executable, "-m", "benchmarks.planner_memory", "--child", str(number)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    return int(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
