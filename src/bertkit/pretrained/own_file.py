"""Small files of bertkit's own beside a model's weights, which no other library looks at."""

from __future__ import annotations

import json
from pathlib import Path

from bertkit.checkpoints.folders import atomic_file
from bertkit.config.strict import Config, Strict, parse
from bertkit.errors import ConfigError, refuse_pointer


def read_own(kind: type[Config], path: Path, remedy: str) -> Config | None:
    """What the file says; None where there is none.

    Args:
        remedy: what to do where it cannot be read.

    Raises:
        ConfigError: the file is damaged, or of a newer version.
    """
    if not path.is_file():
        return None
    try:
        content = path.read_bytes()
        refuse_pointer(path, content)
        values = json.loads(content)
    except (OSError, ValueError):
        values = None
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: not a JSON object", remedy)
    try:
        return parse(kind, values, str(path))
    except ConfigError as error:
        raise ConfigError(error.what, remedy) from None


def write_own(path: Path, config: Strict) -> None:
    """Write the file, whole or not at all, in the place of one that is there.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_file(path) as file:
        json.dump(config.model_dump(), file, indent=2)
        file.write("\n")
