from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import BertForSequenceClassification

import bertkit
from bertkit.checkpoints.embedded import embedded_folder
from bertkit.errors import BertkitError, DeviceError, InputError, TextTooLong, UserError
from bertkit.inference.explain import Explained, Explainer
from bertkit.inference.explanation import (
    AttributionExplanation,
    Explanation,
    HeadsExplanation,
    RolloutExplanation,
)
from bertkit.inference.pipeline import Failure
from bertkit.model.attention_maps import attention_maps
from tests.parity.bert_peer import Sequences, Sizes, make_peer
from tests.parity.task_peers import make_task_peer

NLI = ("contradiction", "neutral", "entailment")
NER = ("O", "B-PER", "I-PER")
TEXT = "paris is w1 a citys w2, w3"


def folder_for(kind: str, tmp_path: Path, **settings: Any) -> Path:
    if kind in ("fill-mask", "next-sentence-prediction", "sentence-embedding"):
        make_peer(Sizes(segment_types=2), tmp_path)
    else:
        make_task_peer(kind, tmp_path, **settings)
    return tmp_path


def load(folder: Path, task: str, **options: Any) -> bertkit.Model:
    return bertkit.load(folder, task=task, explainable=True, **options)


def explained(found: Explained) -> Any:
    assert isinstance(found.explanation, Explanation)
    return found.explanation


# A task, the checkpoint that it is asked of, a row, and what its explanation is called by default.
TASKS: list[tuple[str, str, dict[str, Any], Mapping[str, object]]] = [
    ("text-classification", "text-classification", {}, {"text": TEXT}),
    ("text-classification", "text-classification", {}, {"text": TEXT, "text_pair": "w5 is a city"}),
    ("zero-shot-classification", "text-classification", {"labels": NLI}, {"text": TEXT, "candidate_labels": "w1,w2"}),
    ("text-ranking", "text-classification", {"labels": ("x",)}, {"query": "w1", "documents": ["w2 w3", TEXT]}),
    ("multiple-choice", "multiple-choice", {}, {"text": "w1 is", "choices": ["w2 w3", "a city", "paris"]}),
    ("next-sentence-prediction", "next-sentence-prediction", {}, {"text": "w1 is", "text_pair": "a city"}),
    ("token-classification", "token-classification", {"labels": NER[1:]}, {"text": TEXT}),
    ("question-answering", "question-answering", {}, {"question": "is w3 a", "context": TEXT}),
    ("fill-mask", "fill-mask", {}, {"text": "w1 [MASK] w2 is [MASK] w3"}),
]
IDS = [f"{task}-{number}" for number, (task, *_) in enumerate(TASKS)]


@pytest.mark.parametrize(("task", "kind", "settings", "row"), TASKS, ids=IDS)
def test_every_task_with_a_score_is_explained(
    task: str, kind: str, settings: dict[str, Any], row: Mapping[str, object], tmp_path: Path
) -> None:
    model = load(folder_for(kind, tmp_path, **settings), task)
    plain = bertkit.load(tmp_path, task=task, dtype="float32").predict([row])[0].record()
    (found,) = Explainer(model, "attribution", steps=64).explain([row])
    one = explained(found)
    assert isinstance(one, AttributionExplanation)
    change = one.target_score - one.baseline_score
    assert abs(one.delta) < 0.02 * abs(change) + 1e-3
    record = json.loads(json.dumps(found.record()))
    explanation = record.pop("explanation")
    assert list(record) == list(plain)
    assert sum(explanation["scores"]) == pytest.approx(change + one.delta, abs=1e-6)
    special = [score for score, part in zip(explanation["scores"], explanation["parts"], strict=True) if part is None]
    assert special == [0.0] * len(special)
    assert len(special) >= 2
    words = sum(word["score"] for word in explanation["words"])
    assert words == pytest.approx(sum(explanation["scores"]), abs=1e-6)
    shares = explained(Explainer(model, "rollout").explain([row])[0])
    assert isinstance(shares, RolloutExplanation)
    assert sum(shares.scored.scores) == pytest.approx(1.0, abs=1e-5)
    assert (shares.target, shares.input) == (one.target, one.input)
    heads = explained(Explainer(model, "heads").explain([row])[0])
    assert isinstance(heads, HeadsExplanation)
    assert heads.target_score == pytest.approx(one.target_score, abs=1e-4)
    assert heads.importance_SN.shape == (2, 3)


def test_the_score_is_the_logit_of_the_best_label(tmp_path: Path) -> None:
    peer = make_task_peer("text-classification", tmp_path)
    (found,) = Explainer(load(tmp_path, "text-classification"), "heads").explain([TEXT])
    tokens = load(tmp_path, "text-classification").tokenizer.tokenize([TEXT])[0].ids
    with torch.no_grad():
        logits = peer(input_ids=torch.tensor([[2, *tokens, 3]])).logits[0]
    best = int(logits.argmax())
    assert explained(found).target == ("no", "yes", "maybe")[best]
    assert explained(found).target_score == pytest.approx(float(logits[best]), abs=1e-4)


def test_the_score_of_an_answer_is_its_start_and_its_end(tmp_path: Path) -> None:
    peer = make_task_peer("question-answering", tmp_path)
    row = {"question": "is w3 a", "context": TEXT}
    model = load(tmp_path, "question-answering")
    (found,) = Explainer(model, "heads").explain([row])
    assert explained(found).target == found.record()["answers"][0]["answer"]  # type: ignore[index]
    first, second = (tokens.ids for tokens in model.tokenizer.tokenize([row["question"], TEXT]))
    ids = [2, *first, 3, *second, 3]
    segments = [0] * (len(first) + 2) + [1] * (len(second) + 1)
    with torch.no_grad():
        out = peer(input_ids=torch.tensor([ids]), token_type_ids=torch.tensor([segments]))
    spans = [
        float(out.start_logits[0, start] + out.end_logits[0, end])
        for start in range(len(first) + 2, len(ids) - 1)
        for end in range(start, len(ids) - 1)
    ]
    assert explained(found).target_score == pytest.approx(max(spans), abs=1e-4)
    rollout = explained(Explainer(model, "rollout").explain([row])[0])
    assert all(len(first) + 2 <= position < len(ids) - 1 for position in rollout.read_from)


NAMED = [
    ("text-classification", {}, TASKS[0][3], "yes", "yes", 0),
    ("zero-shot-classification", {"labels": NLI}, TASKS[2][3], "w2", "w2", 1),
    ("text-ranking", {"labels": ("x",)}, TASKS[3][3], "0", "0", 0),
    ("multiple-choice", {}, TASKS[4][3], "2", "2", 2),
    ("next-sentence-prediction", {}, TASKS[5][3], "not_next", "not_next", 0),
    ("fill-mask", {}, TASKS[8][3], "##s", "##s", 0),
]


@pytest.mark.parametrize(("task", "settings", "row", "name", "target", "input"), NAMED, ids=[one[0] for one in NAMED])
def test_the_caller_can_name_the_target(
    task: str, settings: dict[str, Any], row: Mapping[str, object], name: str, target: str, input: int, tmp_path: Path
) -> None:
    kind = "text-classification" if task in ("zero-shot-classification", "text-ranking") else task
    model = load(folder_for(kind, tmp_path, **settings), task)
    (found,) = Explainer(model, "heads", target=name).explain([row])
    assert (explained(found).target, explained(found).input) == (target, input)
    with pytest.raises(UserError, match=r"row 1: no .* (called )?'nowhere'"):
        Explainer(model, "heads", target="nowhere").explain([row])


def test_an_answer_can_be_named_by_its_text(tmp_path: Path) -> None:
    make_task_peer("question-answering", tmp_path)
    model = load(tmp_path, "question-answering")
    row = {"question": "is w3 a", "context": TEXT}
    second = model.predict([row])[0].record()["answers"][1]["answer"]  # type: ignore[index]
    assert explained(Explainer(model, "heads", target=second).explain([row])[0]).target == second


@pytest.mark.parametrize("aggregation", ["first", "average"])
def test_entities_are_the_surest_or_the_one_named(aggregation: str, tmp_path: Path) -> None:
    peer = make_task_peer("token-classification", tmp_path, labels=NER)
    model = load(tmp_path, "token-classification", aggregation=aggregation)
    (found,) = Explainer(model, "heads").explain([TEXT])
    entities: Any = found.record()["entities"]
    surest = max(entities, key=lambda one: one["score"])
    assert explained(found).target == f"PER {surest['text']}"
    named = entities[-1]
    last = explained(Explainer(model, "heads", target=named["text"]).explain([TEXT])[0])
    assert last.target == f"PER {named['text']}"
    tokens = model.tokenizer.tokenize([TEXT], offsets=True)[0]
    assert tokens.offsets is not None
    with torch.no_grad():
        logits = peer(input_ids=torch.tensor([[2, *tokens.ids, 3]])).logits[0]
    read_from = explained(Explainer(model, "rollout", target=named["text"]).explain([TEXT])[0]).read_from
    assert all(named["start"] <= tokens.offsets[place - 1][0] < named["end"] for place in read_from)
    if aggregation == "first":
        assert last.target_score == pytest.approx(float(logits[read_from].max(dim=-1).values.sum()), abs=1e-4)
    else:
        assert len(read_from) == sum(named["start"] <= start < named["end"] for start, _ in tokens.offsets)


def test_a_text_without_the_entity_has_nothing_to_explain(tmp_path: Path) -> None:
    make_task_peer("token-classification", tmp_path, labels=NER)
    model = load(tmp_path, "token-classification")
    first, second = Explainer(model, "attribution", target="nobody").explain([TEXT, "w7"])
    assert first.explanation is None
    assert second.record()["explanation"] is None


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classifier")
    make_task_peer("text-classification", folder)
    return folder


def test_a_row_in_a_batch_is_explained_as_it_is_alone(classifier: Path) -> None:
    chance = np.random.default_rng(0)
    texts = [" ".join(f"w{word}" for word in chance.integers(0, 40, size)) for size in chance.integers(1, 21, 40)]
    model = load(classifier, "text-classification", batch_tokens=300)
    for kind in ("attribution", "rollout", "heads"):
        together = [explained(one).record() for one in Explainer(model, kind, steps=3).explain(texts)]
        for text, one in list(zip(texts, together, strict=True))[::7]:
            alone = explained(Explainer(model, kind, steps=3).explain([text])[0]).record()
            assert list(one) == list(alone)
            for name in ("scores", "importance", "target_score"):
                if name in one:
                    np.testing.assert_allclose(one[name], alone[name], atol=1e-4, rtol=1e-4)


def test_a_rollout_from_the_first_token_is_its_row_of_the_product(classifier: Path) -> None:
    model = load(classifier, "text-classification")
    one = explained(Explainer(model, "rollout").explain([TEXT])[0])
    assert one.read_from == [0]
    ids = [model.tokenizer.id(token) for token in one.scored.tokens]
    batch = Sequences([ids], [[0] * len(ids)]).packed()  # type: ignore[list-item]
    share = np.eye(len(ids))[0]
    for map_NLL in reversed(attention_maps(model.encoder, batch, 0).values()):
        share = 0.5 * share + 0.5 * share @ map_NLL.mean(dim=0).numpy()
    np.testing.assert_allclose(one.scored.scores, share, atol=1e-6)


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ("cls", [0]),
        ("mean", [0, 1, 2]),
        ("lasttoken", [2]),
        (("cls", "lasttoken"), [0, 2]),
        (("cls", "max"), [0, 1, 2]),
    ],
)
def test_embeddings_have_a_rollout_only(pooling: Any, expected: list[int], tmp_path: Path) -> None:
    model = load(folder_for("sentence-embedding", tmp_path), "sentence-embedding", pooling=pooling)
    one = explained(Explainer(model, "rollout").explain(["paris"])[0])
    assert (one.target, one.read_from) == (None, expected)
    for kind, target in (("attribution", None), ("heads", None), ("rollout", "paris")):
        with pytest.raises(UserError, match="sentence-embedding gives a vector, not a score"):
            Explainer(model, kind, target=target)


def test_features_are_rolled_out_from_every_token(tmp_path: Path) -> None:
    model = load(folder_for("sentence-embedding", tmp_path), "feature-extraction")
    assert explained(Explainer(model, "rollout").explain(["paris"])[0]).read_from == [0, 1, 2]


def test_special_tokens_of_a_text_are_kept_and_unknown_words_are_not(classifier: Path) -> None:
    model = load(classifier, "text-classification")
    one = explained(Explainer(model, "attribution").explain(["paris [SEP] zzz [MASK] is"])[0])
    scores = dict(zip(one.scored.tokens, one.scored.scores, strict=True))
    assert one.baseline == "[MASK]"
    assert (scores["[SEP]"], scores["[MASK]"]) == (0.0, 0.0)
    assert scores["[UNK]"] != 0.0


def test_without_a_mask_padding_stands_in(tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(96)]
    make_task_peer("text-classification", tmp_path, vocabulary=["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words[1:]])
    assert explained(Explainer(load(tmp_path, "text-classification")).explain(["w1 w2"])[0]).baseline == "[PAD]"


def test_one_row_has_one_explanation(classifier: Path) -> None:
    explainer = Explainer(load(classifier, "text-classification"), "heads")
    alone, (among,) = explainer.explain("w1 w2"), explainer.explain(["w1 w2"])
    assert explained(alone).target_score == pytest.approx(explained(among).target_score, abs=1e-5)
    found = list(explainer.stream(["w1", None, ("w1", "w2", "w3")], on_error="record"))  # type: ignore[list-item]
    assert [type(one) for one in found] == [Explained, Failure, Failure]
    with pytest.raises(UserError, match="on_error is 'recrod'"):
        explainer.stream("w1", on_error="recrod")  # type: ignore[arg-type]


def test_bad_rows_can_be_recorded(classifier: Path) -> None:
    model = load(classifier, "text-classification")
    stream = list(Explainer(model, "heads").stream(["w1", "", "w2"], on_error="record"))
    assert [type(one) for one in stream] == [Explained, Failure, Explained]
    with pytest.raises(InputError, match="row 2: the text is empty"):
        Explainer(model, "heads").explain(["w1", ""])
    with pytest.raises(TextTooLong, match="row 1: the text has 42 tokens"):
        Explainer(model, "heads").explain(["w1 " * 40])


def test_a_text_whose_end_was_dropped_is_explained_as_it_was_read(classifier: Path) -> None:
    (found,) = Explainer(load(classifier, "text-classification", long="truncate"), "heads").explain(["w1 " * 40])
    assert found.result.reading.truncated


def test_what_cannot_be_explained_is_refused(classifier: Path) -> None:
    model = load(classifier, "text-classification")
    refused: list[tuple[str, Any]] = [
        ("unknown explanation 'atribution' .did you mean 'attribution'", lambda: Explainer(model, "atribution")),
        ("steps is 0", lambda: Explainer(model, steps=0)),
        ("steps is '8'", lambda: Explainer(model, steps="8")),  # type: ignore[arg-type]
        ("target is 5", lambda: Explainer(model, target=5)),  # type: ignore[arg-type]
        ("kind is None", lambda: Explainer(model, None)),  # type: ignore[arg-type]
        ("laid out for answers only", lambda: Explainer(bertkit.load(classifier))),
        ("of one window", lambda: Explainer(load(classifier, "text-classification", long="window"))),
        ("float32, not in bfloat16", lambda: load(classifier, "text-classification", dtype="bfloat16")),
        ("float32, not in int8", lambda: load(classifier, "text-classification", dtype="int8")),
    ]
    for message, attempt in refused:
        with pytest.raises(BertkitError, match=message) as caught:
            attempt()
        assert isinstance(caught.value, DeviceError if "float32" in message else UserError)
    assert load(classifier, "text-classification", dtype="auto").dtype == "float32"


def test_a_tokenizer_without_any_baseline(classifier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(classifier, "text-classification")
    monkeypatch.setattr(model.tokenizer, "specials", replace(model.tokenizer.specials, mask=None, pad=None))
    with pytest.raises(InputError, match="neither a mask nor a padding token"):
        Explainer(model).explain(["w1"])


def test_attributions_of_a_real_model_are_complete(tmp_path: Path) -> None:
    source = embedded_folder()
    torch.manual_seed(0)
    peer = BertForSequenceClassification.from_pretrained(source, num_labels=3)
    torch.nn.init.normal_(peer.classifier.weight, std=0.5)
    peer.save_pretrained(tmp_path)
    shutil.copy(source / "vocab.txt", tmp_path)
    texts = [
        "The old bridge over the river was closed, and nobody knew why.",
        "Good.",
        "She won the final in three sets, but the umpire had been wrong about the last ball.",
    ]
    for found in Explainer(load(tmp_path, "text-classification"), "attribution", steps=64).explain(texts):
        one = explained(found)
        assert abs(one.delta) < 0.002 * abs(one.target_score - one.baseline_score)
