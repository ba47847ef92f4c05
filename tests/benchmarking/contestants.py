"""Contestants whose speed is made up, and a tiny encoder."""

from __future__ import annotations

from bertkit.benchmarking.cells import Batches
from bertkit.config.encoder import EncoderConfig
from bertkit.errors import OutOfMemory

TINY = EncoderConfig(vocab_size=101, width=8, heads=2, ffn_width=16, layer_of_step=(0,))


class MadeUp:
    """Takes a fixed time for a batch, and some for each text, and has room for so many."""

    def __init__(self, batch_seconds: float = 1.0, text_seconds: float = 0.1, room: int = 1000) -> None:
        self.batch_seconds, self.text_seconds, self.room = batch_seconds, text_seconds, room
        self.rounds: list[Batches] = []

    def seconds(self, batches: Batches) -> float:
        self.rounds.append(batches)
        if max(map(len, batches)) > self.room:
            raise OutOfMemory("it does not fit")
        return sum(self.batch_seconds + self.text_seconds * len(batch) for batch in batches)
