"""An open checkpoint: what its files say, from which tokenizer and task are made, without torch; and its weights.

A server, a plan, or a network that something else than torch computes need the first half only. The second begins
where a tensor is asked for, or something is built of them (`weights.py`).
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bertkit.checkpoints.digests import sha256
from bertkit.checkpoints.stored import DescribedTensors, StoredTensors
from bertkit.checkpoints.weight_files import (
    ADAPTER_DESCRIPTION,
    ADAPTER_TENSORS,
    PEFT_DESCRIPTION,
    PEFT_TENSORS,
    find_weights,
)
from bertkit.config.calibration import ModelCalibration
from bertkit.config.cascade import CascadeSettings
from bertkit.config.encoder import EncoderConfig
from bertkit.errors import BadCheckpoint, ConfigError, MissingHead, UserError
from bertkit.families.contract import Family, HeadShape, Reads, Weight
from bertkit.families.foreign_config import ForeignConfig, check_fixed, unlike
from bertkit.families.labels import fitting_labels
from bertkit.families.values import one_of, optional
from bertkit.pretrained.cascade import STUDENT
from bertkit.pretrained.name_table import NameTable, name_table
from bertkit.pretrained.sentence_transformers import (
    CrossEncoderSettings,
    SentenceSettings,
)
from bertkit.pretrained.task_options import make_task
from bertkit.pretrained.vector_ranges import read_ranges
from bertkit.tasks.catalogue import TASKS, find_task
from bertkit.tasks.contract import Task
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.vectors.quantising import StoredAs

if TYPE_CHECKING:
    from torch import nn

    from bertkit.model.encoder import Encoder
    from bertkit.model.network import Network
    from bertkit.pretrained.weights import Weights


@dataclass(frozen=True)
class Pretrained:
    """A checkpoint that is open but not built: its tensors are still on disk.

    Attributes:
        tensors: under the family's present names; their shapes are known, their numbers read when one is asked for.
        config: the encoder, without a pooler where the checkpoint has none.
        folder: where the weights, `config.json` and the tokenizer are.
        settings: how a sentence-transformers folder makes embeddings; None for other folders.
        cross_encoder: how a cross-encoder of sentence-transformers makes scores; None for other folders.
        root: the folder that was opened, or of the base of an adapter; the weights may be in one within it.
        card: the model card; None where the folder has none.
        lower_case: whether texts are put in small letters, whatever the tokenizer does.
        prompt: the name of the prompt in use, where one was asked for.
        calibration: how sure its classifier may be; None where that was never found.
        adapter: the folder of what was learnt on top of `folder` and is in the tensors; None where nothing was.
        int8: of a folder whose weights are int8, the tensors as they are stored, of which `tensors` are the numbers.
        cascade: the student that answers first, of a folder that has one; all the rest is of the teacher.
    """

    folder: Path
    foreign: ForeignConfig
    config: EncoderConfig
    tensors: StoredTensors
    settings: SentenceSettings | None
    cross_encoder: CrossEncoderSettings | None = None
    calibration: ModelCalibration | None = None
    adapter: Path | None = None
    root: Path | None = None
    card: Path | None = None
    lower_case: bool = False
    prompt: str | None = None
    int8: StoredTensors | None = None
    cascade: Cascade | None = None

    def fingerprint(self) -> str:
        """Of the weights, those of an adapter too."""
        weights = weights_sha256(self.folder)
        if self.adapter is None:
            return weights
        own = self.adapter / ADAPTER_TENSORS
        return f"{weights}+{sha256(own if own.is_file() else self.adapter / PEFT_TENSORS)}"

    @property
    def description(self) -> Path:
        """The file that says what the checkpoint is."""
        if self.adapter is None:
            return self.folder / "config.json"
        own = self.adapter / ADAPTER_DESCRIPTION
        return own if own.is_file() else self.adapter / PEFT_DESCRIPTION

    @property
    def source(self) -> Path:
        """The folder that was opened."""
        return self.adapter or self.root or self.folder

    def __repr__(self) -> str:
        """Which checkpoint it is, not all that it holds."""
        return f"Pretrained({str(self.adapter or self.folder)!r}, {self.family.name}, {len(self.tensors):,} tensors)"

    def check_single(self, what: str) -> None:
        """Sees that it is one network, for what can be done with one only.

        Args:
            what: is to be done.

        Raises:
            UserError: it is a cascade.
        """
        if self.cascade is not None:
            raise UserError(
                f"{self.source}: {what} takes one network, and this is a cascade of two",
                f"Take the model that it was made of, or its student: {self.source / STUDENT}.",
            )

    @property
    def has_weights(self) -> bool:
        """Whether it has numbers of its own: those of a folder with nothing but a graph are in that."""
        return not isinstance(self.tensors, DescribedTensors)

    @property
    def family(self) -> Family:
        """The family that the tensors belong to."""
        return self.foreign.family

    @property
    def heads(self) -> tuple[str, ...]:
        """Names of the heads that the checkpoint has, without those that are other heads than bertkit's."""
        fixed = {name: self.family.heads[name].fixed for name in self._stored_heads()}
        return tuple(name for name in fixed if unlike(fixed[name], self.foreign.values) is None)

    def _stored_heads(self) -> tuple[str, ...]:
        """Names of the heads that the checkpoint has weights for.

        Where tensors leave it open (a classifier of texts or of tokens?) the architecture in `config.json` says.
        """
        shapes = self.family.heads
        found = [name for name, shape in shapes.items() if self.table(shape.weights).is_whole(self.tensors)]
        found = [name for name in found if self.config.pooler or shapes[name].reads != "pooler"]
        known = self.family.architectures.get(self.foreign.ending, tuple(found))
        return tuple(name for name in found if name in known)

    def table(self, rows: tuple[Weight, ...]) -> NameTable:
        """The family's rows for this checkpoint."""
        return name_table(self.foreign, self.config, rows)

    def tasks(self) -> list[str]:
        """Names of the tasks that the checkpoint can do, the likeliest purpose of the checkpoint first."""
        kinds = {name: spec.task for name, spec in TASKS.items()}
        own = [
            name
            for name, task in kinds.items()
            if task.head_name in self.heads and task.suits(self._values_for(task), self._head_rows(task.head_name))
        ]
        if (scores := self.cross_encoder) is not None:
            own += [scores.task] if scores.parts is not None else []
            own.sort(key=lambda name: name != scores.task)
        free = [name for name, task in kinds.items() if task.head_name is None]
        return [*own, *free] if self.settings is None else [*free, *own]

    def settings_of(self, task: str) -> SentenceSettings | CrossEncoderSettings | None:
        """What sentence-transformers' files say of a task; None where there are none."""
        return next((one for one in (self.settings, self.cross_encoder) if one is not None and one.task == task), None)

    @property
    def weights(self) -> Weights:
        """What modules are made of."""
        return self._weights(int8=False)

    def _weights(self, *, int8: bool) -> Weights:
        from bertkit.pretrained.weights import Weights

        if int8 and self.int8 is not None:
            return Weights(self.config, self.int8, str(self.folder), int8=True)
        return Weights(self.config, self.tensors, str(self.folder))

    def build_encoder(self, *, int8: bool = False) -> Encoder:
        """The encoder in evaluation mode, its weights as stored, mapped from the file but for those stacked.

        Args:
            int8: leave weights that are stored in int8 so; else they become floating point.

        Raises:
            BadCheckpoint: a tensor is missing, or has not the shape that the configuration says.
        """
        return self._weights(int8=int8).encoder(self.table(self.family.encoder))

    def build_head(self, task: Task, *, int8: bool = False) -> nn.Module | None:
        """The task's head with its weights, in evaluation mode; None where it reads the encoder's own vectors.

        Args:
            int8: as for `build_encoder`.

        Raises:
            MissingHead, ConfigError, BadCheckpoint: as `head_shape`.
        """
        from bertkit.pretrained.vector_recipes import vector_head

        said = self.settings_of(task.name)
        if said is None and task.readout.pooling:
            said = SentenceSettings()
        made = None if said is None else vector_head(said, task)
        if made is not None or task.head_name is None:
            return made
        shape = self.head_shape(task.head_name, task)
        return self._weights(int8=int8).head(self.table(shape.weights), shape, task, self.reads(shape))

    def build_network(self, task: Task, *, int8: bool = False) -> Network:
        """The encoder, the task's head and what is read of them, in evaluation mode.

        Args:
            int8: as for `build_encoder`.

        Raises:
            MissingHead, ConfigError, BadCheckpoint: as `build_encoder` and `build_head`.
        """
        from bertkit.model.network import Network

        return Network(self.build_encoder(int8=int8), self.build_head(task, int8=int8), task.readout).eval()

    def head_shape(self, head: str, task: Task) -> HeadShape:
        """What the family's head for a task is made of, which the checkpoint has.

        Raises:
            MissingHead: the checkpoint has no weights for it.
            ConfigError: it has, and `config.json` says that they are of another head than bertkit's.
            BadCheckpoint: they have another number of rows than the task has labels.
        """
        if head in self._stored_heads():
            self._check_head(self.family.heads[head])
        if head not in self.heads:
            raise MissingHead(
                f"{self.folder}: no head for {task.name}", f"This checkpoint can do: {', '.join(self.tasks())}."
            )
        self._check_rows(task, self._head_rows(head))
        return self.family.heads[head]

    def build_task(self, name: str | None, tokenizer: Tokenizer, /, **options: object) -> Task:
        """The task called `name`, or the checkpoint's likeliest.

        What the checkpoint's files say (labels, the pooling of a sentence-transformers folder, the temperature) are
        defaults of options.

        Raises:
            UserError: no such task, or it has no such option or value of one.
            ConfigError: the files say something that the task cannot use.
        """
        kind = find_task(self.tasks()[0] if name is None else name)
        options = self.task_options(kind) | options
        options = self._calibrated(kind, options) | options | self._stored_as(options)
        if self.prompt is not None and "prompt" not in inspect.signature(kind).parameters:
            raise UserError(f"{kind.name} reads no prompt", "Leave the prompt out.")
        return make_task(kind, tokenizer, options)

    def load_tokenizer(self) -> Tokenizer:
        """The folder's tokenizer.

        Raises:
            BadCheckpoint: it has ids that the encoder has no embedding for.
        """
        tokenizer = Tokenizer.load(self.folder)
        if self.lower_case:
            tokenizer.lower()
        ids, rows = tokenizer.vocab_size, self.config.vocab_size
        if ids > rows:
            raise BadCheckpoint(
                f"{self.folder}: the tokenizer has {ids} ids, the embedding {rows} rows",
                "Use the tokenizer that belongs to these weights.",
            )
        return tokenizer

    def max_length(self, task: Task) -> int:
        """The most tokens that one input of the task can have, special tokens included."""
        said = self.settings_of(task.name)
        most = None if said is None else said.max_length
        return self.config.max_length if most is None else min(most, self.config.max_length)

    def task_options(self, kind: type[Task]) -> dict[str, object]:
        """What the checkpoint's files say about a task's options."""
        said = self.settings_of(kind.name)
        rows = self._head_rows(kind.head_name) if kind.head_name in self.heads else 0
        try:
            return ({} if said is None else said.options()) | kind.options(self._values_for(kind), rows)
        except ConfigError as error:
            raise error.at(str(self.description)) from None

    def _calibrated(self, kind: type[Task], options: Mapping[str, object]) -> dict[str, object]:
        """The options of a task that was calibrated, for the problem that it was calibrated for."""
        known = self.calibration
        if known is None or kind.name != known.task or options.get("problem") != known.problem:
            return {}
        return {"temperature": known.temperature, "abstain_below": known.abstain_below}

    def _stored_as(self, options: Mapping[str, object]) -> dict[str, object]:
        """Vectors that are stored as bytes have the ranges of the folder."""
        precision = options.get("precision")
        if precision != "int8" and precision != "uint8":
            return {}
        return {"precision": StoredAs(precision, read_ranges(self.source))}

    def _values_for(self, kind: type[Task]) -> Mapping[str, object]:
        """`config.json` as it is right for the task's head, if there is one."""
        rows = self._head_rows(kind.head_name) if kind.head_name in self.heads else 0
        return fitting_labels(self.foreign.values, rows) if rows else self.foreign.values

    def _head_rows(self, head: str | None) -> int:
        """Rows of the last layer of a head that the checkpoint has; 0 where that is the encoder's token table."""
        rows = self.family.heads[head].weights if head else ()
        shapes = (self.tensors.headers[row.theirs[0]].shape for row in rows if row.ours == "classifier.weight")
        return next((shape[0] for shape in shapes if shape), 0)

    def _check_rows(self, task: Task, rows: int) -> None:
        if rows == task.classes or not task.classes:
            return
        if not task.labels:
            raise MissingHead(f"{self.folder}: the head has {rows} outputs, {task.name} needs {task.classes}")
        named = "" if "id2label" in self.foreign.values else " (no id2label, which means as many)"
        raise BadCheckpoint(
            f"{self.description}: {len(task.labels)} labels{named}, but the classifier has {rows} rows",
            "Use the config.json that belongs to these weights, or name every label in its id2label.",
        )

    def reads(self, shape: HeadShape) -> Reads | None:
        """What `config.json` says that a head reads, for a family that leaves it open."""
        if shape.reads_key is None:
            return None
        try:
            word = optional(one_of(shape.reads_words)).read(self.foreign.values, shape.reads_key, None)
        except ConfigError as error:
            raise error.at(str(self.folder / "config.json")) from None
        return None if word is None else shape.reads_words[word]

    def _check_head(self, shape: HeadShape) -> None:
        try:
            check_fixed(shape.fixed, self.foreign.values)
        except ConfigError as error:
            raise error.at(str(self.folder / "config.json")) from None


@dataclass(frozen=True)
class Cascade:
    """What comes before a checkpoint's own network.

    Attributes:
        settings: when the student's answer stands.
        student: the small model.
    """

    settings: CascadeSettings
    student: Pretrained


def weights_sha256(folder: Path) -> str:
    """One fingerprint of all of a folder's weight files."""
    return "+".join(sha256(file) for file in find_weights(folder).files)
