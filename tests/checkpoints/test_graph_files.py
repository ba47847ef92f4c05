from __future__ import annotations

from pathlib import Path

from bertkit.checkpoints.graph_files import GraphFile, graph_files


def test_the_names_of_the_hub_and_of_sentence_transformers(tmp_path: Path) -> None:
    names = """
        onnx/model.onnx onnx/model_quantized.onnx onnx/model.onnx_data onnx/notes.txt
        openvino/openvino_model.xml openvino/openvino_model.bin
    """.split()
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert graph_files(tmp_path) == [
        GraphFile(tmp_path / "onnx/model.onnx", "onnx", "float32"),
        GraphFile(tmp_path / "onnx/model_quantized.onnx", "onnx", "int8"),
        GraphFile(tmp_path / "openvino/openvino_model.xml", "openvino", "float32"),
    ]


def test_a_folder_without_one(tmp_path: Path) -> None:
    (tmp_path / "onnx").mkdir()
    assert graph_files(tmp_path) == []
