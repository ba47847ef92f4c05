"""A vocabulary trimmed to a corpus, the whole job: count, keep, see that texts are cut as before; measure; write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from bertkit.checkpoints.weight_files import find_weights
from bertkit.compression.model_maker import CPU, ModelMaker
from bertkit.compression.vocabulary import kept_ids, trimmed_form, unknown_share, usage_of
from bertkit.config.compressing import CompressConfig
from bertkit.corpora.corpus import read_corpus
from bertkit.errors import InputError, LossTooLarge
from bertkit.inference.precision import choose_dtype
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.saving import save_pretrained
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.workflows.compression import Compression
from bertkit.workflows.compression_subject import Subject, loss_of, opened, pace_of
from bertkit.workflows.labelled_data import Notes
from bertkit.workflows.observer import Observer

STDIN = "-"


def trim(config: CompressConfig, source: Pretrained, notes: Notes, observer: Observer) -> Compression:
    """Writes the model without the rows of its token table that a corpus does not need.

    Raises:
        LossTooLarge: on the labelled data, which the corpus need not be, it answers worse than it may.
        UserError: the model has a tokenizer that cannot be trimmed, is int8, a cascade, or several encoders.
        InputError: the corpus has no text or can be read only once, or the data cannot be read.
        OutputError: the folder cannot be written.
    """
    assert config.trim_vocab is not None
    if config.trim_vocab == STDIN:
        raise InputError("a corpus of standard input, which is read twice", "Write it into a file.")
    tokenizer = source.load_tokenizer()
    texts = partial(read_corpus, [config.trim_vocab])
    prompts = prompts_of(source)
    tokenizer.check_can_be_trimmed()
    usage = usage_of(tokenizer, counted(texts(), observer), prompts)
    if not usage.ids():
        raise InputError(f"{config.trim_vocab}: no text", "Name a file with the texts that the model is to read.")
    kept = kept_ids(source, tokenizer, texts, usage, prompts)
    form, smaller = trimmed_form(source, kept), tokenizer.trimmed(kept)
    bytes_before = sum(file.stat().st_size for file in find_weights(source.folder).files)
    sizes = ("tokens in the vocabulary", f"{source.config.vocab_size:,}", f"{len(kept):,}")
    said: tuple[str, ...] = ()
    if usage.unseen is not None:
        said = (f"{usage.unseen:.2%} of the tokens of a held-out tenth of the corpus are in no other text of it",)
    made = Compression(
        *(Path(config.output), "trimmed", bytes_before, sum(tensor.nbytes for tensor in form.tensors.values())),
        notes=notes,
        compared=(sizes,),
        said=said,
        details={"vocabulary": {"before": source.config.vocab_size, "after": len(kept), "unseen": usage.unseen}},
    )
    data = None
    if config.data is not None:
        subject = opened(config, source, notes, observer)
        made, data = measured(made, subject, form, smaller), subject.data
    save_pretrained(form, smaller, made.folder, section=made.section(data))
    return made


def measured(made: Compression, subject: Subject, form: Pretrained, smaller: Tokenizer) -> Compression:
    """With what it costs on labelled data.

    Raises:
        LossTooLarge: that is more than it may.
    """
    config, tokenizer = subject.config, subject.answering.tokenizer
    task = form.build_task(subject.plain.task.name, smaller)
    model = ModelMaker(task, smaller, subject.answering.long).model(form, choose_dtype("float32", CPU))
    loss = loss_of(subject, model)
    if loss.points > config.max_loss:
        raise LossTooLarge(
            f"{config.model} with the tokens of {config.trim_vocab}: {loss}, more than {config.max_loss:g}",
            "Give a corpus that is more like the data, or allow more with --max-loss.",
        )
    rows = [str(value) for one in subject.examples for value in one.row.fields.values() if isinstance(value, str)]
    before, after = (f"{unknown_share(one, rows):.2%}" for one in (tokenizer, smaller))
    compared = (*made.compared, ("unknown tokens of the data", before, after))
    return replace(made, loss=loss, paces=pace_of(subject, model), compared=compared)


def prompts_of(source: Pretrained) -> list[str]:
    """What the model puts before texts, nothing included."""
    said = source.settings or source.cross_encoder
    return ["", *({} if said is None else dict.fromkeys(said.prompts.texts.values()))]


def counted(texts: Iterable[str], observer: Observer) -> Iterable[str]:
    """The texts, which the observer counts."""
    with observer.counting("texts") as tick:
        for text in texts:
            tick(1)
            yield text
