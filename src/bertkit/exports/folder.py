"""What stands beside a graph in a folder: all that the checkpoint's folder says, and how to open it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from bertkit.checkpoints.graph_files import COMPUTED, GraphFile
from bertkit.errors import UserError
from bertkit.exports.padded_network import Signature
from bertkit.pretrained.cards import CARD
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.saving import save_description
from bertkit.tasks.contract import Task
from bertkit.tokenization.tokenizer import Tokenizer


def exported_pretrained(pretrained: Pretrained, task: Task) -> Pretrained:
    """The checkpoint as the folder of a graph describes it: it has the head of the task, and no other.

    Raises:
        UserError: it is several encoders, of which a graph is one.
    """
    settings = pretrained.settings if task.head_name is None else None
    if settings is not None and settings.routed:
        raise UserError(
            f"{pretrained.source}: a model of several encoders has no one graph",
            "Export the folder of one of its encoders instead.",
        )
    shapes = (pretrained.family.heads[task.head_name],) if task.head_name in pretrained.heads else ()
    tables = [pretrained.family.encoder, *(shape.weights for shape in shapes)]
    names = {name for rows in tables for row in pretrained.table(rows) for name in (*row.theirs, *row.aliases)}
    tensors = pretrained.tensors.renamed({name: name for name in pretrained.tensors if name in names})
    said = pretrained.cross_encoder
    scores = said if said is not None and said.task == task.name else None
    return replace(pretrained, tensors=tensors, settings=settings, cross_encoder=scores)


def write_companions(pretrained: Pretrained, task: Task, tokenizer: Tokenizer, folder: Path) -> None:
    """Write the configuration, the tokenizer and the settings into a folder that is there.

    Raises:
        OutputError: it cannot be written.
    """
    save_description(exported_pretrained(pretrained, task), tokenizer, folder)


def write_card(
    folder: Path, name: str, task: Task, signature: Signature, graphs: Sequence[GraphFile], measured: Sequence[str]
) -> None:
    """Write the page about the folder: what it holds, how far it was seen to agree, how to open it.

    Args:
        measured: of each graph, how far it agrees with the model, in words.
    """
    lines = [
        f"| `{graph.path.relative_to(folder).as_posix()}` | {graph.dtype} | {words} |"
        for graph, words in zip(graphs, measured, strict=True)
    ]
    firsts = {graph.runtime: graph for graph in reversed(graphs)}  # of each runtime
    ours = f'\n```\nbertkit predict -m {name} --task {task.name} "some text"\n```\n'
    tag = PIPELINE_TAGS.get(task.name, task.name)
    text = _CARD.format(
        tag=f"pipeline_tag: {tag}\n" if tag else "",
        runtimes="\n".join(f"- {runtime}" for runtime in dict.fromkeys(graph.runtime for graph in graphs)),
        name=name,
        task=task.name,
        version=version("bertkit"),
        inputs=", ".join(f"`{one}`" for one in signature.inputs),
        outputs=", ".join(f"`{one}`" for one in signature.outputs),
        table="\n".join(lines),
        predict=ours if any(graph.runtime in COMPUTED for graph in graphs) else "",
        loaders="\n".join(
            _LOADERS[one.runtime].format(file=one.path.relative_to(folder).as_posix(), inputs=signature.inputs)
            for one in reversed(firsts.values())
        ),
    )
    (folder / CARD).write_text(text, encoding="utf-8")


# What the hub calls a task where that is not the task's name; empty where it has no name for it.
PIPELINE_TAGS = {"sentence-embedding": "sentence-similarity", "next-sentence-prediction": ""}

_CARD = """---
{tag}tags:
- bertkit
{runtimes}
---
# {name}

A model for {task}, exported by bertkit {version}. Inputs, int64, a text a row: {inputs}. Outputs: {outputs}.
Texts and tokens may be any number; padding stands behind a text's tokens, where `attention_mask` is 0.

| file | products | beside the model that it was made of |
|---|---|---|
{table}
{predict}
Without bertkit:

{loaders}"""

_LOADERS = {
    "onnx": """```python
import numpy as np, onnxruntime, tokenizers
encoded = tokenizers.Tokenizer.from_file("tokenizer.json").encode("some text")
rows = {{"input_ids": encoded.ids, "attention_mask": encoded.attention_mask, "token_type_ids": encoded.type_ids}}
session = onnxruntime.InferenceSession("{file}")
print(session.run(None, {{one.name: np.array([rows[one.name]]) for one in session.get_inputs()}}))
```
""",
    "openvino": """```python
import numpy as np, openvino, tokenizers
encoded = tokenizers.Tokenizer.from_file("tokenizer.json").encode("some text")
rows = {{"input_ids": encoded.ids, "attention_mask": encoded.attention_mask, "token_type_ids": encoded.type_ids}}
model = openvino.compile_model("{file}", "CPU")
print(model({{one.any_name: np.array([rows[one.any_name]]) for one in model.inputs}}))
```
""",
    "torch": """```python
import tokenizers, torch
encoded = tokenizers.Tokenizer.from_file("tokenizer.json").encode("some text")
rows = {{"input_ids": encoded.ids, "attention_mask": encoded.attention_mask, "token_type_ids": encoded.type_ids}}
program = torch.export.load("{file}").module()
print(program(*(torch.tensor([rows[name]]) for name in {inputs})))
```
""",
    "gguf": """```
llama-embedding -m {file} -p "some text"
```
""",
}
