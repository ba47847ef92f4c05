"""Layers dropped, the whole job: those that are missed least go one after the other; measure; write, or refuse.

What is lost is mostly won back by training on: the folder is a model like any other, for `finetune` and `distill`.
"""

from __future__ import annotations

from pathlib import Path

import torch

from bertkit.checkpoints.weight_files import find_weights
from bertkit.compression.layers import check_can_drop, least_missed, with_layers
from bertkit.compression.observing import Recorder
from bertkit.config.compressing import CompressConfig
from bertkit.errors import LossTooLarge, UserError
from bertkit.evaluation.predicted_records import predicted_records
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.saving import save_pretrained
from bertkit.tasks.catalogue import find_spec
from bertkit.workflows.compression import Compression
from bertkit.workflows.compression_subject import loss_of, opened, pace_of, spread
from bertkit.workflows.labelled_data import Notes
from bertkit.workflows.observer import Observer

LOOKED_AT = 100  # examples
BATCH_TOKENS = 512
MISSED_TOKENS = 2_048  # on which each layer is left out


def drop_layers(config: CompressConfig, source: Pretrained, notes: Notes, observer: Observer) -> Compression:
    """Writes the model without the layers that are missed least.

    Raises:
        LossTooLarge: without them it answers worse than it may.
        UserError: the model has not so many layers, or cannot lose any.
        InputError: the data cannot be read, or does not fit.
        OutputError: the folder cannot be written.
    """
    assert config.drop_layers is not None
    check_can_drop(source, config.drop_layers)
    subject = opened(config, source, notes, observer)
    if find_spec(subject.plain.task.name).model_scorer is not None:
        raise UserError(
            f"dropping layers by {subject.plain.task.name}", "Name a task with labelled examples by --task."
        )
    recorder = Recorder(subject.answering.model(source, torch.float32).network)
    looking = subject.answering.around(source, recorder, BATCH_TOKENS)
    predicted_records(looking, spread(subject.examples, LOOKED_AT))
    batches = recorder.some(MISSED_TOKENS)
    kept = [*range(source.config.layers)]
    with observer.counting("layers") as tick:
        for layer in least_missed(recorder, *batches, config.drop_layers):
            kept.remove(layer)
            tick(1)
    form = with_layers(source, kept)
    model = subject.answering.model(form, torch.float32)
    loss = loss_of(subject, model)
    left = f"layers {', '.join(map(str, kept))} of {source.config.layers}, from 0, are left"
    if loss.points > config.max_loss:
        raise LossTooLarge(
            f"{config.model}: {left}: {loss}, more than {config.max_loss:g}",
            "Drop fewer, or allow more with --max-loss and train on: bertkit distill --teacher MODEL --student OUT.",
        )
    made = Compression(
        *(Path(config.output), "fewer layers", sum(file.stat().st_size for file in find_weights(source.folder).files)),
        *(sum(tensor.nbytes for tensor in form.tensors.values()), loss, pace_of(subject, model)),
        notes=notes,
        compared=(("layers", str(source.config.layers), str(len(kept))),),
        said=(
            left,
            "training on wins back most of what was lost: bertkit distill --student with this folder",
        ),
        details={"layers": kept},
    )
    save_pretrained(form, subject.answering.tokenizer, made.folder, section=made.section(subject.data))
    return made
