"""bertkit as a contestant: an encoder of random weights answers, or takes steps of fine-tuning."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from bertkit.batching.token_batch import TokenBatch
from bertkit.batching.training_batch import TrainingBatch
from bertkit.benchmarking.cells import Batches, Kind
from bertkit.benchmarking.on_device import wait_for
from bertkit.config.encoder import EncoderConfig
from bertkit.config.training import Optimiser
from bertkit.errors import OutOfMemory
from bertkit.families.catalogue import FAMILIES
from bertkit.inference.precision import make_ready
from bertkit.model.build import build_encoder
from bertkit.model.encoder import Encoder
from bertkit.model.heads import build_head
from bertkit.model.init import initialise
from bertkit.model.int8_parts import quantise
from bertkit.model.out_of_memory import ran_out_of_memory
from bertkit.objectives.text_classification import LabelObjective
from bertkit.optimisation.optimisers import build_optimiser
from bertkit.training.parallelism import DataParallel
from bertkit.training.ranks import Ranks
from bertkit.training.step import AUTOCAST, Stepper
from bertkit.training.training_module import TrainingModule

LABELS = 2
HALF_WEIGHTS = "bfloat16-weights"  # how bertkit trains in bfloat16, as the planner counts it


class BertkitSpeed:
    """Does rounds of one kind of work.

    Args:
        precision: `float32`, `bfloat16`, `float16`, or of answers on a CPU `int8`, with a range for each row.
        now: the clock.
    """

    def __init__(
        self,
        config: EncoderConfig,
        kind: Kind,
        precision: str,
        device: torch.device,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._vocabulary, self._segments = config.vocab_size, max(1, config.segment_types)
        self._device, self._now = device, now
        encoder = build_encoder(config)
        initialise(encoder)
        if kind == "inference":
            dtype = getattr(torch, precision)
            if dtype == torch.int8:
                quantise(encoder)
            make_ready(encoder, device, dtype)
            self._run: Callable[[TokenBatch], None] = EncoderRounds(encoder.eval())
        else:
            self._run = TrainingRounds(encoder, config, precision, device)

    def seconds(self, batches: Batches) -> float:
        """Does a round; the making of the batches is not counted.

        Raises:
            OutOfMemory: it does not fit.
        """
        made = [self._batch(lengths) for lengths in batches]
        wait_for(self._device)
        start = self._now()
        try:
            for batch in made:
                self._run(batch)
            wait_for(self._device)
        except Exception as error:
            if not ran_out_of_memory(error):
                raise
            raise OutOfMemory(f"a batch of {len(batches[-1])} texts does not fit") from None
        return self._now() - start

    def _batch(self, lengths: list[int]) -> TokenBatch:
        chance = torch.Generator().manual_seed(sum(lengths))
        ids = [torch.randint(self._vocabulary, (length,), generator=chance).tolist() for length in lengths]
        return TokenBatch.pack(ids, [[0] * length for length in lengths], self._device)


class EncoderRounds:
    """The last hidden states of every token."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    @torch.inference_mode()
    def __call__(self, batch: TokenBatch) -> None:
        """One batch."""
        self._encoder(batch)


class TrainingRounds:
    """Steps of fine-tuning of all weights: the pass, its gradient, clipping, AdamW."""

    def __init__(self, encoder: Encoder, config: EncoderConfig, precision: str, device: torch.device) -> None:
        half = precision == "bfloat16"
        head = build_head(FAMILIES["modernbert"].heads["text-classification"], config, LABELS)
        initialise(head)
        objective = LabelObjective(head, "single-label", None, 0.0)
        self._name = objective.name
        module = TrainingModule(encoder, {self._name: objective}).to(device).train()
        settings, ranks = Optimiser(), Ranks(0, 1, device, None)
        self._step = 0
        self._device = device
        self._stepper = Stepper(
            module,
            build_optimiser(module.named_parameters(), settings, config.layers),
            DataParallel(module, 1, half=half),
            ranks,
            weights={self._name: 1.0},
            clip=settings.clip,
            autocast=AUTOCAST.get(HALF_WEIGHTS if half else precision),
            seed=0,
        )

    def __call__(self, batch: TokenBatch) -> None:
        """One step."""
        labels_B = torch.zeros(len(batch.layout.lengths), dtype=torch.long, device=self._device)
        micro = [TrainingBatch(batch, {"label_B": labels_B})]
        counts = {self._name: self._stepper.counts(micro)[0]}
        sums = self._stepper.gradient(micro, counts, self._step)
        if sums is None:
            raise OutOfMemory("a step does not fit into memory")
        self._stepper.update(sums, counts)
        self._step += 1
