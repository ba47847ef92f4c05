"""From a checkpoint's folder to an open checkpoint, with the adapter that it may be. The only loader. Torch-free.

Opening reads what a folder says, and the names and shapes of its tensors; weights wait until somebody builds of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bertkit.checkpoints.embedded import embedded_folder
from bertkit.checkpoints.graph_files import graph_files
from bertkit.checkpoints.headers import TensorHeader
from bertkit.checkpoints.hub import locate
from bertkit.checkpoints.stored import StoredTensors, open_tensors
from bertkit.checkpoints.weight_files import ADAPTER_DESCRIPTION, PEFT_DESCRIPTION, has_weights
from bertkit.config.arguments import check_argument
from bertkit.config.int8 import KEY as INT8
from bertkit.config.int8 import says_int8
from bertkit.errors import BadCheckpoint, MissingHead, UserError, near_match
from bertkit.families.foreign_config import ForeignConfig, read_config
from bertkit.pretrained.adapters import HEAD, SAY_WHERE, Adapter, base_folders, read_adapter
from bertkit.pretrained.calibrated import read_calibration
from bertkit.pretrained.cards import find_card
from bertkit.pretrained.cascade import STUDENT, read_cascade
from bertkit.pretrained.checkpoint import Cascade, Pretrained, weights_sha256
from bertkit.pretrained.direct_reading import KEY, CheckpointForm, direct, recognised
from bertkit.pretrained.graph_only import described_tensors
from bertkit.pretrained.int8_names import as_floats, check_stored
from bertkit.pretrained.name_table import canonical, refuse_wrapped, stored_names
from bertkit.pretrained.peft_layout import read_peft
from bertkit.pretrained.sentence_keys import TASKS_OF_TEXTS
from bertkit.pretrained.sentence_modules import MODULES, Chain, read_chain
from bertkit.pretrained.sentence_transformers import (
    Prompts,
    read_cross_encoder,
    read_settings,
)
from bertkit.pretrained.tensorflow_names import from_tensorflow
from bertkit.tasks.catalogue import find_spec, find_task, tasks_with
from bertkit.tasks.reading import Reader
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.windows import LongText

if TYPE_CHECKING:
    from torch import Tensor

    from bertkit.model.encoder import Encoder


def open_pretrained(folder: Path, prompt: str | None = None) -> Pretrained:
    """The checkpoint in `folder`, in the hub's layout or as Google shipped it; no weights are in memory yet.

    A folder that has a graph for another runtime, and no weights, is opened too: all but its numbers is known.

    Args:
        prompt: the name of the prompt that is put before texts, which also says which way a router takes; the
            folder's default when left out.

    Raises:
        ModelNotFound, ConfigError, UnknownFamily, BadCheckpoint, UnsafeCheckpoint: as the folder is.
        UserError: the folder has no such prompt.
    """
    return _open(folder, prompt, ())


def _open(folder: Path, prompt: str | None, above: tuple[Path, ...]) -> Pretrained:
    """As `open_pretrained`.

    Args:
        above: adapters that go on this one.
    """
    found = _on_base(folder, above)
    if found is not None:
        return _adapted(*found, folder, prompt)
    chain = read_chain(folder, prompt)
    place = folder if chain is None else chain.modules[0].folder
    foreign = read_config(place)
    is_graph = not has_weights(place) and bool(graph_files(place))
    int8 = None
    if not is_graph and says_int8(foreign.values, str(place / "config.json")):
        form, int8 = _int8_form(foreign, place)
    else:
        form = _described_form(foreign, place) if is_graph else recognised(_read_form(foreign, place))
    known, card = read_calibration(folder), find_card(folder)
    opened = Pretrained(place, form.foreign, form.config, form.tensors, None, calibration=known, root=folder, card=card)
    settings = read_cascade(folder)
    student = None if settings is None else Cascade(settings, open_pretrained(folder / STUDENT))
    opened = replace(opened, int8=int8, cascade=student)
    return _with_settings(opened, folder, chain, foreign.values, prompt)


def open_adapter(folder: Path) -> tuple[Pretrained, Adapter] | None:
    """The base of the adapter in a folder, and the adapter; None where the folder holds none.

    Raises:
        ModelNotFound, BadCheckpoint: as `open_pretrained`.
    """
    return _on_base(folder, ())


def _on_base(folder: Path, above: tuple[Path, ...]) -> tuple[Pretrained, Adapter] | None:
    own = read_adapter(folder)
    peft = read_peft(folder) if own is None else None
    if own is None and peft is None:
        return None
    if folder.resolve() in above:
        raise BadCheckpoint(f"{folder}: the base of the adapter is the adapter itself", SAY_WHERE)
    above = (*above, folder.resolve())
    if own is not None:
        return _open_base(own, folder, above), own
    assert peft is not None
    revision = peft.config.get("revision") if not Path(peft.base).is_dir() else None
    base = _open(find_folder(peft.base, revision), None, above)
    return base, peft.on(base)


def _read_form(foreign: ForeignConfig, folder: Path) -> CheckpointForm:
    """What the weights of a folder are."""
    named = from_tensorflow(foreign.family, open_tensors(folder), str(folder), foreign.ending)
    tensors = canonical(foreign.family, named)
    refuse_wrapped(foreign.family, tensors, str(folder))
    pooler = next((row for row in foreign.family.encoder if row.ours == "pooler.dense.weight"), None)
    has_pooler = pooler is not None and pooler.theirs[0] in tensors
    config = foreign.encoder.model_copy(update={"pooler": has_pooler})
    return CheckpointForm(foreign, config, tensors)


def _int8_form(foreign: ForeignConfig, folder: Path) -> tuple[CheckpointForm, StoredTensors]:
    """What the weights of a folder of int8 are as numbers, and as they are stored.

    The configuration is without the key that says so: what is made of the model may be no int8 any more. A classifier
    that reads the mean, or the first token, is stored as it is: nobody else opens the folder.
    """
    stored = _read_form(foreign, folder)
    check_stored(stored.tensors, str(folder))
    values = {name: value for name, value in foreign.values.items() if name != INT8}
    reads = values.get(KEY)
    family = direct(foreign.family, reads) if reads in ("mean", "first") else foreign.family
    foreign = replace(foreign, family=family, values=values)
    return CheckpointForm(foreign, stored.config, as_floats(stored.tensors)), stored.tensors


def _described_form(foreign: ForeignConfig, folder: Path) -> CheckpointForm:
    """What the weights would be of a folder that has a graph instead."""
    return CheckpointForm(foreign, foreign.encoder, described_tensors(foreign, folder))


def _with_settings(
    opened: Pretrained, root: Path, chain: Chain | None, values: Mapping[str, object], prompt: str | None
) -> Pretrained:
    """The checkpoint with what sentence-transformers' files in a folder say, and a prompt in use.

    Args:
        values: of `config.json`.
    """
    width = opened.config.width
    cross_encoder = read_cross_encoder(root, chain, values, width, prompt)
    settings = read_settings(root, chain, width, prompt) if cross_encoder is None else None
    says = settings or cross_encoder
    if says is None and prompt is not None:
        Prompts().choose(prompt, str(root), *TASKS_OF_TEXTS)
    lower_case = opened.lower_case or (says is not None and says.reads.lower_case)
    return replace(opened, settings=settings, cross_encoder=cross_encoder, lower_case=lower_case, prompt=prompt)


def _open_base(adapter: Adapter, folder: Path, above: tuple[Path, ...]) -> Pretrained:
    """The model that an adapter in a folder goes on.

    Raises:
        BadCheckpoint: it has other weights than those that the adapter was trained on.
        ModelNotFound: it is not where it was.
    """
    opened = [_open(place, None, above) for place in base_folders(adapter.base, folder, find_folder)]
    for one in opened:
        if adapter.base_sha256 in (one.fingerprint(), weights_sha256(one.folder)):
            return one
    raise BadCheckpoint(
        f"{folder}: was trained on other weights than {opened[0].source} has", "Use the model that it was trained on."
    )


def _adapted(base: Pretrained, adapter: Adapter, folder: Path, prompt: str | None) -> Pretrained:
    """The base with what the adapter has learnt.

    Raises:
        BadCheckpoint: its parts do not fit the base.
    """
    heads, model_type = base.family.heads, base.foreign.model_type
    if adapter.head_name is not None and adapter.head_name not in heads:
        raise BadCheckpoint(
            f"{folder / ADAPTER_DESCRIPTION}: the family {base.family.name} has no head {adapter.head_name!r}"
        )
    if adapter.values.get("model_type", model_type) != model_type:
        raise BadCheckpoint(f"{folder / ADAPTER_DESCRIPTION}: its model_type is not the base's, {model_type!r}")
    try:
        adapter.check(base.table(base.family.encoder).shapes(base.tensors.headers))
    except BadCheckpoint as error:
        raise error.at(str(folder)) from None
    has_pooler = base.config.pooler or any(name.startswith("pooler.") for name in adapter.whole)
    config = base.config.model_copy(update={"pooler": has_pooler})
    reads, family = adapter.values.get(KEY), base.family
    family = direct(family, reads) if reads in ("mean", "first") else family
    foreign = replace(base.foreign, family=family, values={**base.foreign.values, **adapter.values})
    known, card = read_calibration(folder), find_card(folder)
    made = replace(
        base, foreign=foreign, config=config, calibration=known, adapter=folder, card=card, int8=None, cascade=None
    )
    chain = read_chain(folder, None)
    if chain is not None or adapter.head_name is not None:
        made = _with_settings(made, folder, chain, adapter.values, prompt)
    elif prompt is not None and base.settings is not None:  # of an older version, which kept no settings of its own
        made = replace(made, settings=base.settings.choose(prompt, str(folder)), prompt=prompt)
    return replace(made, tensors=_with_adapter(made, base, adapter))


def _with_adapter(made: Pretrained, base: Pretrained, adapter: Adapter) -> StoredTensors:
    """The tensors of a base with an adapter on it, float32: of the encoder, and of the adapter's own head.

    Args:
        made: what they are to be the tensors of.
    """
    tables = {"": made.table(made.family.encoder)}
    if adapter.head_name is not None:
        tables[HEAD] = made.table(made.family.heads[adapter.head_name].weights)
    headers: dict[str, TensorHeader] = {}
    for prefix, table in tables.items():
        for row in table:
            new = adapter.tensors.headers.get(prefix + row.ours)
            if new is not None and new.shape:
                for name, part in table.slices(row, new.shape[0]):
                    headers[name] = TensorHeader((part.stop - part.start, *new.shape[1:]), "float32")
            elif not prefix:
                for name, found in zip(row.theirs, stored_names(row, base.tensors), strict=True):
                    if found is not None:
                        headers[name] = TensorHeader(base.tensors.headers[found].shape, "float32")

    def read() -> Mapping[str, Tensor]:
        tensors = made.table(made.family.encoder).to_theirs(adapter.on(base.build_encoder().state_dict()))
        return tensors | (tables[HEAD].to_theirs(adapter.head()) if HEAD in tables else {})

    return StoredTensors(headers, read)


def find_folder(model: str | Path | None, revision: str | None = None, task: str | None = None) -> Path:
    """The folder of a model: a path, a hub name, or for None the built-in default, which `task` may have one of.

    Raises:
        UserError: a revision of no model, or an argument is none of these.
        ModelNotFound: there is no such model.
    """
    check_argument("model", model, str | Path | None)
    check_argument("revision", revision, str | None)
    if model is None and revision is not None:
        raise UserError("revision is given, and no model", "Name the model of the hub that it is a revision of.")
    if model is not None:
        return locate(str(model), revision=revision)
    return embedded_folder(None if task is None else find_spec(task).model)


def open_reader(
    model: str | Path | None = None,
    *,
    task: str | None = None,
    revision: str | None = None,
    long: str = "error",
    prompt: str | None = None,
    **options: object,
) -> tuple[Pretrained, Reader]:
    """A checkpoint up to its network: open, and what reads rows for its task, which is `reader.task`.

    What a server, an exported model and `bertkit.load` begin with: a back end for it completes a `Pipeline`.

    Args:
        model, task, revision, long, prompt: as `bertkit.load` has them.
        options: what the task's class takes.

    Raises:
        BertkitError: as `open_pretrained`, `Pretrained.load_tokenizer` and `Pretrained.build_task` do.
        UserError: `long` is another word.
    """
    policies = [policy.value for policy in LongText]
    if long not in policies:
        raise UserError(f"long is {long!r}{near_match(long, policies)}", f"Choose {', '.join(policies)}.")
    pretrained = open_pretrained(find_folder(model, revision, task), prompt)
    if model is None and task is not None:
        _check_default(pretrained, task)
    made = pretrained.build_task(task, pretrained.load_tokenizer(), **options)
    return pretrained, Reader(made, pretrained.max_length(made), LongText(long), offsets=made.needs_offsets)


def _check_default(pretrained: Pretrained, task: str) -> None:
    """Sees that the model that nobody named can do what was asked for.

    Raises:
        MissingHead: it cannot; what helps is to name another.
    """
    if find_task(task).name not in pretrained.tasks():
        train = f"; to train one: bertkit finetune --task {task} --train FILE -o DIR"
        raise MissingHead(
            f"no model is named, and none of those that come with bertkit does {task}",
            f"Name one that does with -m (docs/tasks.md says which){train if task in tasks_with('objective') else ''}.",
        )


def open_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer in a folder, as the model there reads texts; there need be no model.

    Raises:
        BertkitError: as `open_pretrained`, `Pretrained.load_tokenizer` and `Tokenizer.load` do.
    """
    if any(
        (folder / name).is_file() for name in (ADAPTER_DESCRIPTION, PEFT_DESCRIPTION, MODULES)
    ):  # which say more than its files
        return open_pretrained(folder).load_tokenizer()
    return Tokenizer.load(folder)


def load_encoder(model: str | Path | None = None, *, revision: str | None = None) -> Encoder:
    """The bare encoder of a checkpoint, float32, on the CPU, in evaluation mode: ready to be trained or taken apart.

    Args:
        model: a folder or a hub name; None is the built-in default.
    """
    return open_pretrained(find_folder(model, revision)).build_encoder().float()
