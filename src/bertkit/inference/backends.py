"""Which back end computes a model: torch where there are weights, else what its folder has a graph for. Torch-free."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import Field
from typing_extensions import TypedDict

from bertkit.checkpoints.graph_files import GraphFile, graph_files
from bertkit.errors import BadCheckpoint, DeviceError, UserError, near_match
from bertkit.inference.backend import Backend
from bertkit.inference.cascade_backend import CascadeBackend, Student
from bertkit.inference.graph_backend import GraphBackend, GraphUse
from bertkit.inference.onnx_backend import OnnxBackend
from bertkit.inference.openvino_backend import OpenVinoBackend
from bertkit.inference.rereading import Rereading
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.tasks.contract import Task

BackendName = Literal["auto", "torch", "onnx", "openvino"]
MakeBackend: TypeAlias = Callable[[Pretrained, Task], Backend]
BatchTokens = Annotated[int, Field(ge=1)]


class RunOptions(TypedDict, total=False):
    """How a model runs, where `load` is to be told.

    Attributes:
        batch_tokens: most tokens of one batch; None, or left out, chooses for the device.
        explainable: prepare the model for `bertkit.inference.explain`: float32, gradients, slower.
        invariant: no bit of an answer depends on the other texts of its batch; on a CPU, slower.
        backend: what computes the network: `auto`, `torch`, `onnx`, `openvino`, or what makes it of an open checkpoint.
    """

    batch_tokens: BatchTokens | None
    explainable: bool
    invariant: bool
    backend: str | MakeBackend | None


def open_backend(
    pretrained: Pretrained,
    task: Task,
    backend: str | MakeBackend | None = "auto",
    *,
    dtype: str = "auto",
    device: str = "auto",
    explainable: bool = False,
    invariant: bool = False,
) -> Backend:
    """What computes a model for a task.

    Args:
        backend: its name, or what makes it; `auto` is torch where there are weights, else what there is a graph for.
        dtype, device: as `bertkit.load` has them.
        explainable: leave weights laid out so that gradients flow.
        invariant: no bit of an answer depends on the batch; torch on a CPU can have it so.

    Raises:
        UserError: no such back end, or its library is not installed.
        BadCheckpoint: the folder has no graph for it, or only for another.
        DeviceError: the device or precision is not there.
        MissingHead: the graph, or the checkpoint, does not give what the task reads.
    """
    if invariant and backend not in (None, "auto", "torch"):
        raise UserError("only torch's last bits can be held", "Leave the back end out, or choose --backend torch.")
    if callable(backend):
        return backend(pretrained, task)
    name = backend or "auto"
    if name not in get_args(BackendName):
        raise UserError(
            f"unknown backend {name!r}{near_match(name, get_args(BackendName))}",
            f"Choose {', '.join(get_args(BackendName))}.",
        )
    cascade = None if explainable else pretrained.cascade
    if cascade is not None and (task.name, task.problem) == (cascade.settings.task, cascade.settings.problem):
        open_like = partial(open_backend, backend=name, dtype=dtype, device=device, invariant=invariant)
        student = open_student(cascade.student, task, cascade.settings.scale, open_like)
        teacher = open_like(replace(pretrained, cascade=None), task)
        return CascadeBackend(teacher, student, cascade.settings)
    if explainable and name not in ("auto", "torch"):
        raise UserError(f"explanations with the back end {name}", "Leave it out: gradients are torch's.")
    if name == "torch" or explainable or (name == "auto" and pretrained.has_weights):
        from bertkit.inference.torch_backend import open_torch_backend

        how = {"explainable": explainable, "invariant": invariant}
        return open_torch_backend(pretrained, task, dtype=dtype, device=device, **how)
    if invariant:
        raise UserError("a graph's last bits may depend on the batch", "Use the checkpoint that it was made of.")
    return open_graph(find_graph(pretrained, name, dtype), graph_use(pretrained, task), device)


def open_student(
    pretrained: Pretrained,
    task: Task,
    scale: float,
    open_it: MakeBackend = open_backend,
) -> Student:
    """A small model that gives a teacher's labels.

    Args:
        task: the teacher's.
        scale: from its logits to the teacher's.
        open_it: what makes its back end.

    Raises:
        UserError: it has other labels than the teacher, or another problem.
        BertkitError: as `open_backend`.
    """
    own = pretrained.build_task(task.name, pretrained.load_tokenizer())
    if own.problem != task.problem:
        raise UserError(
            f"{pretrained.source}: a student for {own.problem}, and the teacher's problem is {task.problem}",
            "Distil one from the teacher: bertkit distill --teacher MODEL.",
        )
    only = set(own.labels) ^ set(task.labels)
    if only:
        words = ", ".join(
            f"{label!r} {'of the student' if label in own.labels else 'of the teacher'}" for label in sorted(only)[:5]
        )
        raise UserError(
            f"{pretrained.source}: the student's labels are not the teacher's: only one has {words}",
            "Give both the same names in their id2label, or distil a student from the teacher.",
        )
    computed = open_it(pretrained, own)
    rereading = Rereading(task.tokenizer, own.tokenizer, pretrained.max_length(own))
    return Student(computed, rereading, [own.labels.index(label) for label in task.labels], scale)


def graph_use(pretrained: Pretrained, task: Task) -> GraphUse:
    """What a graph of a model is opened for."""
    config = pretrained.config
    pad = task.tokenizer.specials.pad or 0
    return GraphUse(task.readout, config.max_length, pad, config.vocab_size, config.width)


def open_graph(graph: GraphFile, use: GraphUse, device: str = "auto") -> GraphBackend:
    """What computes a graph.

    Raises:
        UserError, DeviceError, BadCheckpoint, MissingHead: as the back end of its runtime.
    """
    return (OnnxBackend if graph.runtime == "onnx" else OpenVinoBackend)(graph, use, device)


def find_graph(pretrained: Pretrained, name: str, dtype: str) -> GraphFile:
    """The graph of a folder that a back end computes.

    Args:
        name: of the back end; `auto` takes any.
        dtype: of the graph; `auto` takes the most exact.

    Raises:
        BadCheckpoint: the folder has none for it.
        DeviceError: the folder has none of this precision.
    """
    folder = pretrained.folder
    there = graph_files(folder)
    fitting = [graph for graph in there if name in ("auto", graph.runtime)]
    if not fitting:
        has = ", ".join(str(graph.path.relative_to(folder)) for graph in there) or "none"
        raise BadCheckpoint(
            f"{folder}: no graph for the back end {name} (graphs: {has})",
            f"Make one: bertkit export {folder} --to {name} -o OUT; or choose --backend auto.",
        )
    found = next((graph for graph in fitting if dtype in ("auto", graph.dtype)), None)
    if found is None:
        known = ", ".join(dict.fromkeys(graph.dtype for graph in fitting))
        raise DeviceError(f"{folder}: no graph in {dtype}", f"Choose --dtype auto; the folder has {known}.")
    return found
