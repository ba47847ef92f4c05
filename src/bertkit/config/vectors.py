"""What sentence-transformers calls the numbers of a text on their way to a vector, and what may be done to them."""

from __future__ import annotations

from typing import Literal, TypeAlias

# What a vector is stored in: floating point, a byte a number, or a bit.
VectorPrecision: TypeAlias = Literal["float32", "float16", "int8", "uint8", "binary", "ubinary"]

# Of every token, of the whole text, and of a cross-encoder's answer.
TOKENS, VECTOR, SCORES = "token_embeddings", "sentence_embedding", "scores"

# The classes of torch that change each number by itself, and need no argument to be made; by their small names too.
ELEMENTWISE = """
    CELU ELU GELU Hardshrink Hardsigmoid Hardswish Hardtanh Identity LeakyReLU LogSigmoid Mish ReLU ReLU6 SELU SiLU
    Sigmoid Softplus Softshrink Softsign Tanh Tanhshrink
""".split()
