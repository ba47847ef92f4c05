"""The sets of `benchmarks.finetuning`, out of their publishers' files into files that both sides read.

Texts are JSONL with `text`, `text_pair` and `label`; words with tags are JSONL with `tokens` and `ner_tags`; questions
are a file of SQuAD's. Of a training set a sample may be taken, the same one each time; what is measured on is whole.
"""

from __future__ import annotations

import csv
import gzip
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bertkit.labelled.examples import Tagged
from bertkit.labelled.reading import read_examples

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Dataset:
    """What is learnt, and how.

    Attributes:
        problem: of text-classification.
        read: a file of the publisher's as rows; None where both sides read it as it is.
        train, eval: the publisher's files, in the folder of shared data.
        metric: by which sides are compared, as `bertkit evaluate` names it.
        examples: taken of the training set when nothing else is asked for; 0 takes all.
        dev: to choose the best checkpoint on, where `eval` is a test set and there is a part between.
        padded: tokens to which transformers' own example script of the task pads every input; 0 where it pads each
            batch to its longest.
        longest: tokens of an input at most; questions' contexts become windows.
    """

    task: str
    problem: str | None
    read: Callable[[Path], Rows] | None
    train: str
    eval: tuple[str, ...]
    metric: str
    epochs: int
    examples: int = 0
    padded: int = 128
    longest: int = 512
    doc_stride: int | None = None
    dev: str | None = None


def _lines(path: Path, skip: int = 0) -> Iterator[list[str]]:
    lines = path.read_text(encoding="utf-8").split("\n")[skip:]
    return (line.split("\t") for line in lines if line.strip())


def _sst2(path: Path) -> Rows:
    return [
        {"text": text.strip(), "label": ("negative", "positive")[int(label)]} for text, label in _lines(path, skip=1)
    ]


def _rte(path: Path) -> Rows:
    return [{"text": one, "text_pair": other, "label": label} for _, one, other, label in _lines(path, skip=1)]


def _cola(path: Path) -> Rows:
    return [{"text": text, "label": ("unacceptable", "acceptable")[int(label)]} for _, label, _, text in _lines(path)]


def _sick(path: Path) -> Rows:
    return [{"text": row[1], "text_pair": row[2], "label": row[4].lower()} for row in _lines(path, skip=1)]


def _sick_relatedness(path: Path) -> Rows:
    return [{"text": row[1], "text_pair": row[2], "label": float(row[3])} for row in _lines(path, skip=1)]


def _goemotions(path: Path) -> Rows:
    names = (path.parent / "labels.txt").read_text(encoding="utf-8").split()
    return [{"text": text, "label": [names[int(id)] for id in ids.split(",")]} for text, ids, _ in _lines(path)]


def _clinc150(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return [{"text": row["text"], "label": row["intent"]} for row in csv.DictReader(file)]


def _tagged(path: Path) -> Rows:
    rows: Rows = []
    for example in read_examples(str(path), "token-classification", format="conll"):
        text, target = example.row.fields["text"], example.target
        assert isinstance(text, str)
        assert isinstance(target, Tagged)
        rows.append({"tokens": [text[start:end] for start, end in target.words], "ner_tags": list(target.tags)})
    return rows


_CLASSES = ("text-classification", "single-label")
DATASETS: Mapping[str, Dataset] = {
    "sst2": Dataset(
        *_CLASSES,
        read=_sst2,
        train="glue/SST-2/train.tsv",
        eval=("glue/SST-2/dev.tsv",),
        metric="accuracy",
        epochs=2,
        examples=10_000,
    ),
    "rte": Dataset(
        *_CLASSES, read=_rte, train="glue/RTE/train.tsv", eval=("glue/RTE/dev.tsv",), metric="accuracy", epochs=3
    ),
    "cola": Dataset(
        *_CLASSES,
        read=_cola,
        train="glue/CoLA/in_domain_train.tsv",
        eval=("glue/CoLA/in_domain_dev.tsv", "glue/CoLA/out_of_domain_dev.tsv"),
        metric="matthews_corrcoef",
        epochs=3,
    ),
    "goemotions": Dataset(
        "text-classification",
        "multi-label",
        read=_goemotions,
        train="goemotions/train.tsv",
        eval=("goemotions/dev.tsv",),
        metric="f1_micro",
        epochs=3,
        examples=10_000,
    ),
    "sick": Dataset(
        *_CLASSES,
        read=_sick,
        train="glue/SICK/SICK_train.txt",
        eval=("glue/SICK/SICK_trial.txt",),
        metric="accuracy",
        epochs=3,
    ),
    "sick-relatedness": Dataset(
        "text-classification",
        "regression",
        read=_sick_relatedness,
        train="glue/SICK/SICK_train.txt",
        eval=("glue/SICK/SICK_trial.txt",),
        metric="pearsonr",
        epochs=3,
    ),
    "wnut17": Dataset(
        "token-classification",
        None,
        read=_tagged,
        train="ner/wnut17/wnut17train.conll",
        eval=("ner/wnut17/emerging.dev.conll",),
        metric="entity_f1",
        epochs=4,
        padded=0,
    ),
    "uner-ewt": Dataset(
        "token-classification",
        None,
        read=_tagged,
        train="ner/uner_ewt/en_ewt-ud-dev.iob2",
        eval=("ner/uner_ewt/en_ewt-ud-test.iob2",),
        metric="entity_f1",
        epochs=4,
        padded=0,
    ),
    "clinc150": Dataset(
        *_CLASSES,
        read=_clinc150,
        train="clinc150/train.csv",
        eval=("clinc150/test.csv",),
        metric="accuracy",
        epochs=3,
        dev="clinc150/val.csv",
    ),
    "clinc150-small": Dataset(
        *_CLASSES,
        read=_clinc150,
        train="clinc150/small_train.csv",
        eval=("clinc150/small_test.csv",),
        metric="accuracy",
        epochs=3,
    ),
    "squad": Dataset(
        "question-answering",
        None,
        read=None,
        train="squad/train-v1.1.json.gz",
        eval=("squad/dev-v1.1.json",),
        metric="f1",
        epochs=2,
        examples=20_000,
        padded=384,
        longest=384,
        doc_stride=128,
    ),
}


@dataclass(frozen=True)
class Files:
    """A set as all sides read it."""

    train: Path
    eval: Path
    examples: int
    dev: Path | None = None


def make_files(name: str, data: Path, folder: Path, examples: int | None = None) -> Files:
    """Writes a set's files.

    Args:
        data: the folder of shared data.
        examples: of the training set, drawn at random; 0 for all, None for as many as the set says.
    """
    dataset = DATASETS[name]
    wanted = dataset.examples if examples is None else examples
    folder.mkdir(parents=True, exist_ok=True)
    if dataset.read is None:
        train, count = folder / "train.json", 0
        opened = gzip.decompress((data / dataset.train).read_bytes())
        articles = json.loads(opened)["data"]
        paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
        random.Random(0).shuffle(paragraphs)
        taken = []
        for paragraph in paragraphs:
            if wanted and count >= wanted:
                break
            taken.append(paragraph)
            count += len(paragraph["qas"])
        train.write_text(json.dumps({"version": "1.1", "data": [{"title": "", "paragraphs": taken}]}))
        return Files(train, data / dataset.eval[0], count)
    rows = dataset.read(data / dataset.train)
    if wanted and wanted < len(rows):
        rows = random.Random(0).sample(rows, wanted)
    held_out = [row for path in dataset.eval for row in dataset.read(data / path)]
    files = Files(folder / "train.jsonl", folder / "eval.jsonl", len(rows))
    _write(files.train, rows)
    _write(files.eval, held_out)
    if dataset.dev is None:
        return files
    _write(folder / "dev.jsonl", dataset.read(data / dataset.dev))
    return replace(files, dev=folder / "dev.jsonl")


def _write(path: Path, rows: Rows) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
