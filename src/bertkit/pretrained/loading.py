"""From a checkpoint's folder to an open checkpoint, with the adapter that it may be. The only loader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bertkit.checkpoints.embedded import embedded_folder
from bertkit.checkpoints.hub import locate
from bertkit.checkpoints.tensors import read_tensors
from bertkit.checkpoints.weight_files import ADAPTER_DESCRIPTION
from bertkit.config.arguments import check_argument
from bertkit.errors import BadCheckpoint, UserError
from bertkit.families.foreign_config import read_config
from bertkit.model.encoder import Encoder
from bertkit.pretrained.adapters import SAY_WHERE, Adapter, base_folders, read_adapter
from bertkit.pretrained.calibrated import read_calibration
from bertkit.pretrained.cards import find_card
from bertkit.pretrained.checkpoint import Pretrained, weights_sha256
from bertkit.pretrained.direct_reading import KEY, CheckpointForm, direct, recognised
from bertkit.pretrained.sentence_keys import TASKS_OF_TEXTS
from bertkit.pretrained.sentence_modules import Chain, read_chain
from bertkit.pretrained.sentence_transformers import (
    Prompts,
    read_cross_encoder,
    read_settings,
)
from bertkit.pretrained.tensorflow_names import from_tensorflow
from bertkit.pretrained.weights import canonical, refuse_wrapped
from bertkit.tasks.catalogue import find_spec


def open_pretrained(folder: Path, prompt: str | None = None) -> Pretrained:
    """The checkpoint in `folder`, in the hub's layout or as Google shipped it; no weights are in memory yet.

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
    adapter = read_adapter(folder)
    if adapter is not None:
        if folder.resolve() in above:
            raise BadCheckpoint(
                f"{folder / ADAPTER_DESCRIPTION}: the base of the adapter is the adapter itself", SAY_WHERE
            )
        base = _open_base(adapter, folder, (*above, folder.resolve()))
        return _adapted(base, adapter, folder, prompt)
    chain = read_chain(folder, prompt)
    place = folder if chain is None else chain.modules[0].folder
    foreign = read_config(place)
    named = from_tensorflow(foreign.family, read_tensors(place), str(place), foreign.ending)
    tensors = canonical(foreign.family, named)
    refuse_wrapped(foreign.family, tensors, str(folder))
    pooler = next((row for row in foreign.family.encoder if row.ours == "pooler.dense.weight"), None)
    has_pooler = pooler is not None and pooler.theirs[0] in tensors
    config = foreign.encoder.model_copy(update={"pooler": has_pooler})
    form = recognised(CheckpointForm(foreign, config, tensors))
    known, card = read_calibration(folder), find_card(folder)
    opened = Pretrained(place, form.foreign, form.config, form.tensors, None, calibration=known, root=folder, card=card)
    return _with_settings(opened, folder, chain, foreign.values, prompt)


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
        encoder = adapter.on(base.build_encoder().state_dict())
    except BadCheckpoint as error:
        raise error.at(str(folder)) from None
    config = base.config.model_copy(update={"pooler": any(name.startswith("pooler.") for name in encoder)})
    reads, family = adapter.values.get(KEY), base.family
    family = direct(family, reads) if reads in ("mean", "first") else family
    foreign = replace(base.foreign, family=family, values={**base.foreign.values, **adapter.values})
    known, card = read_calibration(folder), find_card(folder)
    made = replace(base, foreign=foreign, config=config, calibration=known, adapter=folder, card=card)
    chain = read_chain(folder, None)
    if chain is not None or adapter.head_name is not None:
        made = _with_settings(made, folder, chain, adapter.values, prompt)
    elif prompt is not None and base.settings is not None:  # of an older version, which kept no settings of its own
        made = replace(made, settings=base.settings.choose(prompt, str(folder)), prompt=prompt)
    tensors = made.table(family.encoder).to_theirs(encoder)
    if adapter.head_name is not None:
        tensors |= made.table(family.heads[adapter.head_name].weights).to_theirs(adapter.head())
    return replace(made, tensors=tensors)


def find_folder(model: str | Path | None, revision: str | None = None, task: str | None = None) -> Path:
    """The folder of a model: a path, a hub name, or for None the embedded default, which `task` may have one of.

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


def load_encoder(model: str | Path | None = None, *, revision: str | None = None) -> Encoder:
    """The bare encoder of a checkpoint, float32, on the CPU, in evaluation mode: ready to be trained or taken apart.

    Args:
        model: a folder or a hub name; None is the embedded default.
    """
    return open_pretrained(find_folder(model, revision)).build_encoder().float()
