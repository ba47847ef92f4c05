"""Folders that bertkit reads and writes: the hub's cache and how the hub is reached, and where results go."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from bertkit.doctor.facts import Folder, HubFacts

OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
TOKEN = re.compile(r"hf_[A-Za-z0-9]+|hf_oauth_\S+|api_org_\w+", re.ASCII)


def hub_facts(environment: Mapping[str, str]) -> HubFacts:
    """The hub's cache and settings, as its own library has them."""
    try:
        from huggingface_hub import constants
    except ImportError:  # `packages` says so
        return HubFacts()
    cache = Path(constants.HF_HUB_CACHE)
    token, where = _token(environment, Path(constants.HF_TOKEN_PATH))
    return HubFacts(
        cache=str(cache),
        models=sum(1 for _ in cache.glob("models--*")),
        endpoint=constants.ENDPOINT,
        offline=next((name for name in OFFLINE if name in environment), None) if constants.HF_HUB_OFFLINE else None,
        token=where,
        token_is_odd=token is not None and TOKEN.fullmatch(token) is None,
        unfinished_bytes=sum(file.stat().st_size for file in cache.glob("models--*/blobs/*.incomplete")),
    )


def _token(environment: Mapping[str, str], file: Path) -> tuple[str | None, str | None]:
    """The token, which is shown to nobody, and where it is."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if environment.get(name):
            return environment[name], name
    try:
        return (file.read_text().strip(), str(file)) if file.is_file() else (None, None)
    except OSError:
        return None, None


def writable_folders(cache: str) -> tuple[Folder, ...]:
    """Where models, temporary files and results go."""
    places = {"hub cache": lambda: cache, "temporary files": tempfile.gettempdir, "this folder": os.getcwd}
    return tuple(_found(use, place) for use, place in places.items())


def _found(use: str, place: Callable[[], str]) -> Folder:
    try:
        return _folder(use, Path(place()).expanduser())
    except OSError as error:  # it has been removed, or there is none that can be written
        return Folder(use, str(error.strerror), None, False)


def _folder(use: str, path: Path) -> Folder:
    there = next((one for one in (path, *path.parents) if one.exists()), None)
    if there is None:
        return Folder(use, str(path), None, False)
    return Folder(use, str(path), shutil.disk_usage(there).free, there.is_dir() and os.access(there, os.W_OK | os.X_OK))
