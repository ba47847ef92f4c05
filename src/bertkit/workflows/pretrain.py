"""Pre-training, from a configuration to a model: shards are read, an encoder learns, the model is written."""

from __future__ import annotations

from bertkit.config.training import TrainingConfig
from bertkit.model.device import choose_device
from bertkit.pretraining.run import train
from bertkit.runs.metrics_file import evaluations, read_metrics
from bertkit.runs.run_folder import RunFolder
from bertkit.sampling.corpus import Corpus
from bertkit.training.ranks import joined
from bertkit.workflows.observer import SILENT, Observer
from bertkit.workflows.results import PretrainResult
from bertkit.workflows.session import sole_run, started, stopped


def pretrain(config: TrainingConfig, observer: Observer = SILENT) -> PretrainResult:
    """Trains an encoder on shards. In a folder of a run that was begun, it goes on from the newest checkpoint.

    On many processes each of them calls this; torchrun starts them.

    Raises:
        Stopped: the observer asked for it; a checkpoint was written first.
        ConfigError: the folder has checkpoints of another configuration or of other shards.
        FolderInUse: another run writes into the folder.
        BertkitError: each subclass says what is wrong and what to do.
    """
    with joined(choose_device(config.train.device, learns=True)) as ranks, sole_run(config.run.directory, ranks):
        corpus = Corpus.open(config.data)
        sha256s = [shards.manifest.sha256() for shards in corpus.shards]
        with started(config, sha256s, ranks, config.train.steps, observer) as session:
            progress = train(config, corpus, session)
            if progress is None:
                raise stopped(session)
    measured = evaluations(read_metrics(RunFolder(session.folder).metrics))
    last = {name: value for name, value in (measured[-1] if measured else {}).items() if isinstance(value, float)}
    return PretrainResult(
        folder=session.folder, measures=last, steps=progress.step, tokens=progress.tokens, seconds=progress.seconds
    )
