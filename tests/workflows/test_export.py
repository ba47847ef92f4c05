"""A model becomes a folder that bertkit and ONNX Runtime alone open, and answers from it as before."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bertkit
from bertkit.config.readout import Final
from bertkit.errors import BadCheckpoint, BadExport, DeviceError, MissingHead, OutputError, UserError
from bertkit.exports.padded_network import PaddedNetwork
from bertkit.workflows import export as exporting
from tests.exports.tiny_models import ROWS, make_small, numbers

TASK = "text-classification"
FORMATS = ["gguf-int8", "openvino-int8", "onnx-int8", "gguf", "torch", "openvino", "onnx"]
FILES = """
    README.md config.json config.pbtxt model-f16.gguf model-q8_0.gguf onnx/model.onnx onnx/model_quantized.onnx
    openvino/openvino_model.bin openvino/openvino_model.xml openvino/openvino_model_qint8_quantized.bin
    openvino/openvino_model_qint8_quantized.xml special_tokens_map.json tokenizer.json tokenizer_config.json
    torch/model.pt2 vocab.txt
""".split()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_small(TASK, tmp_path_factory.mktemp("model"))
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"id2label": {str(i): f"l{i}" for i in range(5)}}))
    return folder


@pytest.fixture(scope="module")
def made(source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bertkit.Exported]:
    folder = tmp_path_factory.mktemp("graphs") / "graph"
    return folder, bertkit.export(source, folder, FORMATS)


@pytest.fixture(scope="module")
def graph(made: tuple[Path, bertkit.Exported]) -> Path:
    return made[0]


def answers(folder: Path, **how: str) -> np.ndarray:  # type: ignore[type-arg]
    results = bertkit.load(folder, **how).predict(ROWS[TASK])  # type: ignore[arg-type]
    by_name = [sorted(result.record()["labels"], key=lambda one: str(one["label"])) for result in results]  # type: ignore[call-overload]
    return np.array([numbers(one) for one in by_name])


def test_what_was_made(made: tuple[Path, bertkit.Exported]) -> None:
    folder, exported = made
    assert sorted(exported.files) == FILES
    assert exported.task == TASK
    assert exported.inputs == ("input_ids", "attention_mask", "token_type_ids")
    assert exported.outputs == ("logits", "scores")
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert set(exported.agreement) == set(FORMATS)
    for kind, found in exported.agreement.items():
        assert found.longest == 29
        assert found.words() in page
        assert found.difference < 1e-5 if kind in ("onnx", "openvino", "torch") else found.cosine > 0.99
        assert json.loads(json.dumps(exported.record()))["agreement"][kind]["texts"] == found.texts


def test_the_graph_answers_as_the_model(source: Path, graph: Path) -> None:
    expected = answers(source, dtype="float32", device="cpu")
    for how in ({}, {"backend": "onnx"}, {"backend": "openvino", "device": "cpu"}, {"dtype": "float32"}):
        np.testing.assert_allclose(answers(graph, **how), expected, atol=1e-5)
    for runtime in ("onnx", "openvino"):
        assert 0 < np.abs(answers(graph, dtype="int8", backend=runtime) - expected).max() < 0.05
    model = bertkit.load(graph)
    assert (model.dtype, model.device, model.max_length) == ("float32", "cpu", 29)
    assert bertkit.load(graph, dtype="int8").predict("w1").record()["dtype"] == "int8"


def test_a_graph_is_measured_like_a_model(source: Path, graph: Path) -> None:
    rows = [{"text": f"w{number} w{number + 1}", "label": f"l{number % 5}"} for number in range(20)]
    found = [bertkit.evaluate(folder, rows, TASK, progress=False, dtype="float32") for folder in (source, graph)]
    assert found[0].metrics == pytest.approx(found[1].metrics, abs=1e-5)


def test_what_needs_weights_says_so(graph: Path, tmp_path: Path) -> None:
    for needs in (
        lambda: bertkit.load(graph, backend="torch"),
        lambda: bertkit.load_encoder(graph),
        lambda: bertkit.load(graph).save(tmp_path / "copy"),
        lambda: bertkit.load(graph).explain("w1"),
        lambda: bertkit.export(graph, tmp_path / "again", "onnx"),
    ):
        with pytest.raises(BadCheckpoint, match="has a graph for another runtime, and no weights"):
            needs()


def test_what_a_folder_has_no_graph_for_says_so(source: Path, graph: Path) -> None:
    with pytest.raises(BadCheckpoint, match=r"no graph for the back end onnx \(graphs: none\)"):
        bertkit.load(source, backend="onnx")
    with pytest.raises(DeviceError, match="no graph in float16"):
        bertkit.load(graph, dtype="float16")
    with pytest.raises(MissingHead, match="gives logits, scores, not token_embeddings or last_hidden_state"):
        bertkit.load(graph, task="sentence-embedding")
    with pytest.raises(UserError, match=r"unknown backend 'onx' \(did you mean 'onnx'\?\)"):
        bertkit.load(graph, backend="onx")
    with pytest.raises(UserError, match="explanations with the back end onnx"):
        bertkit.load(graph, backend="onnx", explainable=True)


def test_the_five_lines_of_the_page_need_nothing_of_bertkit(graph: Path) -> None:
    loader, *others = re.findall(r"```python\n(.*?)```", (graph / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert [len(one.splitlines()) for one in (loader, *others)] == [5, 5, 5]
    check = "import sys; assert not {'torch', 'bertkit', 'transformers'} & set(sys.modules)"
    code = loader.replace("some text", "w3 w4") + check
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=graph, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = eval(done.stdout, {"array": np.array, "float32": np.float32})
    labels = bertkit.load(graph).predict("w3 w4").record()["labels"]
    assert max(found[1][0]) == pytest.approx(labels[0]["score"], abs=1e-6)  # type: ignore[index]


def test_a_graph_answers_where_there_is_no_torch(graph: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from bertkit.cli.main import main\n"
        "for runtime in ('onnx', 'openvino'):\n"
        f"    main(['predict', 'w3', '--json', '-m', {str(graph)!r}, '--backend', runtime])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    labels = bertkit.load(graph).predict("w3").record()["labels"]
    found = [json.loads(line)["labels"] for line in done.stdout.splitlines()]
    assert len(found) == 2, done.stderr
    for one in found:
        assert [label["label"] for label in one] == [label["label"] for label in labels]  # type: ignore[attr-defined]
        assert numbers(one) == pytest.approx(numbers(labels), abs=1e-6)


def test_a_graph_that_computes_something_else_is_not_kept(
    source: Path, graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is that of the model as it was before one of its numbers changed."""

    def written(program: PaddedNetwork, path: Path) -> None:
        path.parent.mkdir()
        shutil.copyfile(graph / "onnx/model.onnx", path)
        program.network.encoder.layers[0].mlp.down.bias.data[0] += 1.0  # type: ignore[union-attr, index]

    monkeypatch.setattr(exporting, "write_onnx", written)
    with pytest.raises(BadExport, match=r"onnx/model.onnx: does not compute what the model computes: differs by"):
        bertkit.export(source, tmp_path / "graph", "onnx")
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_only_others_read_is_compared_too(
    source: Path, graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(program: PaddedNetwork, path: Path) -> None:
        path.parent.mkdir()
        shutil.copyfile(graph / "onnx/model.onnx", path)
        program.final = Final("sigmoid")

    monkeypatch.setattr(exporting, "write_onnx", written)
    with pytest.raises(BadExport, match="the output scores is not what the model computes"):
        bertkit.export(source, tmp_path / "graph", "onnx")


def test_a_place_that_is_taken_is_refused_before_any_work(source: Path, graph: Path) -> None:
    with pytest.raises(OutputError, match="is there already and not empty"):
        bertkit.export(source, graph, "onnx")


def test_a_library_that_is_not_there_is_named(
    source: Path, graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError, match="onnxruntime is not installed") as found:
        bertkit.load(graph)
    assert found.value.remedy == "Install it: pip install 'bertkit[onnx]'."
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(UserError, match="gguf is not installed"):
        bertkit.export(source, tmp_path / "graph", "gguf")
    with pytest.raises(UserError, match="onnx is not installed"):
        bertkit.export(source, tmp_path / "graph", "onnx")
