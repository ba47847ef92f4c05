"""Hard negatives for pairs of texts, found by the model that training starts from and kept in the run's folder.

`negatives.jsonl` has a line for each pair: its place, and its negatives as texts. A run that goes on reads them from
there: it learns from the same ones, whatever has become of the model that it started from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from bertkit.checkpoints.folders import atomic_file
from bertkit.config.batch_tokens import batch_tokens
from bertkit.config.finetuning import TaskTable
from bertkit.evaluation.predicted_records import unit_vectors
from bertkit.finetuning.hard_negatives import NONE, hard_negatives
from bertkit.formats.row import Row
from bertkit.inference.answerer import Answerer
from bertkit.inference.engine import Engine
from bertkit.inference.precision import make_network_ready
from bertkit.inference.torch_backend import TorchBackend
from bertkit.labelled.examples import Example
from bertkit.labelled.pair_texts import PairTexts, folded
from bertkit.objectives.sentence_embedding import MINED
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.runs.run_folder import RunFolder
from bertkit.tasks.reading import Reader
from bertkit.training.ranks import Ranks


class Mining:
    """Gives each pair its negatives.

    Args:
        source: the checkpoint that training starts from.
        table: how many, and how much less alike they are to be.
        folder: of the run, which need not be there yet.
        say: takes a line about what was found.
    """

    def __init__(
        self, source: Pretrained, table: TaskTable, folder: RunFolder, ranks: Ranks, say: Callable[[str], None]
    ) -> None:
        self._source = source
        self._table = table
        self._folder = folder
        self._ranks = ranks
        self._say = say
        self._lines: list[dict[str, object]] | None = None

    def negatives(self, reader: Reader, examples: Sequence[Example]) -> list[Example]:
        """The examples, each with its negatives in the field `negatives`; all ranks call this, the first one mines.

        Raises:
            InputError: a text cannot be read; file and line are named.
        """
        places = _documents(examples)
        documents = list(places)
        chosen = self._ranks.by_first(lambda: self._kept(examples, documents) or self._mined(reader, examples, places))
        texts = [[documents[number] for number in row if number != NONE] for row in chosen]
        self._lines = [{"place": one.row.place, "negatives": mine} for one, mine in zip(examples, texts, strict=True)]
        if self._ranks.is_first:
            total = sum(map(len, texts))
            self._say(f"{total:,} hard negatives for {len(examples):,} pairs, from {len(documents):,} texts")
        return [_with(one, mine) for one, mine in zip(examples, texts, strict=True)]

    def keep(self) -> None:
        """Writes what was found, where there is something, to the folder of the run. The first rank calls this.

        Raises:
            OutputError: it cannot be written.
        """
        if self._lines is not None:
            with atomic_file(self._folder.negatives) as file:
                file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in self._lines)

    def _kept(self, examples: Sequence[Example], documents: Sequence[str]) -> list[list[int]] | None:
        """What a run that goes on has found before; None where it has not, or not for these examples."""
        if not self._folder.checkpoint_steps() or not self._folder.negatives.exists():
            return None
        numbers = {text: number for number, text in enumerate(documents)}
        try:
            lines = [json.loads(line) for line in self._folder.negatives.read_text(encoding="utf-8").splitlines()]
            found = [[numbers[text] for text in line["negatives"]] for line in lines]
            same = [line["place"] for line in lines] == [one.row.place for one in examples]
        except (OSError, ValueError, KeyError, TypeError):
            same = False
        if not same or any(len(row) > self._table.negatives for row in found):
            self._say(f"{self._folder.negatives}: not of these examples; negatives are looked for again")
            return None
        return found

    def _mined(self, reader: Reader, examples: Sequence[Example], places: Mapping[str, str]) -> list[list[int]]:
        texts = PairTexts((_text(one, "text"), _text(one, "text_pair")) for one in examples)
        numbers = {texts.number(text): number for number, text in enumerate(places)}
        own_P = torch.tensor([numbers[texts.number(_text(one, "text_pair"))] for one in examples])
        barred = [[numbers[text] for text in texts.together(_text(one, "text")) if text in numbers] for one in examples]
        network = self._source.build_network(reader.task)
        make_network_ready(network, self._ranks.device, torch.float32)
        most = batch_tokens("measure", self._ranks.device.type)
        answerer = Answerer(Engine(TorchBackend(network), reader.task, most), reader)
        firsts = {_text(one, "text"): one.row.place for one in examples}
        vectors = dict(zip(firsts, self._vectors(answerer, firsts), strict=True))
        return hard_negatives(
            torch.stack([vectors[_text(one, "text")] for one in examples]),
            self._vectors(answerer, places),
            own_P.to(self._ranks.device),
            barred,
            self._table.negatives,
            self._table.negatives_ceiling,
        ).tolist()

    def _vectors(self, answerer: Answerer, places: Mapping[str, str]) -> Tensor:
        vectors = unit_vectors(answerer, (Row({"text": text}, place) for text, place in places.items()))
        return torch.from_numpy(vectors).to(self._ranks.device, torch.float32)


def _documents(examples: Sequence[Example]) -> dict[str, str]:
    """The texts that negatives are taken from, the same text once, each with the first place where it stands."""
    found: dict[str, tuple[str, str]] = {}
    for one in examples:
        for field in ("text_pair", "negative"):
            if field in one.row.fields:
                text = _text(one, field)
                found.setdefault(folded(text), (text, one.row.place))
    return dict(found.values())


def _text(example: Example, field: str) -> str:
    return str(example.row.fields[field])


def _with(example: Example, negatives: list[str]) -> Example:
    return replace(example, row=replace(example.row, fields={**example.row.fields, MINED: negatives}))
