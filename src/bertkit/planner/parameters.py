"""How many parameters an encoder has, from its configuration alone."""

from __future__ import annotations

from bertkit.config.encoder import EncoderConfig
from bertkit.planner.formulas import Values
from bertkit.planner.inputs import model_inputs


def count_parameters(config: EncoderConfig) -> int:
    """Parameters of the encoder, the pooler included where it has one; task heads are not counted.

    Exact: BERT-base 109,482,240, BERT-large 335,141,888.
    """
    return int(Values(model_inputs(config))["parameters"])
