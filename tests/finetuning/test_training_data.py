from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bertkit.config.data_source import RowsInMemory
from bertkit.config.finetuning import FinetuneConfig
from bertkit.errors import ConfigError, InputError, UserError
from bertkit.finetuning.training_data import FinetuningData, data_sha256s, pair_texts
from bertkit.labelled.examples import Example
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.loading import open_pretrained
from bertkit.tasks.reading import Reader
from bertkit.tokenization.windows import LongText
from tests.parity.bert_peer import Sizes, make_peer

LABELLED = [{"text": f"w{n} w{n + 1}", "label": ("no", "yes", "maybe")[n % 3]} for n in range(30)]
PAIRS = [{"text": f"w{n}", "text_pair": f"w{n + 9} w3"} for n in range(12)]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Pretrained:
    folder = tmp_path_factory.mktemp("model")
    make_peer(Sizes(), folder)
    return open_pretrained(folder)


def config(rows: list[dict[str, Any]], task: dict[str, Any] | str, **data: Any) -> FinetuneConfig:
    values = {
        "task": {"name": task} if isinstance(task, str) else task,
        "data": {"train": RowsInMemory("train", rows), **data},
        "run": {"directory": "run"},
    }
    return FinetuneConfig.model_validate(values)


def opened(source: Pretrained, settings: FinetuneConfig, **more: Any) -> FinetuningData:
    return FinetuningData.open(settings, source, source.load_tokenizer(), **more)


def test_labels_are_collected_and_a_share_of_the_examples_is_held_out(source: Pretrained) -> None:
    data = opened(source, config(LABELLED, "text-classification", hold_out=0.2))
    assert (data.problem, data.task.labels) == ("single-label", ("maybe", "no", "yes"))
    assert len(data.train) + len(data.held_out) == 30
    assert len(data.held_out) == 6
    assert [sample.targets["label_B"].item() for sample in data.samples] == [
        data.task.labels.index(str(one.target)) for one in data.train
    ]
    assert data.steps_per_epoch(10) == 3
    assert data.in_words() == (
        "text-classification (single-label), 3 labels: 24 examples to learn from, 6 to measure on"
    )


def test_examples_of_their_own_to_measure_on_have_the_same_labels(source: Pretrained) -> None:
    held_out = RowsInMemory("eval", LABELLED[:4])
    data = opened(source, config(LABELLED, "text-classification", eval=held_out))
    assert (len(data.train), len(data.held_out)) == (30, 4)
    other = RowsInMemory("eval", [{"text": "w1", "label": "yess"}])
    with pytest.raises(InputError, match=r"'yess'.*did you mean 'yes'"):
        opened(source, config(LABELLED, "text-classification", eval=other))


def test_numbers_have_one_label_and_pairs_without_scores_know_what_belongs(source: Pretrained) -> None:
    numbers = [{"text": f"w{n}", "label": n / 7} for n in range(20)]
    data = opened(source, config(numbers, {"name": "text-classification", "problem": "regression"}))
    assert data.task.labels == ("value",)
    belongs = opened(source, config(PAIRS, "sentence-embedding"))
    assert {len(sample.targets["known_X"]) for sample in belongs.samples} == {2}
    texts = pair_texts(belongs.train)
    first = belongs.train[0].row.fields
    assert texts.together(str(first["text"])) == texts.together(str(first["text_pair"]))


def test_masks_are_learnt_from_texts_as_they_stand(source: Pretrained) -> None:
    texts = [{"text": " ".join(f"w{(n + first) % 60}" for n in range(40))} for first in range(4)]
    data = opened(source, config(texts, {"name": "fill-mask", "masking": {"rate": 0.3}}, hold_out=0.25, length=12))
    assert data.masks is not None
    assert all(sample.targets == {} for sample in data.samples)
    assert len(data.samples) == 4 * len(data.train), "forty tokens in windows of ten, none of them twice"
    assert "(12 windows)" in data.in_words()


def test_negatives_are_looked_for_where_they_are_asked_for(source: Pretrained) -> None:
    def mine(reader: Reader, examples: Any) -> list[Example]:
        return list(examples)[:3]

    task = {"name": "sentence-embedding", "negatives": 2}
    assert len(opened(source, config(PAIRS, task), mine=mine).samples) == 3


@pytest.mark.parametrize(
    ("rows", "task", "data", "kind", "said"),
    [
        (LABELLED, "feature-extraction", {}, UserError, "task .feature-extraction. cannot be fine-tuned"),
        (LABELLED, {"name": "text-classification", "masking": {}}, {}, ConfigError, "task.masking is set"),
        (LABELLED, {"name": "text-classification", "negatives": 2}, {}, ConfigError, "task.negatives is 2"),
        (LABELLED, "text-classification", {"length": 24}, ConfigError, "data.length is 24, and the model reads 23"),
        (LABELLED, "text-classification", {"eval": "away.tsv"}, InputError, "away.tsv: no such file"),
        (LABELLED[::3], "text-classification", {}, InputError, "train: "),
        (LABELLED[:1], "text-classification", {}, InputError, "train: "),
    ],
)
def test_what_cannot_be_learnt(
    rows: Any, task: Any, data: Any, kind: type[Exception], said: str, source: Pretrained
) -> None:
    with pytest.raises(kind, match=said):
        opened(source, config(rows, task, **data))


def test_long_texts_are_read_in_windows_unless_something_else_is_said(source: Pretrained) -> None:
    for long, expected in ((None, LongText.WINDOW), ("truncate", LongText.TRUNCATE)):
        assert opened(source, config(LABELLED, "text-classification", long=long)).reader.long == expected


def test_data_is_known_again(tmp_path: Path) -> None:
    path = tmp_path / "eval.tsv"
    path.write_text("a")
    table = config(LABELLED, "text-classification", eval=str(path)).data
    first, second = data_sha256s(table)
    assert first == RowsInMemory("any", LABELLED).sha256
    path.write_text("b")
    assert data_sha256s(table) != [first, second]
    assert data_sha256s(table)[0] == first
