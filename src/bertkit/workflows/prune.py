"""Layers dropped, or MLPs made narrower, the whole job: what is missed least goes; measure; write, or refuse.

The folder is a model like any other: `finetune` and `distill` train it on, to win back what was lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from bertkit.checkpoints.weight_files import find_weights
from bertkit.compression.layers import check_can_drop, least_missed, with_layers
from bertkit.compression.narrow_mlp import between_layers, check_can_narrow, narrowed
from bertkit.compression.observing import Recorder
from bertkit.config.compressing import CompressConfig
from bertkit.errors import LossTooLarge, UserError
from bertkit.evaluation.predicted_records import predicted_records
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.saving import save_pretrained
from bertkit.tasks.catalogue import find_spec
from bertkit.workflows.compression import Compression
from bertkit.workflows.compression_subject import Subject, loss_of, opened, pace_of, spread
from bertkit.workflows.labelled_data import Notes
from bertkit.workflows.observer import Observer

LOOKED_AT = 100  # examples
BATCH_TOKENS = 512
MISSED_TOKENS = 2_048  # on which each layer is left out


@dataclass(frozen=True)
class Pruned:
    """A checkpoint with less in it.

    Attributes:
        to: what it is now, in words.
        compared: a size, before and after.
        left: what is left, in words.
        details: the same as JSON values.
    """

    form: Pretrained
    to: str
    compared: tuple[str, str, str]
    left: str
    details: dict[str, object]


def prune(config: CompressConfig, source: Pretrained, notes: Notes, observer: Observer) -> Compression:
    """Writes the model without what is missed least.

    Raises:
        LossTooLarge: without it the model answers worse than it may.
        UserError: the model cannot lose so much, or any.
        InputError: the data cannot be read, or does not fit.
        OutputError: the folder cannot be written.
    """
    if config.drop_layers is not None:
        check_can_drop(source, config.drop_layers)
    else:
        assert config.prune_ffn is not None
        check_can_narrow(source, config.prune_ffn)
    subject = opened(config, source, notes, observer)
    task = subject.plain.task.name
    if find_spec(task).model_scorer is not None:
        raise UserError(f"what {task} misses least cannot be told", "Name a task with labelled examples by --task.")
    found = fewer_layers(subject) if config.drop_layers is not None else narrower(subject)
    model = subject.answering.model(found.form, torch.float32)
    loss = loss_of(subject, model)
    if loss.points > config.max_loss:
        raise LossTooLarge(
            f"{config.model}: {found.left}: {loss}, more than {config.max_loss:g}",
            "Take less away, or allow more (--max-loss) and train on: bertkit distill --teacher MODEL --student OUT.",
        )
    made = Compression(
        *(Path(config.output), found.to, sum(file.stat().st_size for file in find_weights(source.folder).files)),
        *(sum(tensor.nbytes for tensor in found.form.tensors.values()), loss, pace_of(subject, model)),
        notes=notes,
        compared=(found.compared,),
        said=(
            found.left,
            "to win back what was lost, train it on: bertkit finetune -m with this folder",
        ),
        details=found.details,
    )
    save_pretrained(found.form, subject.answering.tokenizer, made.folder, section=made.section(subject.data))
    return made


def fewer_layers(subject: Subject) -> Pruned:
    """Without the layers that are missed least."""
    source, count = subject.source, subject.config.drop_layers
    assert count is not None
    recorder = answering(subject)
    batches = recorder.some(MISSED_TOKENS)
    kept = [*range(source.config.layers)]
    with subject.observer.counting("layers") as tick:
        for layer in least_missed(recorder, *batches, count):
            kept.remove(layer)
            tick(1)
    sizes = ("layers", str(source.config.layers), str(len(kept)))
    left = f"layers {', '.join(map(str, kept))} of {source.config.layers}, from 0, are left"
    return Pruned(with_layers(source, kept), "fewer layers", sizes, left, {"layers": kept})


def narrower(subject: Subject) -> Pruned:
    """With narrower MLPs."""
    source, width = subject.source, subject.config.prune_ffn
    assert width is not None
    recorder = Recorder(subject.answering.model(source, torch.float32).network)
    with between_layers(recorder.network) as seen:
        answering(subject, recorder)
    now = source.config.ffn_width
    left = (
        f"of each MLP's {now:,} numbers {width:,} are left, those that add most; what the others add on average stays"
    )
    sizes = ("numbers of an MLP", f"{now:,}", f"{width:,}")
    return Pruned(narrowed(source, seen, width), "narrower MLPs", sizes, left, {"ffn_width": width})


def answering(subject: Subject, recorder: Recorder | None = None) -> Recorder:
    """The network, which has answered some of the examples."""
    recorder = recorder or Recorder(subject.answering.model(subject.source, torch.float32).network)
    model = subject.answering.around(subject.source, recorder, BATCH_TOKENS)
    predicted_records(model, spread(subject.examples, LOOKED_AT))
    return recorder
