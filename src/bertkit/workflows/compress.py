"""Compression, the whole job: calibrate, measure, find the products to blame and keep them; write, or refuse.

What it costs is measured as a user would: the task's own metric on labelled data, before and after.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from bertkit.checkpoints.folders import check_free
from bertkit.checkpoints.weight_files import find_weights
from bertkit.compression.blame import blame, worst
from bertkit.compression.candidate import Int8Plan, fixed_scales, half_form, parts_of
from bertkit.compression.int8_form import check_can_be_int8
from bertkit.compression.model_maker import CPU
from bertkit.compression.observing import Extremes, Recorder, looking
from bertkit.config.compressing import CompressConfig, To
from bertkit.errors import LossTooLarge, UserError
from bertkit.evaluation.predicted_records import predicted_records
from bertkit.inference.model import Model
from bertkit.inference.precision import choose_dtype
from bertkit.model.int8_machine import int8_kernels
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.loading import find_folder, open_pretrained
from bertkit.pretrained.saving import save_pretrained
from bertkit.tasks.catalogue import find_spec
from bertkit.workflows.compression import Compression, MeasuredLoss
from bertkit.workflows.compression_subject import Subject, loss_of, opened, pace_of, spread
from bertkit.workflows.labelled_data import Notes
from bertkit.workflows.observer import SILENT, Observer

CALIBRATION_TOKENS = 512  # of one batch: several lengths are among those that are looked at for blame
BLAME_TOKENS = 1_024  # that each product is left out on
MOST_KEPT = 0.5  # of all products: with more of them kept it is hardly int8 any more


@dataclass(frozen=True)
class MeasuredForm:
    """A compressed checkpoint, what answers with it, and what it costs."""

    form: Pretrained
    model: Model
    loss: MeasuredLoss
    candidate: Int8Plan | None = None


def compress(config: CompressConfig, observer: Observer = SILENT) -> Compression:
    """Writes a smaller or faster model, which answers by no more than the bound worse than the one it is made of.

    Args:
        observer: is told how it gets on.

    Raises:
        LossTooLarge: it would answer worse than it may; nothing is written.
        NothingGained: a cascade would be no faster.
        UserError: the model cannot be compressed so, or the options do not go together.
        InputError: the data cannot be read, or does not fit.
        OutputError: the folder cannot be written, or has something in it.
    """
    notes = Notes(observer)
    check_free(Path(config.output))
    source = open_pretrained(find_folder(config.model))
    if config.cascade is not None:
        from bertkit.workflows.cascade import cascade

        return cascade(config, source, notes, observer)
    if config.trim_vocab is not None:
        from bertkit.workflows.trim import trim

        return trim(config, source, notes, observer)
    if config.drop_layers is not None or config.prune_ffn is not None:
        from bertkit.workflows.prune import prune

        return prune(config, source, notes, observer)
    return in_fewer_bytes(config, config.to or "int8", source, notes, observer)


def in_fewer_bytes(config: CompressConfig, to: To, source: Pretrained, notes: Notes, observer: Observer) -> Compression:
    """Writes the model with its numbers in int8 or in halves.

    Raises:
        LossTooLarge, UserError, InputError, OutputError: as `compress`.
    """
    source.check_single(f"compression to {to}")
    if to == "int8":
        check_can_be_int8(source)
    output = Path(config.output)
    bytes_before = sum(file.stat().st_size for file in find_weights(source.folder).files)
    if config.data is None:
        form = half_form(source, to)
        made = Compression(output, to, bytes_before, stored_bytes(form), notes=notes)
        save_pretrained(form, source.load_tokenizer(), output, section=made.section(None))
        return made
    subject = opened(config, source, notes, observer)
    trial = int8_trial(subject) if to == "int8" else half_trial(subject, to)
    if trial.loss.points > config.max_loss:
        raise LossTooLarge(f"{config.model} in {to}: {trial.loss}, more than {config.max_loss:g}")
    kept = trial.candidate or Int8Plan({})
    made = Compression(
        *(output, to, bytes_before, stored_bytes(trial.form), trial.loss, pace_of(subject, trial.model)),
        *(kept.kept, kept.by_rows, notes),
    )
    save_pretrained(trial.form, subject.answering.tokenizer, output, section=made.section(subject.data))
    return made


def half_trial(subject: Subject, to: To) -> MeasuredForm:
    """In 16 bits, computed as such a folder is."""
    form = half_form(subject.source, to)
    model = subject.answering.model(form, choose_dtype("auto", CPU))
    return MeasuredForm(form, model, loss_of(subject, model))


def int8_trial(subject: Subject) -> MeasuredForm:
    """In int8 within the bound, keeping as few products as that takes; else the best that there is.

    Products to blame are kept one, two, four, eight … at a time, the worst first.

    Raises:
        UserError: this machine's int8 products cannot be measured, for they are wrong.
    """
    if not int8_kernels().bits:
        raise UserError(f"{int8_kernels()}", "Compress on a CPU with VNNI or AVX2 instructions, or to bf16.")
    recorder = Recorder(subject.answering.model(subject.source, torch.float32).network)
    trial = best = tried(subject, Int8Plan(fixed_scales(subject.source, calibrated(subject, recorder))))
    if trial.loss.points <= subject.config.max_loss:
        return trial
    subject.observer.say(f"all in int8: {trial.loss}; looking for the products to blame")
    plan = trial.candidate
    assert plan is not None
    with subject.observer.counting("products") as tick:
        blamed = []
        for one in blame(trial.model.network, recorder.network, *recorder.some(BLAME_TOKENS)):
            blamed.append(one)
            tick(1)
    order = worst(blamed)
    for count in doubled(min(len(order), max(1, int(MOST_KEPT * len(blamed))))):
        trial = tried(subject, plan.without(order[:count]))
        subject.observer.say(f"without the {count} worst: {trial.loss}")
        if trial.loss.points <= subject.config.max_loss:
            return trial
        best = min(best, trial, key=lambda one: one.loss.points)
    return best


def doubled(most: int) -> list[int]:
    """1, 2, 4 … and the most."""
    return [*(2**power for power in range(most.bit_length()) if 2**power < most), most] if most else []


def tried(subject: Subject, candidate: Int8Plan) -> MeasuredForm:
    """A candidate, measured."""
    form = candidate.of(subject.source)
    model = subject.answering.model(form, torch.int8)
    return MeasuredForm(form, model, loss_of(subject, model), candidate)


def calibrated(subject: Subject, recorder: Recorder) -> dict[str, Extremes]:
    """What layers read on some of the examples; the recorder has their batches."""
    examples = spread(subject.examples, subject.config.calibration_examples)
    model = subject.answering.around(subject.source, recorder, CALIBRATION_TOKENS)
    _, parts = parts_of(subject.source)
    with looking(recorder.network, parts) as seen:
        if find_spec(model.task.name).model_scorer is None:
            predicted_records(model, examples)
        else:
            mask = subject.answering.tokenizer.token(subject.answering.tokenizer.specials.mask or 0)
            for example in examples:
                model.predict(f"{example.row.fields['text']} {mask}")
        return dict(seen)


def stored_bytes(form: Pretrained) -> int:
    """What the weights take as a file, but for its header."""
    return sum(tensor.nbytes for tensor in (form.int8 or form.tensors).values())
