"""From a run's file to the parts of its loop: the encoder, its objectives, the optimiser, how ranks share the work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.distributed.device_mesh import init_device_mesh

from bertkit.batching.token_batch import TokenBatch
from bertkit.batching.training_batch import TrainingBatch
from bertkit.config.encoder import EncoderConfig
from bertkit.config.strict import parse
from bertkit.config.training import ModelTable, TrainingConfig, TrainTable
from bertkit.errors import ConfigError, near_match
from bertkit.families.catalogue import find_family
from bertkit.families.contract import Family
from bertkit.model.build import build_encoder
from bertkit.model.copying import copy_head, copy_layers
from bertkit.model.device import best_dtype
from bertkit.model.encoder import Encoder
from bertkit.model.heads import MaskedLMHead
from bertkit.model.init import initialise
from bertkit.objectives.distillation import Teacher
from bertkit.objectives.pretraining import ObjectiveParts, build_objectives, objective_weights
from bertkit.optimisation.layers import compile_layers, recompute
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.loading import find_folder, open_pretrained
from bertkit.tasks.fill_mask import FillMask
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.training.parallelism import DataParallel, FullySharded, Parallelism
from bertkit.training.ranks import Ranks
from bertkit.training.training_module import TrainingModule

READS_POOLER = ("next-sentence-prediction", "sentence-order-prediction")


@dataclass(frozen=True)
class TrainingModel:
    """What is trained.

    Attributes:
        weights: of the objectives in the loss.
    """

    family: Family
    config: EncoderConfig
    training_module: TrainingModule
    weights: dict[str, float]


def describe_model(table: ModelTable, objectives: dict[str, float], tokenizer: Tokenizer, length: int) -> EncoderConfig:
    """The encoder's configuration: a preset's or a checkpoint's, with the file's changes and the vocabulary's size.

    Raises:
        ConfigError: no such preset, a field that there is not, or sequences longer than the positions.
    """
    family = find_family(table.family, "model.family")
    if table.start is not None and table.layers_from is None:
        base = open_pretrained(find_folder(table.start)).config
    elif table.preset is not None and table.preset in family.presets:
        base = family.presets[table.preset]
    elif table.preset is None and table.encoder:
        base = next(iter(family.presets.values()))
    else:
        hint = near_match(table.preset or "", family.presets)
        raise ConfigError(
            f"model.preset: {family.name} has no preset {table.preset!r}{hint}",
            f"Choose from {', '.join(family.presets)}, or give sizes in the table model.encoder.",
        )
    pooler = base.pooler and not objectives.keys().isdisjoint(READS_POOLER)
    values = {**base.model_dump(), "vocab_size": tokenizer.vocab_size, "pooler": pooler, **_fields(table.encoder)}
    config = parse(EncoderConfig, values, "model.encoder")
    if config.vocab_size < tokenizer.vocab_size:
        raise ConfigError(
            f"model.encoder.vocab_size is {config.vocab_size}, the shards' tokenizer has {tokenizer.vocab_size} tokens"
        )
    if length > config.max_length:
        raise ConfigError(
            f"sequences of {length} tokens, and the encoder reads up to {config.max_length}",
            "Shorten data.length and data.phases, or give the encoder more positions.",
        )
    return config


def check_vocabularies(config: TrainingConfig, tokenizer: Tokenizer) -> None:
    """Refuse a checkpoint to start or to learn from whose ids mean other tokens than the shards'.

    Raises:
        ConfigError: naming it.
    """
    table = config.train.distillation
    named = {"model.start": config.model.start, "train.distillation.teacher": None if table is None else table.teacher}
    for key, name in named.items():
        if name is None:
            continue
        theirs = open_pretrained(find_folder(name)).load_tokenizer()
        if theirs.vocab_sha256() != tokenizer.vocab_sha256():
            raise ConfigError(
                f"{key} {name} has another vocabulary ({theirs.vocab_size} tokens) than the shards' tokenizer "
                f"({tokenizer.vocab_size} tokens)",
                f"Prepare the shards with it: bertkit prepare CORPUS --vocab {name} -o SHARDS",
            )


def _fields(encoder: dict[str, object]) -> dict[str, object]:
    """Lists of TOML as the tuples of a configuration; `layers = 6` for as many layers, each used once."""
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in encoder.items()}
    layers = fields.pop("layers", None)
    if isinstance(layers, int):
        fields["layer_of_step"] = tuple(range(layers))
    return fields


def build_model(config: TrainingConfig, encoder_config: EncoderConfig, device: torch.device) -> TrainingModel:
    """The encoder and its objectives, filled: the same on every rank, for they draw from the same seed."""
    family = find_family(config.model.family, "model.family")
    random = torch.Generator().manual_seed(config.train.seed)
    encoder = build_encoder(encoder_config)
    initialise(encoder, encoder_config.initializer_range, random)
    weights = objective_weights(config.train, config.data.sequences)
    teacher = None if config.train.distillation is None else load_teacher(config.train.distillation.teacher)
    parts = ObjectiveParts(family, encoder, config.train, random, teacher)
    objectives = build_objectives(weights, parts)
    if config.model.start is not None:
        start_from(config.model, encoder, parts, "fill-mask" in weights)
    training_module = TrainingModule(encoder, objectives).to(device)
    if teacher is not None:
        teacher.encoder.to(device)
        teacher.head.to(device)
    return TrainingModel(family, encoder_config, training_module, weights)


def start_from(table: ModelTable, encoder: Encoder, parts: ObjectiveParts, masked_lm: bool) -> None:
    """Fill the encoder, and its masked-language-model head, from a checkpoint: all of it, or some layers."""
    assert table.start is not None
    source = open_pretrained(find_folder(table.start))
    theirs = source.build_encoder().float()
    copy_layers(encoder, theirs, table.layers_from or range(encoder.config.layers))
    if masked_lm and "masked-lm" in source.heads:
        copy_head(parts.masked_lm(), masked_lm_head(source))


def load_teacher(name: str) -> Teacher:
    """The teacher called `name`: its encoder and its masked-language-model head."""
    source = open_pretrained(find_folder(name))
    return Teacher(source.build_encoder().float(), masked_lm_head(source))


def masked_lm_head(source: Pretrained) -> MaskedLMHead:
    """A checkpoint's masked-language-model head, float32.

    Raises:
        MissingHead: it has none.
    """
    head = source.build_head(FillMask(source.load_tokenizer(), top_k=1))
    assert isinstance(head, MaskedLMHead)
    return head.float()


def share(
    model: TrainingModel, table: TrainTable, ranks: Ranks, precision: str, say: Callable[[str], None]
) -> Parallelism:
    """Puts on the model what the file asks for: recomputing, the compiler, and how ranks share, in this order."""
    training_module = model.training_module
    if table.recompute:
        recompute(training_module.encoder)
    if table.compile:
        compile_layers(training_module.encoder, say)
    half = precision == "bfloat16-weights"
    if table.parallel == "ddp":
        return DataParallel(training_module, ranks.count, half=half)
    shape: tuple[int, ...] = (ranks.count,)
    if table.parallel == "hybrid":
        inner = table.shard_ranks or 1
        if ranks.count % inner:
            raise ConfigError(f"train.shard_ranks is {inner}, which does not divide {ranks.count} ranks")
        shape = (ranks.count // inner, inner)
    names = ("copies", "parts")[-len(shape) :]
    mesh = init_device_mesh(ranks.device.type, shape, mesh_dim_names=names)
    return FullySharded(training_module, mesh, half=half, tiny=lambda: tiny_batch(ranks.device))


def tiny_batch(device: torch.device) -> TrainingBatch:
    """Two tokens with one of every target."""
    target = torch.zeros(1, dtype=torch.long, device=device)
    names = ("masked_M", "masked_ids_M", "second_B")
    return TrainingBatch(TokenBatch.pack([[0, 0]], [[0, 0]], device), dict.fromkeys(names, target))


def choose_precision(wanted: str, device: torch.device) -> str:
    """The precision that `auto` stands for: what the device is fastest in."""
    return str(best_dtype(device)).removeprefix("torch.") if wanted == "auto" else wanted
