from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from transformers import BertForMaskedLM

from bertkit.config.training import Masking
from bertkit.objectives.masked_lm import MaskedLM
from bertkit.pretrained.loading import open_pretrained
from bertkit.sampling.masking import MaskRules
from bertkit.sampling.sample_stream import Sample, SampleStream
from bertkit.sampling.stream import Position
from bertkit.training.micro_batches import as_tensors
from bertkit.training.training_module import TrainingModule
from tests.objectives.padded_peers import SEQUENCES, SIZES, agree, trained
from tests.parity.bert_peer import make_peer


def test_masks(tmp_path: Path) -> None:
    """What an epoch's first batch asks, asked of transformers."""
    make_peer(SIZES, tmp_path)
    peer = BertForMaskedLM.from_pretrained(tmp_path).eval()
    source = open_pretrained(tmp_path)
    tokenizer = source.load_tokenizer()
    encoder, head = trained(tmp_path, "fill-mask")
    samples = [Sample((ids,), (segments,), {}) for ids, segments in zip(SEQUENCES.ids, SEQUENCES.segments, strict=True)]
    stream = SampleStream(samples, 5, 3, MaskRules.of(tokenizer, Masking()))
    global_batch, _ = next(stream.batches(Position()))
    packed = global_batch.pack(range(5))
    batch = as_tensors(packed)
    objective = MaskedLM(head)  # type: ignore[arg-type]
    training_module = TrainingModule(encoder, {objective.name: objective})  # type: ignore[arg-type]
    assert training_module.counts(batch)[0] >= 5
    ours = training_module(batch)[objective.name]["loss"] / training_module.counts(batch)[0]

    longest = max(packed.lengths)
    wanted_T = np.full(len(packed.ids_T), -100)
    wanted_T[packed.targets["masked_M"]] = packed.targets["masked_ids_M"]
    rows = {"input_ids": packed.ids_T, "token_type_ids": packed.segments_T, "labels": wanted_T}
    ends = np.cumsum(packed.lengths)[:-1]
    padded = {
        name: torch.tensor(
            [
                [*row.tolist(), *[-100 if name == "labels" else 0] * (longest - len(row))]
                for row in np.split(values_T, ends)
            ]
        )
        for name, values_T in rows.items()
    }
    padded["attention_mask"] = torch.tensor([[1] * n + [0] * (longest - n) for n in packed.lengths])
    agree(ours, peer(**padded).loss, encoder, peer)
