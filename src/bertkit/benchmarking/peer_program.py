"""A peer of bertkit as a contestant: a script for any Python that has the peer's library, and that needs no bertkit.

    python peer_program.py transformers|onnxruntime|openvino

The first line on standard input is JSON: the hub's `config`, `kind`, `precision`, `threads`, `device`. The answer is
`{"version": …}`, or `{"cannot": why}`. Every further line is a round, a list of batches, each a list of lengths; the
answer is `{"seconds": …}`, or `{"no_memory": true}`. Texts are filled up to the longest of their batch.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

LABELS = 2
Rows = tuple["torch.Tensor", "torch.Tensor"]  # ids and mask
Run = Callable[["torch.Tensor", "torch.Tensor"], object]


class Cannot(Exception):
    """The peer has no such work or precision."""


def transformers_run(setup: dict[str, Any]) -> tuple[str, Run]:
    """transformers' own model, for answers and for steps of AdamW."""
    import torch
    import transformers

    dtype, device = getattr(torch, setup["precision"], None), setup["device"]
    if not isinstance(dtype, torch.dtype) or setup["precision"] == "int8":
        raise Cannot(f"has no {setup['precision']}")
    if setup["kind"] == "inference":
        model = _model(setup, transformers.AutoModel).eval().to(device=device, dtype=dtype)
        return transformers.__version__, torch.inference_mode()(
            lambda ids, mask: model(input_ids=ids.to(device), attention_mask=mask.to(device))
        )
    setup["config"]["num_labels"] = LABELS
    learner = _model(setup, transformers.AutoModelForSequenceClassification).train().to(device)
    optimiser = torch.optim.AdamW(learner.parameters(), lr=1e-4)

    def step(ids: torch.Tensor, mask: torch.Tensor) -> None:
        labels = torch.zeros(len(ids), dtype=torch.long, device=device)
        with torch.autocast(device, dtype, enabled=dtype != torch.float32):
            loss = learner(input_ids=ids.to(device), attention_mask=mask.to(device), labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()

    return transformers.__version__, step


def onnxruntime_run(setup: dict[str, Any]) -> tuple[str, Run]:
    """The same model, exported and run by ONNX Runtime; int8 by its dynamic quantisation per channel."""
    import onnxruntime

    _only(setup, "float32", "int8")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = setup["threads"]
    with tempfile.TemporaryDirectory() as folder:
        path = _exported(setup, Path(folder))
        if setup["precision"] == "int8":
            from onnxruntime.quantization import QuantType, quantize_dynamic

            quantize_dynamic(path, path.with_name("int8.onnx"), per_channel=True, weight_type=QuantType.QInt8)
            path = path.with_name("int8.onnx")
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    return onnxruntime.__version__, lambda ids, mask: session.run(
        None, dict(zip(names, (ids.numpy(), mask.numpy()), strict=True))
    )


def openvino_run(setup: dict[str, Any]) -> tuple[str, Run]:
    """The same model, converted and run by OpenVINO."""
    import openvino
    import torch
    import transformers

    _only(setup, "float32", "bfloat16")
    model = _model(setup, transformers.AutoModel).eval()
    example = {name: torch.ones(2, 8, dtype=torch.long) for name in ("input_ids", "attention_mask")}
    hint = {"float32": "f32", "bfloat16": "bf16"}[setup["precision"]]
    settings = {
        "INFERENCE_PRECISION_HINT": hint,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": setup["threads"],
    }
    with torch.no_grad():
        compiled = openvino.compile_model(openvino.convert_model(model, example_input=example), "CPU", settings)
    names = [one.get_any_name() for one in compiled.inputs]
    given = {"input_ids": 0, "attention_mask": 1}
    return openvino.__version__, lambda ids, mask: compiled(
        [(ids.numpy(), mask.numpy())[given[name]] for name in names]
    )


PEERS: dict[str, Callable[[dict[str, Any]], tuple[str, Run]]] = {
    "transformers": transformers_run,
    "onnxruntime": onnxruntime_run,
    "openvino": openvino_run,
}


def _model(setup: dict[str, Any], kind: Any) -> Any:
    import torch
    import transformers

    torch.manual_seed(0)
    return kind.from_config(transformers.AutoConfig.for_model(**setup["config"]))


def _only(setup: dict[str, Any], *precisions: str) -> None:
    if setup["kind"] != "inference":
        raise Cannot("does not train")
    if setup["precision"] not in precisions or setup["device"] != "cpu":
        raise Cannot(f"has no {setup['precision']} on {setup['device']} here")


def _exported(setup: dict[str, Any], folder: Path) -> Path:
    """The model as ONNX, for any number of texts and any length."""
    import torch
    import transformers

    model = _model(setup, transformers.AutoModel).eval()
    path, dim = folder / "model.onnx", torch.export.Dim.DYNAMIC
    example = {name: torch.ones(2, 8, dtype=torch.long) for name in ("input_ids", "attention_mask")}
    shapes = {name: {0: dim, 1: dim} for name in example}
    torch.onnx.export(model, (), path, kwargs=example, dynamic_shapes=shapes, dynamo=True, verbose=False)
    return path


def padded(lengths: list[int], vocabulary: int) -> Rows:
    """Random ids, and which of them are text."""
    import torch

    chance = torch.Generator().manual_seed(sum(lengths))
    ids = torch.randint(vocabulary, (len(lengths), max(lengths)), generator=chance)
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    return ids * mask, mask


def seconds_of(run: Run, batches: list[list[int]], vocabulary: int, wait: Callable[[], None]) -> float:
    """How long a round takes, the making of its batches not counted."""
    made = [padded(lengths, vocabulary) for lengths in batches]
    wait()
    start = time.perf_counter()
    for ids, mask in made:
        run(ids, mask)
    wait()
    return time.perf_counter() - start


def take_part(name: str, lines: Iterator[str], answer: Callable[[dict[str, Any]], None]) -> None:
    """Answers line by line until there are no more."""
    setup = json.loads(next(lines))
    import torch

    torch.set_num_threads(setup["threads"])
    wait = torch.cuda.synchronize if setup["device"] == "cuda" else lambda: None
    try:
        version, run = PEERS[name](setup)
    except (Cannot, ImportError) as error:
        answer({"cannot": f"is not installed: {error}" if isinstance(error, ImportError) else str(error)})
        return
    answer({"version": version})
    for line in lines:
        try:
            answer({"seconds": seconds_of(run, json.loads(line), setup["config"]["vocab_size"], wait)})
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "memory" not in str(error):
                raise
            answer({"no_memory": True})


def main(name: str) -> None:
    """Takes part, by standard input and output."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print, too, and not into the answers
    take_part(name, iter(sys.stdin.readline, ""), lambda values: print(json.dumps(values), file=answers, flush=True))


if __name__ == "__main__":
    main(sys.argv[1])
