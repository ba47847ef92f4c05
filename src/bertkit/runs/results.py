"""What a finished run leaves behind: the model as a folder of the hub's layout, with its heads."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from bertkit.checkpoints.folders import atomic_folder
from bertkit.config.training import TrainingConfig
from bertkit.config.training_file import flat
from bertkit.families.contract import Family
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.from_state import NO_METADATA, TaskMetadata, from_state
from bertkit.pretrained.saving import save_pretrained
from bertkit.runs.metrics_file import evaluations, read_metrics
from bertkit.runs.model_card import CardFacts, model_card
from bertkit.runs.run_folder import RunFolder, read_starts
from bertkit.sampling.corpus import Corpus
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.training.ranks import Ranks
from bertkit.training.state import Progress
from bertkit.training.training_module import TrainingModule

if TYPE_CHECKING:
    from bertkit.training.assembly import TrainingModel

MODEL, GENERATOR = "model", "generator"
NO_FILES: Mapping[str, str] = MappingProxyType({})


def write_model(
    family: Family,
    training_module: TrainingModule,
    tokenizer: Tokenizer,
    ranks: Ranks,
    folder: Path,
    card: str,
    *,
    more: TaskMetadata = NO_METADATA,
    files: Mapping[str, str] = NO_FILES,
) -> None:
    """Write `model/`, and `generator/` where the run trained one. All ranks call this; the first one writes.

    Args:
        card: the model's `README.md`.
        more: what the model's files are to say of its task.
        files: texts to write beside the weights, by their names.

    Raises:
        OutputError: it cannot be written.
    """
    finished: dict[str, Pretrained] = {}
    heads: dict[str, Mapping[str, Tensor]] = {}
    for objective in training_module.each():
        if objective.own_encoder is not None:
            own = {str(objective.head_name): whole_state(objective.head)}
            encoder = whole_state(objective.own_encoder)
            if ranks.is_first:
                finished[GENERATOR] = from_state(family, objective.own_encoder.config, encoder, own, tokenizer)
        elif objective.head_name is not None:
            heads[objective.head_name] = whole_state(objective.head)
    encoder = whole_state(training_module.encoder)
    if ranks.is_first:
        finished[MODEL] = from_state(family, training_module.encoder.config, encoder, heads, tokenizer, more)

    def save() -> None:
        for name, checkpoint in finished.items():
            _save(checkpoint, tokenizer, folder / name, card, files if name == MODEL else NO_FILES)

    ranks.by_first(save)


def _save(
    checkpoint: Pretrained, tokenizer: Tokenizer, folder: Path, card: str, files: Mapping[str, str] = NO_FILES
) -> None:
    """Takes the place of what an earlier end of the run, at fewer steps, wrote there."""
    with atomic_folder(folder, replace=True) as place:
        save_pretrained(checkpoint, tokenizer, place)
        for name, text in {"README.md": card, **files}.items():
            (place / name).write_text(text, encoding="utf-8")


def run_card(config: TrainingConfig, model: TrainingModel, corpus: Corpus, progress: Progress, folder: Path) -> str:
    """The card of a finished run's model."""
    run = RunFolder(folder)
    measured = evaluations(read_metrics(run.metrics))
    held_out = {name: value for name, value in (measured[-1] if measured else {}).items() if isinstance(value, float)}
    heads = {objective.head_name for objective in model.training_module.each() if objective.own_encoder is None} - {
        None
    }
    ending = next(ending for ending, needs in model.family.architectures.items() if set(needs) <= heads)
    manifests = [shards.manifest for shards in corpus.shards]
    masks = "masked-lm" in heads and corpus.tokenizer.specials.mask is not None
    return model_card(
        CardFacts(
            name=folder.resolve().name,
            family=model.family.name,
            architecture=next(iter(model.family.class_names.values())) + ending,
            mask=corpus.tokenizer.token(corpus.tokenizer.specials.mask or 0) if masks else None,
            parameters=sum(parameter.numel() for parameter in model.training_module.encoder.parameters()),
            encoder={name: value for name, value in model.config.model_dump().items() if value is not None},
            manifest_sha256s=[manifest.sha256() for manifest in manifests],
            data_tokens=sum(manifest.tokens for manifest in manifests),
            documents=sum(manifest.documents for manifest in manifests),
            recipe={key: value for key, value in flat(config).items() if value is not None},
            steps=progress.step,
            trained_tokens=progress.tokens,
            held_out=held_out,
            machines=[f"{start['ranks']} of {start['device']}, {start['system']}" for start in read_starts(run)],
            seconds=progress.seconds,
            version=version("bertkit"),
        )
    )


def whole_state(module: nn.Module | None) -> dict[str, Tensor]:
    """A module's state, whole and on the host, whatever part of it this rank has."""
    state = {} if module is None else module.state_dict()
    return {name: whole(tensor) for name, tensor in state.items()}


def whole(tensor: Tensor) -> Tensor:
    """A tensor that may be divided between ranks, whole and on the host. All ranks call this."""
    return (tensor.full_tensor() if isinstance(tensor, DTensor) else tensor).detach().cpu()
