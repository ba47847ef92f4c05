"""Fine-tuning, from a configuration to a model: examples are read, a checkpoint learns from them, the best is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bertkit.config.finetuning import FinetuneConfig
from bertkit.evaluation.masked_text import held_out_text
from bertkit.evaluation.mining import Mining
from bertkit.finetuning.job import Job, ScoringEvaluator
from bertkit.finetuning.recipe import TrainingRecipe
from bertkit.finetuning.run import learns_the_same, loop_table, train, write
from bertkit.finetuning.training_data import FinetuningData, data_sha256s, samples_of
from bertkit.model.device import choose_device
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.loading import find_folder, open_pretrained
from bertkit.runs.run_folder import RunFolder
from bertkit.tasks.catalogue import find_spec
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.training.ranks import Ranks, joined
from bertkit.workflows.findings import files_beside, find, result_of
from bertkit.workflows.observer import SILENT, Observer
from bertkit.workflows.results import FinetuneResult
from bertkit.workflows.session import sole_run, started, stopped

OpenJob = Callable[[FinetuneConfig, Ranks, Observer], Job]


def finetune(config: FinetuneConfig, observer: Observer = SILENT) -> FinetuneResult:
    """Trains a model for a task on labelled examples, measured on examples that it has not seen.

    In a folder of a run that was begun, it goes on from the newest checkpoint. On many processes each of them calls
    this; torchrun starts them.

    Raises:
        Stopped: the observer asked for it; a checkpoint was written first.
        InputError: an example is not what the task learns from; its place is named.
        ConfigError: the folder has checkpoints of another configuration or of other data.
        FolderInUse: another run writes into the folder.
        BertkitError: each subclass says what is wrong and what to do.
    """
    return learn(config, open_job, observer)


def learn(config: FinetuneConfig, open_job: OpenJob, observer: Observer) -> FinetuneResult:
    """The whole of a job that learns from examples; `open_job` gives the parts that it is made of."""
    with joined(choose_device(config.train.device, learns=True)) as ranks, sole_run(config.run.directory, ranks):
        told = observer if ranks.is_first else SILENT
        job = open_job(config, ranks, told)
        data, width = job.data, job.source.config.width
        # What can be known before the first step is told before it; only then is there a folder to go on in.
        recipe = TrainingRecipe.of(config, examples=len(data.train), width=width, fitted=False)
        steps = loop_table(config, recipe, data.steps_per_epoch(config.train.batch_samples)).steps
        sha256s = data_sha256s(config.data)
        findings = find(config, job, recipe, sha256s, ranks, told)
        with started(config, [*sha256s, *job.sha256s], ranks, steps, observer) as session:
            if ranks.is_first:
                job.keep()
            trained = train(config, job, session)
            if trained is None:
                raise stopped(session)
            # The weights are those of the best checkpoint now; what they measure goes into the card beside them.
            model, finetuned = trained
            result = result_of(session.folder, job, findings, finetuned)
            files = files_beside(config, job, findings, result, ranks) if ranks.is_first else {}
            write(config, job, session, model, files)
    return result


def open_job(config: FinetuneConfig, ranks: Ranks, observer: Observer) -> Job:
    """A checkpoint that learns from labelled examples, or from text."""
    source = open_pretrained(find_folder(config.model.start))
    tokenizer = source.load_tokenizer()
    mining = Mining(source, config.task, RunFolder(Path(config.run.directory)), ranks, observer.say)
    data = FinetuningData.open(config, source, tokenizer, mining.negatives)
    if data.learning.masked and not learns_the_same(source, data.task):
        observer.say(
            "the model has no masked-language-model head: a new one begins at random, and learns from these texts alone"
        )
    return Job(source, tokenizer, data, _evaluator(config, source, data, tokenizer, ranks), keep=mining.keep)


def _evaluator(
    config: FinetuneConfig, source: Pretrained, data: FinetuningData, tokenizer: Tokenizer, ranks: Ranks
) -> ScoringEvaluator:
    best_by = config.train.best_by
    if data.learning.masked:
        # In windows of what the model reads, whatever it learns from, so that runs compare with one another.
        reader = replace(data.reader, limit=source.max_length(data.task))
        samples = samples_of(data.held_out, data.learning, reader)
        return held_out_text(samples, tokenizer, ranks, best_by)
    found: ScoringEvaluator = find_spec(data.task.name).load("evaluator")(
        data.reader, data.held_out, data.problem, best_by
    )
    return found
