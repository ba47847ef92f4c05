"""Hard negatives by the model that training starts from: found once, kept, and read again by a run that goes on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import bertkit
from bertkit.config.finetuning import TaskTable
from bertkit.evaluation.mining import Mining
from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.runs.run_folder import RunFolder
from bertkit.tasks.reading import Reader
from tests.evaluation.small_embedder import ALONE, embedder, pairs

PAIRS = pairs(*((f"w{n} w{n + 1}", f"w{n + 3} w{2 * n}") for n in range(1, 9)), ("w1 w2", "w50 w51"))
TABLE = TaskTable(name="sentence-embedding", negatives=2, negatives_ceiling=1.0)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pretrained, Reader]:
    return embedder(tmp_path_factory.mktemp("model"))


def mined(
    start: tuple[Pretrained, Reader], folder: Path, examples: list[Example] = PAIRS, table: TaskTable = TABLE
) -> tuple[list[list[str]], list[str], Mining]:
    said: list[str] = []
    mining = Mining(start[0], table, RunFolder(folder), ALONE, said.append)
    found = mining.negatives(start[1], examples)
    assert [one.target for one in found] == [one.target for one in examples]
    return [one.row.fields["negatives"] for one in found], said, mining  # type: ignore[misc]


def test_they_are_the_most_alike_of_those_that_do_not_belong(start: tuple[Pretrained, Reader], tmp_path: Path) -> None:
    found, said, _ = mined(start, tmp_path)
    model = bertkit.load(start[0].folder, task="sentence-embedding", dtype="float32")
    firsts, seconds = ([str(one.row.fields[field]) for one in PAIRS] for field in ("text", "text_pair"))
    cosines_PD = np.asarray(model.encode(firsts)) @ np.asarray(model.encode(seconds)).T
    for row, (first, cosines_D) in enumerate(zip(firsts, cosines_PD, strict=True)):
        own = {seconds[place] for place, other in enumerate(firsts) if other == first}
        allowed = [place for place, text in enumerate(seconds) if text not in own and cosines_D[place] < cosines_D[row]]
        best = sorted(allowed, key=lambda place: -cosines_D[place])[:2]
        assert found[row] == [seconds[place] for place in best]
    assert said == [f"{sum(map(len, found))} hard negatives for 9 pairs, from 9 texts"]
    assert sum(map(len, found)) > 5


def test_a_run_that_goes_on_reads_what_it_has_kept(start: tuple[Pretrained, Reader], tmp_path: Path) -> None:
    found, _, mining = mined(start, tmp_path)
    mining.keep()
    path = RunFolder(tmp_path).negatives
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["negatives"] for line in lines] == found
    lines[0]["negatives"] = ["w50 w51"]  # as an earlier model would have had it
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert mined(start, tmp_path)[0] == found, "a run that begins looks for them"
    (tmp_path / "checkpoints/step-00000003").mkdir(parents=True)
    assert mined(start, tmp_path)[0] == [["w50 w51"], *found[1:]]


@pytest.mark.parametrize("damage", ["{", '{"place": "d:1"}', "", '{"place": "d:1", "negatives": ["never seen"]}'])
def test_what_was_kept_for_other_examples_is_not_used(
    damage: str, start: tuple[Pretrained, Reader], tmp_path: Path
) -> None:
    (tmp_path / "checkpoints/step-00000003").mkdir(parents=True)
    RunFolder(tmp_path).negatives.write_text(damage)
    found, said, _ = mined(start, tmp_path)
    assert any(found)
    assert said[0].endswith("not of these examples; negatives are looked for again")


def test_negatives_of_the_user_are_chosen_from_too(start: tuple[Pretrained, Reader], tmp_path: Path) -> None:
    fields = {"text": "w1 w2", "text_pair": "w3 w4", "negative": "w1 w2 w5"}
    found, said, _ = mined(start, tmp_path, [Example(Row(fields, "d:1"), None, "0"), *PAIRS[:2]])
    assert "from 4 texts" in said[-1]
    assert found
