"""Export, the whole job: a model's network is written as a graph for other programs, tried, and kept if it agrees."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch

from bertkit.checkpoints.folders import atomic_folder
from bertkit.checkpoints.graph_files import FILES, GraphFile, Runtime
from bertkit.config.exporting import ExportConfig, Format
from bertkit.errors import BadExport
from bertkit.exports.folder import write_card, write_companions
from bertkit.exports.gguf_file import Precision, network_of, write_gguf
from bertkit.exports.onnx_graph import write_onnx
from bertkit.exports.onnx_int8 import quantise
from bertkit.exports.openvino_graph import write_openvino
from bertkit.exports.padded_network import PaddedNetwork
from bertkit.exports.tensorrt import unknown_operators
from bertkit.exports.torch_program import write_program
from bertkit.exports.trial import Trial, make_trial
from bertkit.exports.triton import write_triton
from bertkit.inference.backend import Backend
from bertkit.inference.backends import graph_use, open_graph
from bertkit.inference.graph_backend import GraphBackend, GraphUse
from bertkit.inference.program_backend import ProgramBackend
from bertkit.inference.torch_backend import TorchBackend
from bertkit.pretrained.loading import find_folder, open_pretrained
from bertkit.tasks.contract import Task
from bertkit.workflows.agreement import Agreement, agreement
from bertkit.workflows.observer import SILENT, Observer

# How far a graph may be from the model: the largest difference in float32, and in int8 the lowest cosine.
MOST_DIFFERENCE = 1e-4
LEAST_COSINE = 0.95
GRAPHS: Mapping[Format, tuple[Runtime, str]] = MappingProxyType(
    {
        "onnx": ("onnx", "float32"),
        "onnx-int8": ("onnx", "int8"),
        "openvino": ("openvino", "float32"),
        "openvino-int8": ("openvino", "int8"),
        "torch": ("torch", "float32"),
        "gguf": ("gguf", "float16"),
        "gguf-int8": ("gguf", "int8"),
    }
)
WORK = ".float32"  # the folder of what is written on the way


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        task: what the graphs do.
        inputs, outputs: their names.
        files: bytes of each file of the folder.
        agreement: by format, how far the graph agrees with the model.
    """

    source: str
    output: str
    task: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    files: Mapping[str, int]
    agreement: Mapping[Format, Agreement]

    def record(self) -> dict[str, object]:
        """The facts as JSON values."""
        return asdict(self)


def export(config: ExportConfig, observer: Observer = SILENT) -> Exported:
    """Writes a folder with the model's network as a graph, in each of the formats that are asked for.

    Each is computed by its own runtime over texts of all lengths and beside the model, before the folder appears.

    Raises:
        UserError: the libraries for a format are not installed, or the model (a cascade) cannot be exported to it.
        BadExport: a graph does not compute what the model computes; nothing is written.
        OutputError: the place cannot be written, or is a folder with something in it.
        BertkitError: as the model and the task are.
    """
    pretrained = open_pretrained(find_folder(config.model, config.revision, config.task))
    pretrained.check_single("an export")
    tokenizer = pretrained.load_tokenizer()
    task = pretrained.build_task(config.task, tokenizer)
    output = Path(config.output)
    with atomic_folder(output) as made:
        network = pretrained.build_network(task).float().requires_grad_(False)
        program = PaddedNetwork(network, task.final).eval()
        trial = make_trial(tokenizer, pretrained.max_length(task), named=task.readout.rows == "mask")
        exporter = _Exporter(program, task, graph_use(pretrained, task), trial, made)
        write_companions(pretrained, task, tokenizer, made)
        graphs = {kind: exporter.write(kind) for kind in GRAPHS if kind in config.to}  # what others are made of first
        found = {}
        for kind, graph in graphs.items():
            found[kind] = exporter.tried(graph)
            observer.say(f"{graph.path.relative_to(made)}: {found[kind].words()}")
            if kind == "onnx" and (unknown := unknown_operators(graph.path)):
                observer.say(f"{graph.path.relative_to(made)}: TensorRT does not list {', '.join(unknown)}")
        if onnx := next((graph for graph in graphs.values() if graph.runtime == "onnx"), None):
            write_triton(onnx.path, made / "config.pbtxt")
        words = [one.words() for one in found.values()]
        write_card(made, output.resolve().name, task, program.signature, list(graphs.values()), words)
        shutil.rmtree(made / WORK, ignore_errors=True)
    files = sorted(file for file in output.rglob("*") if file.is_file())
    return Exported(
        source=str(pretrained.source),
        output=str(output),
        task=task.name,
        inputs=program.signature.inputs,
        outputs=program.signature.outputs,
        files={file.relative_to(output).as_posix(): file.stat().st_size for file in files},
        agreement=found,
    )


@dataclass(frozen=True, slots=True)
class _Exporter:
    """One network, and the folder that its graphs are written into."""

    program: PaddedNetwork
    task: Task
    use: GraphUse
    trial: Trial
    folder: Path

    def write(self, kind: Format) -> GraphFile:
        """The graph in a format."""
        runtime, dtype = GRAPHS[kind]
        graph = GraphFile(self.folder / FILES[runtime][dtype][0], runtime, dtype)
        if runtime == "gguf":
            precision: Precision = "Q8_0" if dtype == "int8" else "F16"
            write_gguf(self.program.network, self.task, self.task.tokenizer, graph.path, precision)
        elif runtime == "torch":
            write_program(self.program, graph.path)
        elif runtime == "openvino":
            write_openvino(self._float32(), graph.path, int8=dtype == "int8")
        elif dtype == "int8":
            quantise(self._float32(), graph.path)
        else:
            write_onnx(self.program, graph.path)
        return graph

    def _float32(self) -> Path:
        """The plain graph that others are made of: the one that is kept, where it is, else one for the time being."""
        kept, made = (place / FILES["onnx"]["float32"][0] for place in (self.folder, self.folder / WORK))
        if kept.exists():
            return kept
        if not made.exists():
            made.parent.mkdir(parents=True)
            write_onnx(self.program, made)
        return made

    def tried(self, graph: GraphFile) -> Agreement:
        """How far a graph agrees with the network.

        Raises:
            BadExport: less than it must.
        """
        backend = self._opened(graph)
        exact = graph.dtype == "float32"
        try:
            found = agreement(self.use.readout, TorchBackend(self.program.network), backend, self.trial)
            if not (found.difference <= MOST_DIFFERENCE if exact else found.cosine >= LEAST_COSINE):
                raise BadExport(f"{graph.path}: does not compute what the model computes: {found.words()}")
            if isinstance(backend, GraphBackend) and exact:
                self._check_all_outputs(backend)
        finally:
            backend.close()
        return found

    def _opened(self, graph: GraphFile) -> Backend:
        """What computes a graph; of GGUF, which llama.cpp computes, the numbers that the file holds."""
        if graph.runtime == "gguf":
            return TorchBackend(network_of(graph.path, self.program.network))
        if graph.runtime == "torch":
            return ProgramBackend(graph.path, self.use, self.program.signature.inputs, self.program.signature.outputs)
        return open_graph(graph, self.use, device="cpu")

    def _check_all_outputs(self, backend: GraphBackend) -> None:
        """Also those that bertkit itself does not read, over the shortest texts, whose rows are filled up the most."""
        rows = backend.rows(self.trial.batches[-1])
        signature = self.program.signature
        inputs = {name: rows.inputs[name] for name in signature.inputs}
        with torch.inference_mode():
            expected = self.program(*(torch.from_numpy(one) for one in inputs.values()))
        for name, one, other in zip(
            signature.outputs, expected, backend.compute(inputs, signature.outputs), strict=True
        ):
            by_tokens = one.shape[:2] == rows.real_BL.shape
            right, found = (part[rows.real_BL] if by_tokens else part for part in (one.numpy(), other))
            scale = max(1.0, float(np.abs(right).max()))
            if not np.abs(right - found).max() <= MOST_DIFFERENCE * scale:
                raise BadExport(f"{backend.path}: the output {name} is not what the model computes")
