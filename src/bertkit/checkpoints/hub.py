"""From what the user calls a model to a folder: a path, a snapshot in the hub's cache, or a download.

Only what bertkit reads is downloaded, weights last: a snapshot that has its weights has everything. The name of a
branch (`main`) is moved to a new commit only when that commit is complete in the cache, so an interrupted download
changes nothing that was usable before.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from bertkit.checkpoints.weight_files import INDEX_ENDING, WEIGHT_NAMES, find_weights, has_weights
from bertkit.errors import BadCheckpoint, ModelNotFound, OutputError

logger = logging.getLogger(__name__)

# The hub's glob patterns; `*` also matches `/`. The folders of sentence-transformers' modules are called `1_Dense`, and
# in a router's folder `query_0_Transformer`.
IN_MODULES = ("config.json", "tokenizer.json", "vocab.txt", "*_config.json", "*.model", "merges.txt", "vocab.json")
MODULE_FOLDER = re.compile(r"(\w+_)?\d+_\w+(/(\w+_)?\d+_\w+)*")
SMALL_FILES = [
    "README.md",
    "config.json",
    "bert_config.json",
    "albert_config.json",
    "electra_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab_chinese.txt",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "30k-clean.model",
    "sentencepiece.bpe.model",
    "modules.json",
    "sentence_*_config.json",
    "config_sentence_transformers.json",
    "router_config.json",
    *(f"{folder}/{name}" for folder in ("[0-9]_*", "*_[0-9]_*") for name in IN_MODULES),
    "bertkit_calibration.json",
]

RUN_MODEL = "model"  # where a run that has finished keeps its model
_HUB_NAME = re.compile(r"(?!\.)[\w.-]+(/(?!\.)[\w.-]+)?", re.ASCII)
_TOKEN_REMEDY = "Accept the model's terms on its page if it has any, and set HF_TOKEN to a token that may read it."


def locate(model: str, *, revision: str | None = None) -> Path:
    """The folder that holds a model.

    An existing folder is itself, or, of a training run, the model in it. What else does not look like a path is a hub
    name (`name` or `org/name`): the hub is asked and what is not cached is downloaded; when it cannot be reached,
    or HF_HUB_OFFLINE is set, a complete snapshot in the cache serves. HF_HOME, HF_TOKEN and HF_ENDPOINT are honoured.

    Args:
        revision: a branch, tag or commit of a hub model; the main branch when left out.

    Raises:
        ModelNotFound: no such folder or hub model, no access, or no network and nothing cached.
        OutputError: the cache cannot be written.
    """
    folder = Path(model).expanduser() if model.startswith("~") else Path(model)
    if model and folder.is_dir():
        if revision is not None:
            raise ModelNotFound(f"{model}: a folder has no revision {revision!r}", "Leave out --revision.")
        return folder if (folder / "config.json").is_file() or not (folder / RUN_MODEL).is_dir() else folder / RUN_MODEL
    if folder.is_file():
        raise ModelNotFound(f"{model}: is a file, a model is a folder", f"Name the folder: {folder.parent}")
    if not _HUB_NAME.fullmatch(model):
        raise ModelNotFound(f"{model!r}: no such folder", "Check the path; a hub model is called `name` or `org/name`.")
    return _from_hub(model, revision)


def is_cached(folder: Path) -> bool:
    """Whether a folder is in the hub's cache, which other programs read too."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE).resolve() in folder.resolve().parents


def cached_snapshot(repository: str, *, revision: str | None = None) -> Path | None:
    """The complete snapshot of a hub model in the local cache, or None. Never asks the network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        found = snapshot_download(repository, revision=revision, local_files_only=True, allow_patterns=SMALL_FILES)
        _check_weights(Path(found))
    except (LocalEntryNotFoundError, BadCheckpoint):
        return None
    return Path(found)


def _check_weights(snapshot: Path) -> None:
    """Sees that weights are there, of an encoder at the top or in a folder of its own, and of layers after it.

    Raises:
        BadCheckpoint: they are not.
    """
    modules = [path for path in snapshot.rglob("*") if path.is_dir() and MODULE_FOLDER.fullmatch(path.name)]
    for folder in modules:
        if folder.name.endswith(("_Dense", "_LayerNorm")):
            find_weights(folder)
    if not any(has_weights(folder) for folder in modules if re.match(r"(\w+_)?0_", folder.name)):
        find_weights(snapshot)


def choose_weights(names: Sequence[str]) -> list[str]:
    """Of a repository's files the ones that hold its weights, in one format only; empty when it has none we read.

    Modules of sentence-transformers have weights of their own, in their folders.
    """
    folders = {name.rpartition("/")[0] for name in names}
    chosen = _choose_weights("", names)
    for folder in sorted(folder for folder in folders if MODULE_FOLDER.fullmatch(folder)):
        chosen += _choose_weights(f"{folder}/", names)
    return chosen


def _choose_weights(folder: str, names: Sequence[str]) -> list[str]:
    """The same, of the files in one folder."""
    for name in WEIGHT_NAMES:
        if f"{folder}{name}" in names:
            return [f"{folder}{name}"]
        if f"{folder}{name}{INDEX_ENDING}" in names:
            stem, ending = name.rsplit(".", 1)
            shard = re.compile(rf"{re.escape(folder)}{stem}-\d+-of-\d+\.{ending}")
            return [f"{folder}{name}{INDEX_ENDING}", *(other for other in names if shard.fullmatch(other))]
    return []


def _from_hub(repository: str, revision: str | None) -> Path:
    # HTTPError is of the client that the library asks through: httpx2's, in its 1.x httpx's.
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        HTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
        XetDownloadError,
    )

    try:
        return _download(repository, revision)
    except HFValidationError as error:
        raise ModelNotFound(f"{repository!r}: neither a folder nor a hub name") from error
    except GatedRepoError as error:
        raise ModelNotFound(f"{repository}: the hub does not give access to this model", _TOKEN_REMEDY) from error
    except RepositoryNotFoundError as error:
        raise ModelNotFound(
            f"{repository}: no such folder, and no such model on the hub",
            "Check the path or the name; for a private model set HF_TOKEN to a token that may read it.",
        ) from error
    except RevisionNotFoundError as error:
        raise ModelNotFound(
            f"{repository}: has no revision {revision!r} on the hub", "Name a branch, a tag or a commit of it."
        ) from error
    except (HTTPError, ConnectionError, LocalEntryNotFoundError, XetDownloadError) as error:
        if isinstance(error, HfHubHTTPError) and error.response.status_code in (401, 403):
            raise ModelNotFound(f"{repository}: the hub refuses the access token", _TOKEN_REMEDY) from error
        return _from_cache(repository, revision, error)
    except OSError as error:
        raise OutputError(
            f"{repository}: cannot be downloaded into the hub cache: {error.strerror or error}",
            "Set HF_HOME to a folder that can be written and has room.",
        ) from error


def _download(repository: str, revision: str | None) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    info = HfApi().model_info(repository, revision=revision)
    weights = choose_weights([file.rfilename for file in info.siblings or []])
    if not weights:
        raise ModelNotFound(
            f"{repository}: has neither model.safetensors nor pytorch_model.bin on the hub",
            "Choose a model that has weights in one of these formats.",
        )
    with _quietly():
        snapshot_download(repository, revision=info.sha, allow_patterns=SMALL_FILES)
    with nullcontext() if sys.stderr.isatty() else _quietly():
        snapshot_download(repository, revision=info.sha, allow_patterns=weights)
    with _quietly():  # everything is there: this only points the branch's name in the cache at the commit
        return Path(snapshot_download(repository, revision=revision, allow_patterns=[*SMALL_FILES, *weights]))


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the bars of the hub's library, whose own function for this is a context only in newer versions."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    if are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


def _from_cache(repository: str, revision: str | None, error: Exception) -> Path:
    from huggingface_hub.errors import OfflineModeIsEnabled

    snapshot = cached_snapshot(repository, revision=revision)
    offline = isinstance(error, OfflineModeIsEnabled)
    reason = "HF_HUB_OFFLINE is set" if offline else f"the connection to the hub failed ({type(error).__name__})"
    if snapshot is None:
        name = repository if revision is None else f"{repository} at {revision!r}"
        raise ModelNotFound(
            f"{name}: no such folder, {reason}, and the hub cache has no complete copy",
            "Check the path or the hub name, or try again when the hub can be reached.",
        ) from error
    if not offline:
        logger.warning("%s: %s, using the copy in the hub cache.", repository, reason)
    return snapshot
