"""The objectives that bertkit knows, and how they are made for a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch

from bertkit.config.generator import generator_config
from bertkit.config.training import Sequences, TrainTable
from bertkit.errors import ConfigError, near_match
from bertkit.families.contract import Family, HeadShape
from bertkit.model.build import build_encoder
from bertkit.model.encoder import Encoder
from bertkit.model.heads import Head, MaskedLMHead, build_head, build_masked_lm_head
from bertkit.model.init import initialise
from bertkit.model.tying import tie
from bertkit.objectives.distillation import Teacher, TeacherDirections, TeacherPredictions, check_teacher
from bertkit.objectives.masked_lm import MaskedLM
from bertkit.objectives.objective import Objective
from bertkit.objectives.replaced_token_detection import (
    Generator,
    GeneratorMaskedLM,
    ReplacedTokenDetection,
    share_embeddings,
)
from bertkit.objectives.sentence_pair import NextSentence, SentenceOrder


@dataclass
class ObjectiveParts:
    """What the objectives of one run are made of.

    Attributes:
        encoder: the one that is trained.
        table: what the run's file says about training.
        random: for the weights of heads and the generator; torch's own random numbers where None.
        teacher: for distillation.
    """

    family: Family
    encoder: Encoder
    table: TrainTable
    random: torch.Generator | None = None
    teacher: Teacher | None = None
    _masked_lm: MaskedLMHead | None = field(default=None, init=False)
    _generator: Generator | None = field(default=None, init=False)

    def masked_lm(self) -> MaskedLMHead:
        """A masked-language-model head of the encoder; all have one set of parameters."""
        head = build_masked_lm_head(self.shape("masked-lm"), self.encoder.config)
        if self._masked_lm is None:
            self._masked_lm = head
            self._initialise(head)
        else:
            tie(head, self._masked_lm)
        return head

    def head(self, name: str, classes: int) -> Head:
        """A new head of the encoder."""
        shape = self.shape(name)
        if shape.reads == "pooler" and self.encoder.pooler is None:
            raise ConfigError(
                f"{name} reads the pooler, and this encoder has none", "Set pooler = true in the table model.encoder."
            )
        head = build_head(shape, self.encoder.config, classes)
        self._initialise(head)
        return head

    def generator(self) -> Generator:
        """ELECTRA's generator, which has the encoder's tables."""
        if self._generator is None:
            if self.table.generator is None:
                raise ConfigError(
                    "the run's file has no table train.generator",
                    "Give it, empty if need be, in place of train.objectives.",
                )
            config = generator_config(self.encoder.config, self.table.generator.size)
            head = build_masked_lm_head(self.shape("masked-lm"), config)
            self._generator = Generator(build_encoder(config), head)
            self._initialise(self._generator)
            share_embeddings(self._generator.encoder, self.encoder)
        return self._generator

    def shape(self, head_name: str) -> HeadShape:
        """The family's head called `head_name`.

        Raises:
            ConfigError: it has none.
        """
        if head_name not in self.family.heads:
            raise ConfigError(
                f"the family {self.family.name} has no head {head_name}",
                "Choose other objectives, or a family that has it: `bertkit info --families` lists them.",
            )
        return self.family.heads[head_name]

    def _initialise(self, module: torch.nn.Module) -> None:
        initialise(module, self.encoder.config.initializer_range, self.random)


def _predictions(parts: ObjectiveParts) -> Objective:
    teacher, table = _teacher(parts), parts.table.distillation
    assert table is not None
    check_teacher(teacher.encoder, parts.encoder, directions=False)
    return TeacherPredictions(parts.masked_lm(), teacher, table.temperature, table.only_masked)


def _directions(parts: ObjectiveParts) -> Objective:
    teacher = _teacher(parts)
    check_teacher(teacher.encoder, parts.encoder, directions=True)
    return TeacherDirections(teacher)


def _teacher(parts: ObjectiveParts) -> Teacher:
    if parts.teacher is None or parts.table.distillation is None:
        raise ConfigError("the run's file has no table train.distillation", "Give it in place of train.objectives.")
    return parts.teacher


OBJECTIVES: Mapping[str, Callable[[ObjectiveParts], Objective]] = {
    MaskedLM.name: lambda parts: MaskedLM(parts.masked_lm()),
    NextSentence.name: lambda parts: NextSentence(parts.head("next-sentence", 2)),
    SentenceOrder.name: lambda parts: SentenceOrder(parts.head("sentence-order", 2)),
    ReplacedTokenDetection.name: lambda parts: ReplacedTokenDetection(
        parts.head("replaced-token-detection", 1), parts.generator()
    ),
    GeneratorMaskedLM.name: lambda parts: GeneratorMaskedLM(parts.generator()),
    TeacherPredictions.name: _predictions,
    TeacherDirections.name: _directions,
}


def objective_weights(table: TrainTable, sequences: Sequences) -> dict[str, float]:
    """Names and weights of what a run learns, as its file says or by what its data is.

    Raises:
        ConfigError: the file says it twice.
    """
    given = [name for name in ("objectives", "distillation", "generator") if getattr(table, name) is not None]
    if len(given) > 1:
        raise ConfigError(f"train.{given[0]} and train.{given[1]} both say what is learnt", "Leave one of them out.")
    if table.objectives is not None:
        return dict(table.objectives)
    if table.distillation is not None:
        parts = table.distillation
        weights = {
            TeacherPredictions.name: parts.soft,
            MaskedLM.name: parts.masked,
            TeacherDirections.name: parts.cosine,
        }
        return {name: weight for name, weight in weights.items() if weight}
    if table.generator is not None:
        generator = table.generator
        return {ReplacedTokenDetection.name: generator.discriminator_weight, GeneratorMaskedLM.name: generator.weight}
    second = {"next-sentence": NextSentence.name, "sentence-order": SentenceOrder.name}.get(sequences)
    return {name: 1.0 for name in (MaskedLM.name, second) if name is not None}


def build_objectives(names: Iterable[str], parts: ObjectiveParts) -> dict[str, Objective]:
    """The objectives called so, in this order, their heads initialised.

    Raises:
        ConfigError: there is no such objective, or the family, the encoder or the file has not what it needs.
    """
    names = list(names)
    if ReplacedTokenDetection.name in names and GeneratorMaskedLM.name not in names:
        raise ConfigError(
            f"train.objectives has {ReplacedTokenDetection.name}, and its generator learns nothing",
            f"Add {GeneratorMaskedLM.name}, or give train.generator in place of train.objectives.",
        )
    objectives = {}
    for name in names:
        if name not in OBJECTIVES:
            raise ConfigError(
                f"train.objectives: unknown objective {name!r}{near_match(name, OBJECTIVES)}",
                f"Choose from {', '.join(OBJECTIVES)}.",
            )
        objectives[name] = OBJECTIVES[name](parts)
    return objectives
