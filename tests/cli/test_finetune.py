"""`bertkit finetune` as a user types it, on a model and examples of a few words."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bertkit.inference.model import load
from bertkit.pretrained.convert import convert
from bertkit.runs.metrics_file import evaluations, read_metrics
from tests.cli.conftest import Ended
from tests.parity.bert_peer import Sizes, make_peer

Run = Callable[..., Ended]
FAST = ("--set", "train.epochs=8", "--set", "train.optimiser.learning_rate=3e-3", "--set", "train.batch_samples=16")


@pytest.fixture(autouse=True)
def _fake_model() -> None:
    """No fake here: what was fine-tuned answers."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    make_peer(Sizes(layers=1, segment_types=2), folder, deviation=0.1)
    return folder


def write_texts(path: Path, count: int, seed: int) -> str:
    """Texts that are good where they say w1, and bad where they say w2."""
    chance = random.Random(seed)
    rows = ["text\tlabel"]
    for number in range(count):
        words = [f"w{chance.randrange(10, 60)}" for _ in range(chance.randrange(1, 9))]
        words.insert(chance.randrange(len(words) + 1), "w1" if number % 2 else "w2")
        rows.append(f"{' '.join(words)}\t{'good' if number % 2 else 'bad'}")
    path.write_text("\n".join(rows) + "\n")
    return str(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("examples")
    return write_texts(folder / "train.tsv", 160, 1), write_texts(folder / "eval.tsv", 40, 2)


def test_a_model_that_has_learnt(run: Run, model: Path, files: tuple[str, str], tmp_path: Path) -> None:
    train, held_out = files
    place = str(tmp_path / "run")
    options = ("--task", "text-classification", "-m", str(model), "--train", train, "--eval", held_out, "-o", place)
    code, out, err = run("finetune", *options, *FAST, "--json")
    assert code == 0, err
    metrics = json.loads(out.splitlines()[-1])["metrics"]
    assert metrics["accuracy"] >= 0.9
    assert "160 examples to learn from, 40 to measure on" in err

    code, out, _ = run("predict", "-m", place, "--json", "w11 w1", "w2 w30")
    best = [json.loads(line)["labels"][0]["label"] for line in out.splitlines()]
    assert (code, best) == (0, ["good", "bad"])
    code, out, _ = run("predict", "-m", place, "-i", held_out, "-o", str(tmp_path / "said.jsonl"))
    assert code == 0
    said = ("--data", held_out, "--predictions", str(tmp_path / "said.jsonl"), "--json")
    code, out, _ = run("evaluate", "--task", "text-classification", *said)
    assert json.loads(out)["metrics"] == metrics
    code, out, _ = run("evaluate", "--task", "text-classification", "-m", place, "--data", held_out, "--json")
    assert json.loads(out)["metrics"] == metrics
    card = (tmp_path / "run/model/README.md").read_text()
    assert f"{metrics['accuracy']:.4f}" in card
    assert "bad, good" in card
    assert str(tmp_path) not in card


def test_the_best_checkpoint_is_kept(run: Run, model: Path, files: tuple[str, str], tmp_path: Path) -> None:
    train, held_out = files
    place = str(tmp_path / "run")
    options = ("--task", "text-classification", "-m", str(model), "--train", train, "--eval", held_out, "-o", place)
    code, out, err = run("finetune", *options, *FAST, "--set", "train.patience=2", "--json")
    assert code == 0, err
    found = [one["accuracy"] for one in evaluations(read_metrics(tmp_path / "run/metrics.jsonl"))]
    assert len(found) < 8, "perfect within a few epochs, so nothing gets better any more"
    assert json.loads(out.splitlines()[-1])["metrics"]["accuracy"] == max(found)
    code, out, err = run("finetune", *options, *FAST, "--set", "train.patience=2", "--json")
    assert code == 0, err
    assert "going on after step" in err
    assert len(evaluations(read_metrics(tmp_path / "run/metrics.jsonl"))) == len(found)


def test_a_tenth_is_held_out(run: Run, model: Path, files: tuple[str, str], tmp_path: Path) -> None:
    options = ("--task", "text-classification", "-m", str(model), "--train", files[0], "-o", str(tmp_path / "run"))
    code, _, err = run("finetune", *options, "--set", "train.epochs=1")
    assert code == 0, err
    assert "144 examples to learn from, 16 to measure on" in err
    code, out, err = run("runs", str(tmp_path / "run"), "--json")
    assert code == 0, err
    [record] = map(json.loads, out.splitlines())
    assert (record["task"], record["state"], record["best_by"]) == ("text-classification", "finished", "accuracy")
    assert (record["step"], record["steps"], record["samples"]) == (5, 5, 144)
    measured = evaluations(read_metrics(tmp_path / "run/metrics.jsonl"))
    assert [one["step"] for one in measured] == [0, 5], "before the first step, and after the last"


def test_labels_of_their_own_begin_at_their_shares(run: Run, model: Path, tmp_path: Path) -> None:
    rows = [
        {"text": f"w{n % 50 + 5}", "label": ["often"] * (n % 10 > 0) + ["rarely"] * (n % 20 == 3)} for n in range(80)
    ]
    (tmp_path / "train.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    files = ("--train", str(tmp_path / "train.jsonl"), "--eval", str(tmp_path / "train.jsonl"))
    still = ("--set", "train.epochs=1", "--set", "train.optimiser.learning_rate=1e-9", "-o", str(tmp_path / "run"))
    code, _, err = run("finetune", "--task", "text-classification", "-m", str(model), *files, *still)
    assert code == 0, err
    code, out, err = run("predict", "-m", str(tmp_path / "run"), "--json", "w9")
    assert code == 0, err
    scores = {one["label"]: one["score"] for one in json.loads(out)["labels"]}
    assert scores == {"often": pytest.approx(0.9, abs=0.05), "rarely": pytest.approx(0.05, abs=0.03)}


def test_entities(run: Run, model: Path, tmp_path: Path) -> None:
    chance = random.Random(1)
    sentences = []
    for _ in range(200):
        words = [f"w{chance.randrange(5, 60)} O" for _ in range(chance.randrange(1, 6))]
        words.insert(chance.randrange(len(words) + 1), "w3 B-LOC\nw4 I-LOC" if chance.random() < 0.5 else "w2 B-PER")
        sentences.append("\n".join(words))
    (tmp_path / "train.conll").write_text("\n\n".join(sentences) + "\n")
    place = str(tmp_path / "run")
    options = (
        "--task",
        "token-classification",
        "-m",
        str(model),
        "--train",
        str(tmp_path / "train.conll"),
        "-o",
        place,
    )
    code, out, err = run("finetune", *options, *FAST, "--json")
    assert code == 0, err
    assert json.loads(out.splitlines()[-1])["metrics"]["entity_f1"] >= 0.9
    code, out, _ = run("predict", "-m", place, "--json", "w7 w3 w4 w2")
    assert [(one["label"], one["text"]) for one in json.loads(out)["entities"]] == [("LOC", "w3 w4"), ("PER", "w2")]


def test_answers(run: Run, model: Path, tmp_path: Path) -> None:
    chance = random.Random(1)
    rows = []
    for number in range(120):
        words = [f"w{chance.randrange(5, 60)}" for _ in range(6)]
        if has := number % 4 > 0:
            words[chance.randrange(6)] = "w1"
        answers = {"text": ["w1"], "answer_start": [" ".join(words).split("w1")[0].__len__()]} if has else {}
        rows.append(
            {"question": "w2", "context": " ".join(words), "answers": answers or {"text": [], "answer_start": []}}
        )
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    options = ("--task", "question-answering", "-m", str(model), "--train", str(tmp_path / "train.jsonl"))
    code, out, err = run("finetune", *options, "-o", str(tmp_path / "run"), *FAST, "--json")
    assert code == 0, err
    assert json.loads(out.splitlines()[-1])["metrics"]["f1"] >= 80


def write_rows(path: Path, rows: list[dict[str, object]]) -> str:
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


def words(chance: random.Random, *first: str) -> str:
    return " ".join([*first, *(f"w{chance.randrange(20, 60)}" for _ in range(3))])


@pytest.mark.parametrize("scored", [True, False])
def test_embeddings(scored: bool, run: Run, model: Path, tmp_path: Path) -> None:
    """Made-up pairs: texts belong together that begin alike."""
    chance = random.Random(1)
    rows: list[dict[str, object]] = []
    for number in range(160):
        one, two = f"w{number % 16}", f"w{chance.randrange(16)}"
        pair: dict[str, object] = {"text": words(chance, one, one, one)}
        if scored:
            two = one if chance.random() < 0.5 else two
            pair |= {"text_pair": words(chance, two, two, two), "score": 5.0 if one == two else 1.0}
        else:
            pair |= {"text_pair": words(chance, one, one, one)}
        rows.append(pair)
    train, place = write_rows(tmp_path / "train.jsonl", rows), str(tmp_path / "run")
    code, out, err = run(
        "finetune", "--task", "sentence-embedding", "-m", str(model), "--train", train, "-o", place, *FAST, "--json"
    )
    assert code == 0, err
    assert ("scores from 1 to 5 are scaled to cosines from 0 to 1" in err) is scored
    metrics = json.loads(out.splitlines()[-1])["metrics"]
    assert metrics["spearmanr"] > 0.6 if scored else metrics["mrr"] > 0.4
    code, out, _ = run("predict", "-m", place, "--json", "w7 w7 w7 w30", "w7 w7 w7 w31", "w9 w9 w9 w31")
    one, two, other = (json.loads(line)["embedding"] for line in out.splitlines())
    if scored:
        code, out, err = run("evaluate", "--task", "sentence-embedding", "-m", place, "--data", train, "--json")
        assert "scores from 1 to 5 are scaled" in err
        assert json.loads(out)["metrics"]["spearmanr"] > 0.6
        assert json.loads(out)["metrics"]["mean_squared_error"] < 1
    assert dot(one, two) > dot(two, other)


def dot(one: list[float], other: list[float]) -> float:
    return sum(x * y for x, y in zip(one, other, strict=True))


def test_rankings(run: Run, model: Path, tmp_path: Path) -> None:
    """Made-up queries: a document answers that says w1."""
    chance = random.Random(1)
    rows: list[dict[str, object]] = []
    for number in range(80):
        documents = [words(chance, "w2"), words(chance, "w2"), words(chance, "w2")]
        documents[number % 3] = words(chance, "w1")
        labels = [float(place == number % 3) for place in range(3)]
        rows.append({"query": words(chance), "documents": documents, "labels": labels})
    train, place = write_rows(tmp_path / "train.jsonl", rows), str(tmp_path / "run")
    options = ("--task", "text-ranking", "-m", str(model), "--train", train, "-o", place)
    code, out, err = run("finetune", *options, *FAST, "--json")
    assert code == 0, err
    assert " documents), " in err
    assert json.loads(out.splitlines()[-1])["metrics"]["ndcg_at_10"] > 0.9
    asked = write_rows(tmp_path / "asked.jsonl", [{"query": "w30", "documents": ["w2 w40", "w1 w41"]}])
    code, out, _ = run("predict", "-m", place, "--task", "text-ranking", "--json", "-i", asked)
    assert json.loads(out)["ranking"][0]["index"] == 1


def test_choices(run: Run, model: Path, tmp_path: Path) -> None:
    """Made-up choices: right is the one that says w1."""
    chance = random.Random(1)
    rows: list[dict[str, object]] = []
    for number in range(120):
        choices = [words(chance, "w2") for _ in range(3)]
        choices[number % 3] = words(chance, "w1")
        rows.append({"text": words(chance), "choices": choices, "label": number % 3})
    train, place = write_rows(tmp_path / "train.jsonl", rows), str(tmp_path / "run")
    options = ("--task", "multiple-choice", "-m", str(model), "--train", train, "-o", place)
    code, out, err = run("finetune", *options, *FAST, "--json")
    assert code == 0, err
    assert json.loads(out.splitlines()[-1])["metrics"]["accuracy"] > 0.9


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--task", "text-clasification"), "did you mean 'text-classification'"),
        (("--task", "feature-extraction"), "'feature-extraction' cannot be fine-tuned"),
        (("--train", "gone.tsv"), "gone.tsv: no such file"),
        (("--set", "train.epoch=3"), "unknown key 'train.epoch' (did you mean 'epochs'?)"),
        (("--set", "train.best_by=acuracy"), "did you mean 'accuracy'"),
        (("--set", "model.frozen_layers=3"), "model.frozen_layers is 3, and the encoder has 1"),
        (("--set", "data.length=900"), "data.length is 900, and the model reads 23 tokens"),
        (("--label-column", "sentiment"), "no column 'sentiment'"),
        (("--problem", "regression"), ":2: "),
    ],
)
def test_what_cannot_be_learnt(
    options: tuple[str, ...], words: str, run: Run, model: Path, files: tuple[str, str], tmp_path: Path
) -> None:
    given = {"--task": "text-classification", "-m": str(model), "--train": files[0], "--eval": files[1]}
    given |= {"-o": str(tmp_path / "run"), options[0]: options[1]}
    line = [part for pair in given.items() for part in pair]
    code, _, err = run("finetune", *line, "--set", "train.epochs=0.1")
    assert code == 2
    assert words in err
    assert "Traceback" not in err


def test_a_label_of_the_eval_file_alone(run: Run, model: Path, files: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "eval.tsv").write_text("text\tlabel\nw1\tgod\n")
    options = ("--train", files[0], "--eval", str(tmp_path / "eval.tsv"), "-o", str(tmp_path / "run"))
    code, _, err = run("finetune", "--task", "text-classification", "-m", str(model), *options)
    assert code == 2
    assert f"eval.tsv:2: the label 'god' is in no example of {files[0]} (did you mean 'good'?)" in err


def test_lora(run: Run, model: Path, files: tuple[str, str], tmp_path: Path) -> None:
    train, held_out = files
    place = str(tmp_path / "run")
    options = ("--task", "text-classification", "-m", str(model), "--train", train, "--eval", held_out, "-o", place)
    code, out, err = run("finetune", *options, *FAST, "--set", "model.lora.rank=4", "--json")
    assert code == 0, err
    assert json.loads(out.splitlines()[-1])["metrics"]["accuracy"] >= 0.9
    answers = []
    for folder in ("model", "adapter"):
        code, out, err = run("predict", "-m", f"{place}/{folder}", "--json", "-i", held_out)
        assert code == 0, err
        answers.append([json.loads(line)["labels"][0] for line in out.splitlines()])
    for merged, adapted in zip(*answers, strict=True):
        assert merged["label"] == adapted["label"]
        assert merged["score"] == pytest.approx(adapted["score"], abs=1e-5)
    load(f"{place}/adapter").save(tmp_path / "saved")
    code, out, err = run("predict", "-m", str(tmp_path / "saved"), "--json", "-i", held_out)
    assert code == 0, err
    saved = [json.loads(line)["labels"][0]["score"] for line in out.splitlines()]
    assert saved == pytest.approx([answer["score"] for answer in answers[1]], abs=1e-5)
    known = {"problem": "single-label", "temperature": 500.0, "examples": 99, "error_before": 0.5, "error_after": 0.1}
    (tmp_path / "run/adapter/bertkit_calibration.json").write_text(json.dumps(known))
    code, out, err = run("predict", "-m", f"{place}/adapter", "--json", "w1")
    assert json.loads(out)["labels"][0]["score"] < 0.6, "an adapter is calibrated by itself"
    weights = model / "model.safetensors"
    kept = weights.read_bytes()
    try:
        weights.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        code, _, err = run("predict", "-m", f"{place}/adapter", "w1")
    finally:
        weights.write_bytes(kept)
    assert code == 2
    assert "was trained on other weights" in err


def test_lora_of_an_embedder_and_of_a_ranker(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The adapter answers as the merged model does, from another folder too: prompt, pooling, length, scores."""
    embedder = tmp_path / "embedder"
    convert(model, embedder, "sentence-transformers", {"pooling": "cls", "max_length": 12})
    settings = {"prompts": {"q": "w5 ", "p": "w6 "}, "default_prompt_name": "p"}
    (embedder / "config_sentence_transformers.json").write_text(json.dumps(settings))
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("text\ttext_pair\n" + "".join(f"w{n} w1\tw{n} w2\n" for n in range(10, 60)))
    rankings = tmp_path / "rankings.jsonl"
    ranked = [{"query": f"w{n}", "documents": [f"w1 w{n}", f"w2 w{n}"], "labels": [1, 0]} for n in range(9, 40)]
    rankings.write_text("".join(json.dumps(row) + "\n" for row in ranked))
    short = ("--set", "train.epochs=1", "--set", "model.lora.rank=2")
    monkeypatch.chdir(tmp_path)
    for task, base, train, asked in (
        ("sentence-embedding", "embedder", pairs, {"text": "w1 w30"}),
        ("text-ranking", str(model), rankings, {"query": "w1", "documents": ["w1 w9", "w2 w8"]}),
    ):
        code, _, err = run("finetune", "--task", task, "-m", base, "--train", str(train), "-o", task, *short)
        assert code == 0, err
        merged, adapted = (load(f"{task}/{part}", dtype="float32") for part in ("model", "adapter"))
        assert merged.task.name == adapted.task.name == task
        assert merged.max_length == adapted.max_length == (12 if task == "sentence-embedding" else 23)
        before, after = (one.predict([asked])[0].record() for one in (merged, adapted))
        assert flattened(before) == pytest.approx(flattened(after), abs=1e-5)
        (tmp_path / "elsewhere").mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / "elsewhere")
        (again,) = load(f"../{task}/adapter", dtype="float32").predict([asked])
        assert flattened(again.record()) == pytest.approx(flattened(after), abs=1e-6)
        monkeypatch.chdir(tmp_path)
    one, other = (load("sentence-embedding/adapter", prompt=name).predict(["w1"])[0].record() for name in "pq")
    assert flattened(one) != pytest.approx(flattened(other), abs=1e-3)


def flattened(record: Mapping[str, Any]) -> list[float]:
    """The numbers of an embedding, or of a ranking."""
    return list(record["embedding"]) if "embedding" in record else [one["score"] for one in record["ranking"]]


def test_one_way_of_learning_a_part(run: Run, model: Path, files: tuple[str, str], tmp_path: Path) -> None:
    options = ("--task", "text-classification", "-m", str(model), "--train", files[0], "-o", str(tmp_path / "run"))
    code, _, err = run("finetune", *options, "--set", "model.head_only=true", "--set", "model.lora.rank=4")
    assert code == 2
    assert "lora, frozen_layers and head_only exclude one another" in err


def test_only_the_head_learns(run: Run, model: Path, files: tuple[str, str], tmp_path: Path) -> None:
    from bertkit.pretrained.loading import load_encoder

    options = ("--task", "text-classification", "-m", str(model), "--train", files[0], "-o", str(tmp_path / "run"))
    code, _, err = run(
        "finetune", *options, "--set", "model.head_only=true", "--epochs", "1", "--set", "model.probe=false"
    )
    assert code == 0, err
    before, after = load_encoder(model).state_dict(), load_encoder(tmp_path / "run").state_dict()
    changed = {name for name, tensor in after.items() if not before[name].equal(tensor)}
    assert changed == {"pooler.dense.weight", "pooler.dense.bias"}


def pairs(count: int) -> list[dict[str, object]]:
    """Pairs about one of eight words each."""
    chance = random.Random(1)
    rows: list[dict[str, object]] = []
    for number in range(count):
        word = f"w{10 + number % 8}"
        rows.append({"text": words(chance, *[word] * 6), "text_pair": words(chance, *[word] * 5)})
    return rows


def test_hard_negatives_are_looked_for_once(run: Run, model: Path, tmp_path: Path) -> None:
    rows = pairs(48)
    rows[1] |= {"text": rows[0]["text"]}  # so that its second text belongs to the first one of the other, too
    train, held_out = write_rows(tmp_path / "train.jsonl", rows), write_rows(tmp_path / "eval.jsonl", pairs(16))
    place = tmp_path / "run"
    options = ("--task", "sentence-embedding", "-m", str(model), "--train", train, "--eval", held_out, "-o", str(place))
    several = ("--set", "task.negatives=3", "--set", "task.negatives_ceiling=1.0", "--set", "train.epochs=1")
    code, _, err = run("finetune", *options, *several)
    assert code == 0, err
    assert "hard negatives for 48 pairs, from 48 texts" in err
    found = [json.loads(line) for line in (place / "negatives.jsonl").read_text().splitlines()]
    assert [line["place"] for line in found] == [f"{train}:{number}" for number in range(1, 49)]
    seconds = {str(row["text_pair"]): row for row in rows}
    for row, line in zip(rows, found, strict=True):
        assert all(text in seconds for text in line["negatives"])
        assert row["text_pair"] not in line["negatives"]
    for other in (rows[0], rows[1]):
        assert not {rows[0]["text_pair"], rows[1]["text_pair"]} & set(found[rows.index(other)]["negatives"])
    alike = [
        text.split()[0] == str(row["text"]).split()[0]
        for row, line in zip(rows, found, strict=True)
        for text in line["negatives"]
    ]
    assert sum(alike) > 0.6 * len(alike), "a tenth by chance"

    found[5]["negatives"] = found[7]["negatives"][:1]
    (place / "negatives.jsonl").write_text("".join(json.dumps(line) + "\n" for line in found))
    code, _, err = run("finetune", *options, *several)
    assert code == 0, err
    assert [json.loads(line) for line in (place / "negatives.jsonl").read_text().splitlines()] == found
    (place / "negatives.jsonl").write_text("{}\n")
    code, _, err = run("finetune", *options, *several)
    assert code == 0, err
    assert "not of these examples; negatives are looked for again" in err


def test_only_pairs_have_hard_negatives(run: Run, model: Path, files: tuple[str, str], tmp_path: Path) -> None:
    scored = write_rows(tmp_path / "a.jsonl", [row | {"score": at % 5} for at, row in enumerate(pairs(8))])
    for task, train in (("text-classification", files[0]), ("sentence-embedding", scored)):
        options = ("--task", task, "-m", str(model), "--train", train, "-o", str(tmp_path / "run"))
        code, _, err = run("finetune", *options, "--set", "task.negatives=3")
        assert code == 2
        assert "only sentence-embedding of pairs without scores learns from negatives" in err
