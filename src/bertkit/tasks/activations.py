"""Activation functions that a cross-encoder's score may go through, in numpy, by torch's names in lower case."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.special import erf, expit

Scores = npt.NDArray[np.float64]


def _softplus(x_N: Scores) -> Scores:
    return np.logaddexp(0.0, x_N)


def _elu(x_N: Scores) -> Scores:
    return np.where(x_N > 0, x_N, np.expm1(np.minimum(x_N, 0.0)))


ACTIVATIONS: dict[str, Callable[[Scores], Scores]] = {
    "celu": _elu,
    "elu": _elu,
    "gelu": lambda x_N: 0.5 * x_N * (1.0 + erf(x_N / np.sqrt(2.0))),
    "hardshrink": lambda x_N: np.where(abs(x_N) > 0.5, x_N, 0.0),
    "hardsigmoid": lambda x_N: np.clip(x_N / 6.0 + 0.5, 0.0, 1.0),
    "hardswish": lambda x_N: x_N * np.clip(x_N / 6.0 + 0.5, 0.0, 1.0),
    "hardtanh": lambda x_N: np.clip(x_N, -1.0, 1.0),
    "identity": lambda x_N: x_N,
    "leakyrelu": lambda x_N: np.where(x_N > 0, x_N, 0.01 * x_N),
    "logsigmoid": lambda x_N: -_softplus(-x_N),
    "mish": lambda x_N: x_N * np.tanh(_softplus(x_N)),
    "relu": lambda x_N: np.maximum(x_N, 0.0),
    "relu6": lambda x_N: np.clip(x_N, 0.0, 6.0),
    "selu": lambda x_N: 1.0507009873554805 * np.where(x_N > 0, x_N, 1.6732632423543772 * _elu(x_N)),
    "sigmoid": expit,
    "silu": lambda x_N: x_N * expit(x_N),
    "softplus": _softplus,
    "softshrink": lambda x_N: np.sign(x_N) * np.maximum(abs(x_N) - 0.5, 0.0),
    "softsign": lambda x_N: x_N / (1.0 + abs(x_N)),
    "tanh": np.tanh,
    "tanhshrink": lambda x_N: x_N - np.tanh(x_N),
}
