"""The heads and the answers of the tasks equal transformers', on sizes that cannot be confused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from sentence_transformers import CrossEncoder
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedModel, pipeline

import bertkit
from bertkit.inference.model import Model
from bertkit.pretrained.loading import open_pretrained
from bertkit.tasks.text_classification import Value
from tests.parity.bert_peer import Sequences, Sizes, make_peer
from tests.parity.task_peers import change_config, make_task_peer

SIZES = Sizes(layers=3, segment_types=2)
LENGTHS = [5, 23, 5, 1, 16, 2, 2, *range(1, 24)]
ROWS = [("w1 w2 w3", "w4"), ("w9", "w8 w7 w6 w5"), ("paris", "is a city"), ("w0 w1 w2 w3 w4 w5 w6 w7", "w30 w31")]


def assert_close(actual: Tensor, expected: Tensor) -> None:
    assert actual.shape == expected.shape
    error = (actual.double() - expected.double()).abs()
    assert (error <= 1e-5 + 1e-5 * expected.double().abs()).all(), error.max()


def load(folder: Path, **options: object) -> Model:
    return bertkit.load(folder, dtype="float32", device="cpu", **options)  # type: ignore[arg-type]


@torch.inference_mode()
def our_logits(model: Model, sequences: Sequences) -> Tensor:
    batch = sequences.packed()
    head = model.head
    assert head is not None
    logits: Tensor = head(model.encoder(batch), batch.layout, model.encoder)
    return logits


@torch.inference_mode()
def their_row_logits(peer: PreTrainedModel, model: Model, pairs: list[tuple[str, str | None]]) -> Tensor:
    """Logits of texts and pairs, padded to one length, by our tokens and their model."""
    pair = model.tokenizer.template.pair
    single = model.tokenizer.template.single
    ids, segments = [], []
    for first, second in pairs:
        one = model.tokenizer.tokenize([first])[0].ids
        two = model.tokenizer.tokenize([second])[0].ids if second is not None else None
        if two is None:
            ids.append([*single.prefix.ids, *one, *single.suffix.ids])
            segments.append([0] * len(ids[-1]))
        else:
            ids.append([*pair.prefix.ids, *one, *pair.infix.ids, *two, *pair.suffix.ids])
            segments.append([0] * (len(one) + 2) + [1] * (len(two) + 1))
    logits: Tensor = peer(**Sequences(ids, segments).padded()).logits
    return logits


@pytest.mark.parametrize("classes", [1, 3, 7])
def test_text_classification_logits(tmp_path: Path, classes: int) -> None:
    peer = make_task_peer("text-classification", tmp_path, sizes=SIZES, labels=[f"l{i}" for i in range(classes)])
    sequences = Sequences.random(LENGTHS, SIZES)
    with torch.inference_mode():
        assert_close(our_logits(load(tmp_path), sequences), peer(**sequences.padded()).logits)


def test_token_classification_logits(tmp_path: Path) -> None:
    peer = make_task_peer("token-classification", tmp_path, sizes=SIZES, labels=["O", "B-a", "I-a", "B-b", "I-b"])
    sequences = Sequences.random(LENGTHS, SIZES)
    with torch.inference_mode():
        assert_close(our_logits(load(tmp_path), sequences), sequences.unpad(peer(**sequences.padded()).logits))


@pytest.mark.parametrize(
    ("problem", "activation"),
    [
        ("single_label_classification", lambda logits: logits.softmax(-1)),
        ("multi_label_classification", torch.sigmoid),
        (None, lambda logits: logits.softmax(-1)),
    ],
)
def test_labels_and_scores_of_rows(tmp_path: Path, problem: str | None, activation: object) -> None:
    peer = make_task_peer("text-classification", tmp_path, sizes=SIZES, problem_type=problem)
    model = load(tmp_path)
    records = [result.record() for result in model.predict(ROWS)]
    expected = activation(their_row_logits(peer, model, list(ROWS)))  # type: ignore[operator]
    for record, scores in zip(records, expected, strict=True):
        labels = record["labels"]
        found = {label["label"]: label["score"] for label in labels}  # type: ignore[attr-defined]
        assert list(found.values()) == sorted(found.values(), reverse=True)
        assert_close(torch.tensor([found[name] for name in ("no", "yes", "maybe")]), scores)


@pytest.mark.parametrize("says", [["input_ids", "attention_mask"], ["input_ids", "token_type_ids"]], ids=len)
@pytest.mark.parametrize("side", ["left", "right"])
def test_pairs_by_the_tokenizers_own_settings(tmp_path: Path, side: str, says: list[str]) -> None:
    """Whether the model is told of segments, and where a pair is cut, are settings of `tokenizer_config.json`."""
    peer = make_task_peer("text-classification", tmp_path, sizes=SIZES)
    settings = {"tokenizer_class": "BertTokenizer", "model_input_names": says, "truncation_side": side}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    rows = [*ROWS, (" ".join(f"w{i}" for i in range(30)), " ".join(f"w{i}" for i in range(30, 50)))]
    model = load(tmp_path, task="text-classification", long="truncate")
    for row, result in zip(rows, model.predict(rows), strict=True):
        inputs = theirs(*row, truncation=True, max_length=SIZES.positions, return_tensors="pt")
        with torch.inference_mode():
            expected = peer(**inputs).logits.softmax(-1)[0]
        found = {label["label"]: label["score"] for label in result.record()["labels"]}  # type: ignore[attr-defined]
        assert_close(torch.tensor([found[name] for name in ("no", "yes", "maybe")]), expected)


@pytest.mark.parametrize("problem", ["regression", None])
def test_the_value_of_a_regression(tmp_path: Path, problem: str | None) -> None:
    peer = make_task_peer("text-classification", tmp_path, sizes=SIZES, labels=["score"], problem_type=problem)
    model = load(tmp_path)
    values = [result.value for result in model.predict(ROWS) if isinstance(result, Value)]
    assert_close(torch.tensor(values)[:, None], their_row_logits(peer, model, list(ROWS)))


def test_question_answering_logits(tmp_path: Path) -> None:
    peer = make_task_peer("question-answering", tmp_path, sizes=SIZES)
    sequences = Sequences.random(LENGTHS, SIZES)
    with torch.inference_mode():
        out = peer(**sequences.padded())
    expected = sequences.unpad(torch.stack([out.start_logits, out.end_logits], dim=-1))
    assert_close(our_logits(load(tmp_path), sequences), expected)


def test_multiple_choice(tmp_path: Path) -> None:
    peer = make_task_peer("multiple-choice", tmp_path, sizes=SIZES)
    model = load(tmp_path)
    text, choices = "w1 w2 w3", ["w4", "w5 w6 w7 w8", "w9 w10"]
    rows = [[model.tokenizer.tokenize([one])[0].ids for one in (text, choice)] for choice in choices]
    ids = [[2, *one, 3, *two, 3] for one, two in rows]
    padded = Sequences(ids, [[0] * (len(one) + 2) + [1] * (len(two) + 1) for one, two in rows]).padded()
    with torch.inference_mode():
        expected = peer(**{name: tensor[None] for name, tensor in padded.items()}).logits.softmax(-1)[0]
    (record,) = [result.record() for result in model.predict([{"text": text, "choices": choices}])]
    found = {one["index"]: one["score"] for one in record["choices"]}  # type: ignore[attr-defined]
    assert_close(torch.tensor([found[index] for index in range(3)]), expected)


@pytest.mark.filterwarnings("ignore")  # sentence-transformers' own
@pytest.mark.parametrize("activation", ["default", "Sigmoid", "Identity"])
@pytest.mark.parametrize("saved_by", ["transformers", "sentence-transformers", "older sentence-transformers"])
def test_text_ranking(tmp_path: Path, activation: str, saved_by: str) -> None:
    folder = tmp_path / "model"
    make_task_peer("text-classification", folder, sizes=SIZES, labels=["LABEL_0"])
    own = {} if activation == "default" else {"activation_fn": getattr(torch.nn, activation)()}
    named = {"default": "torch.nn.modules.activation.Sigmoid", "Sigmoid": "torch.nn.modules.activation.Sigmoid"}
    name = named.get(activation, "torch.nn.modules.linear.Identity")
    if saved_by == "transformers" and own:
        change_config(folder, sentence_transformers={"version": "4.0.0", "activation_fn": name})
    if saved_by == "older sentence-transformers":
        change_config(folder, sbert_ce_default_activation_function=name)
    peer = CrossEncoder(str(folder), device="cpu", **own)
    if saved_by == "sentence-transformers":
        folder = tmp_path / "saved"
        peer.save_pretrained(str(folder))
    documents = ["w1 w2", "w3", "paris is a city", "w9 w9 w9 w10 w11"]
    expected = peer.rank("w5 w6", documents)
    model = load(folder, task="text-ranking")
    (record,) = [result.record() for result in model.predict([{"query": "w5 w6", "documents": documents}])]
    ranking = record["ranking"]
    assert [one["index"] for one in ranking] == [one["corpus_id"] for one in expected]  # type: ignore[attr-defined]
    ours, theirs = (torch.tensor([float(one["score"]) for one in some]) for some in (ranking, expected))  # type: ignore[attr-defined]
    assert_close(ours, theirs)
    likeliest = open_pretrained(folder).tasks()[0]
    assert likeliest == ("text-classification" if saved_by == "transformers" and not own else "text-ranking")

    model.save(tmp_path / "ours")
    again = CrossEncoder(str(tmp_path / "ours"), device="cpu").rank("w5 w6", documents)
    assert_close(torch.tensor([float(one["score"]) for one in again]), theirs)


@pytest.mark.parametrize("targets", [["w3", "paris", "w9"], ["w3"], ["w1", "w2", "w3", "w4", "w5", "w6", "Paris"]])
def test_targets_of_a_mask_are_scored_as_by_transformers(tmp_path: Path, targets: list[str]) -> None:
    make_peer(SIZES, tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": true, "tokenizer_class": "BertTokenizer"}')
    text = "paris is a [MASK] of w1 w2"
    theirs = pipeline("fill-mask", str(tmp_path), tokenizer=str(tmp_path), device="cpu")(text, targets=targets)
    model = load(tmp_path, task="fill-mask", targets=targets)
    (ours,) = model.predict([text])[0].fills
    assert [fill.id for fill in ours] == [fill["token"] for fill in theirs]
    assert [fill.score for fill in ours] == pytest.approx([fill["score"] for fill in theirs], rel=1e-4)
