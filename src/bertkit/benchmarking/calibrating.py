"""Measures a machine: products by precision, memory, the start of an operation, and what lies between products."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date

import torch
from torch import nn

from bertkit.batching.token_batch import TokenBatch
from bertkit.benchmarking.load import load_now
from bertkit.benchmarking.on_device import device_name, wait_for
from bertkit.config.encoder import EncoderConfig
from bertkit.config.kernels import linear_kind
from bertkit.inference.precision import make_ready
from bertkit.model.build import build_encoder
from bertkit.model.device import precision_of, processor
from bertkit.model.init import initialise
from bertkit.model.linear import convert_linears
from bertkit.planner.calibration import MachineCalibration
from bertkit.planner.rates import Precision
from bertkit.planner.software import SOFTWARE
from bertkit.planner.this_machine import processor_name, usable_cores
from bertkit.planner.work import Work, operations

Say = Callable[[str], None]
Clock = Callable[[], float]
ROWS = 1024  # of the products; a machine reaches its peak there
SHAPES = ((768, 2304), (768, 768), (768, 3072), (3072, 768))  # of BERT-base's layer
COPIED_NUMBERS = 2**26  # 256 MB, more than caches hold
SMALL_OPERATIONS = 1000
ENOUGH_SECONDS, LEAST_TURNS = 1.0, 3
# Two layers of BERT-base, and eight texts of 128 tokens: what products do not explain of its time lies between them.
PROBE = EncoderConfig(layer_of_step=(0, 1), vocab_size=1000)
PROBE_TEXTS, PROBE_LENGTH = 8, 128


def calibrate_machine(device: torch.device, say: Say, now: Clock = time.perf_counter) -> MachineCalibration:
    """Measures it, in less than a minute.

    Args:
        say: is told what is being measured.
    """
    measure, load = Stopwatch(device, now), load_now()
    products: dict[Precision, float] = {}
    for precision in _precisions(device):
        say(f"products in {precision}")
        products[precision] = measure.products(precision) / 1e12
    say("memory, small operations, an encoder")
    numbers = None
    if device.type == "cpu":
        numbers = measure.numbers_a_second(products["float32"] * 1e12) / 1e9
    return MachineCalibration(
        processor=processor_name(),
        cores=usable_cores(),
        threads=torch.get_num_threads(),
        device=device_name(device),
        torch=torch.__version__,
        load=load,
        date=date.today().isoformat(),
        products_tflops=products,
        bandwidth_gb_s=measure.bandwidth() / 1e9,
        numbers_g_s=numbers,
        launch_us=measure.launch() * 1e6,
    )


def _precisions(device: torch.device) -> list[Precision]:
    known: dict[str, list[Precision]] = {"cpu": ["float32", "bfloat16"], "mps": ["float32", "float16"]}
    return known.get(device.type, ["float32", "bfloat16", "float16"])


class Stopwatch:
    """Times work on a device: the shortest of some turns, which other programs cannot lengthen."""

    def __init__(self, device: torch.device, now: Clock) -> None:
        self._device, self._now = device, now

    def seconds(self, run: Callable[[], object]) -> float:
        """Of one turn."""
        run()
        seconds: list[float] = []
        while len(seconds) < LEAST_TURNS or sum(seconds) < ENOUGH_SECONDS:
            wait_for(self._device)
            start = self._now()
            run()
            wait_for(self._device)
            seconds.append(self._now() - start)
        return min(seconds)

    @torch.inference_mode()
    def products(self, precision: Precision) -> float:
        """FLOP/s of a layer's products, by the kind of linear layer that answers take there."""
        dtype = getattr(torch, precision)
        layers = nn.ModuleList(nn.Linear(*shape) for shape in SHAPES)
        convert_linears(layers, linear_kind(processor(self._device), precision_of(dtype), learns=False), dtype)
        layers.to(device=self._device, dtype=dtype)
        inputs = [torch.randn(ROWS, shape[0]).to(device=self._device, dtype=dtype) for shape in SHAPES]
        taken = self.seconds(lambda: [layer(x) for layer, x in zip(layers, inputs, strict=True)])
        return sum(2.0 * ROWS * a * b for a, b in SHAPES) / taken

    def bandwidth(self) -> float:
        """Bytes a second that a copy reads and writes."""
        source = torch.zeros(COPIED_NUMBERS, device=self._device)
        target = torch.zeros_like(source)
        return 2 * source.nbytes / self.seconds(lambda: target.copy_(source))

    def launch(self) -> float:
        """Seconds to start one operation on a single number."""
        one = torch.zeros(1, device=self._device)

        def run() -> None:
            for _ in range(SMALL_OPERATIONS):
                one.add_(1.0)

        return self.seconds(run) / SMALL_OPERATIONS

    @torch.inference_mode()
    def numbers_a_second(self, product_flops: float) -> float:
        """What an encoder moves between its products, by the time that these do not explain."""
        encoder = build_encoder(PROBE)
        initialise(encoder)
        make_ready(encoder.eval(), self._device, torch.float32)
        ids = torch.randint(PROBE.vocab_size, (PROBE_TEXTS, PROBE_LENGTH)).tolist()
        batch = TokenBatch.pack(ids, [[0] * PROBE_LENGTH] * PROBE_TEXTS, self._device)
        taken = self.seconds(lambda: encoder(batch))
        done = operations(Work(PROBE, "inference", (PROBE_LENGTH,) * PROBE_TEXTS, "float32", SOFTWARE["bertkit"]))
        flops = sum(one.flops for one in done if one.kind != "pointwise")
        numbers = sum(one.numbers for one in done if one.kind == "pointwise")
        # A machine that did its products faster here than alone was busy then: no less than a tenth lies between them.
        return numbers / max(taken - flops / product_flops, taken / 10)
