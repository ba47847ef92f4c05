"""How a folder says that its weights are int8, and what the tensors are called that go with them. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from bertkit.config.strict import Strict, parse
from bertkit.errors import ConfigError

KEY = "bertkit_int8"  # of config.json
# Beside it. transformers, which would take whole numbers for weights, opens no model that has this key and not the name
# of a method under it.
QUANTIZATION, NO_METHOD = "quantization_config", {"bits": 8, "opened_by": "bertkit"}
SCALE = "_scale"  # after a weight's name: the number that each of its rows is multiplied by
INPUTS = "_inputs"  # after a weight's name: the scales of what its layer reads, where they do not depend on the text


class Int8Folder(Strict):
    """What `config.json` says of int8 weights; the rest is in the tensors.

    Attributes:
        schema_version: of names and meanings of the tensors.
    """

    schema_version: Literal[1] = 1


def says_int8(values: Mapping[str, object], source: str) -> bool:
    """Whether a `config.json` says that the weights beside it are int8, as bertkit writes them.

    Raises:
        ConfigError: it says so in a way that this version does not know.
    """
    if KEY not in values:
        return False
    said, remedy = values[KEY], "Use the bertkit that wrote the folder, or a newer one; or compress the model again."
    if not isinstance(said, dict):
        raise ConfigError(f"{source}: {KEY!r} is not a JSON object", remedy)
    try:
        parse(Int8Folder, said, f"{source}: {KEY}")
    except ConfigError as error:
        raise ConfigError(error.what, remedy) from None
    return True


def int8_keys() -> dict[str, object]:
    """What says so in a `config.json`."""
    return {KEY: Int8Folder().model_dump(), QUANTIZATION: NO_METHOD}


def without_guard(values: Mapping[str, object]) -> dict[str, object]:
    """A `config.json` of our int8 without what is there for transformers."""
    guarded = KEY in values and values.get(QUANTIZATION) == NO_METHOD
    return {name: value for name, value in values.items() if not (guarded and name == QUANTIZATION)}


def base_of(name: str) -> str:
    """The name of the weight that a tensor goes with; of any other tensor its own."""
    return name.removesuffix(SCALE).removesuffix(INPUTS)
