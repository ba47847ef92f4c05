"""The last hidden states of an encoder that does not learn: computed once, not once an epoch.

Shapes: `T` packed tokens, `B` sequences, `M` tokens whose hidden states are wanted, `W` width.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bertkit.batching.token_batch import TokenBatch
from bertkit.model.encoder import Encoder
from bertkit.sampling.sample_stream import Sample

MOST_BYTES = 2 << 30  # of what is kept, on the host


class KeptStates:
    """What an encoder gave for each sequence that it has read, by the sequence's ids and segments.

    Nothing is dropped: what is kept is what the encoder answers with. Which tokens of a sequence are wanted must not
    change from one time to the next.
    """

    def __init__(self) -> None:
        self._kept: dict[bytes, Tensor] = {}

    @torch.no_grad()
    def __call__(self, encoder: Encoder, tokens: TokenBatch, output_indices_M: Tensor | None) -> Tensor:
        """As the encoder called with the same, in evaluation mode: (T, W) or (M, W), on the tokens' device."""
        device, lengths = tokens.ids_T.device, tokens.layout.lengths
        stops = list(accumulate(lengths))
        ids_2T = torch.stack([tokens.ids_T, tokens.segments_T]).cpu().numpy()
        rows = [ids_2T[:, stop - length : stop] for stop, length in zip(stops, lengths, strict=True)]
        keys = [row.tobytes() for row in rows]
        missing = {key: place for place, key in enumerate(keys) if key not in self._kept}
        if missing:
            wanted = None if output_indices_M is None else _within(output_indices_M, stops, lengths)
            self._read(encoder, device, list(missing), [rows[place] for place in missing.values()], wanted, missing)
        return torch.cat([self._kept[key] for key in keys]).to(device)

    def _read(
        self,
        encoder: Encoder,
        device: torch.device,
        keys: Sequence[bytes],
        rows: Sequence[npt.NDArray[np.int64]],
        wanted: Sequence[Sequence[int]] | None,
        missing: dict[bytes, int],
    ) -> None:
        batch = TokenBatch.pack([row[0].tolist() for row in rows], [row[1].tolist() for row in rows], device)
        lengths = list(batch.layout.lengths)
        starts = [stop - length for stop, length in zip(accumulate(lengths), lengths, strict=True)]
        learning = encoder.training
        encoder.eval()
        if wanted is None:
            parts = encoder(batch).split(lengths)
        else:
            chosen = [wanted[missing[key]] for key in keys]
            indices = [start + place for start, places in zip(starts, chosen, strict=True) for place in places]
            parts = encoder(batch, torch.tensor(indices, device=device)).split([len(places) for places in chosen])
        encoder.train(learning)
        self._kept |= {key: part.cpu() for key, part in zip(keys, parts, strict=True)}


def fits(samples: Sequence[Sample], width: int, *, every_token: bool) -> bool:
    """Whether the states of all samples can be kept."""
    rows = sum(sample.tokens if every_token else len(sample.ids) for sample in samples)
    return rows * width * 4 <= MOST_BYTES


def _within(output_indices_M: Tensor, stops: Sequence[int], lengths: Sequence[int]) -> list[list[int]]:
    """For each sequence which of its tokens are wanted, by their places in it, in the order in which they are."""
    places: list[list[int]] = [[] for _ in stops]
    sequence_M = np.searchsorted(stops, output_indices_M.cpu().numpy(), side="right")
    for index, sequence in zip(output_indices_M.tolist(), sequence_M.tolist(), strict=True):
        places[sequence].append(index - (stops[sequence] - lengths[sequence]))
    return places
