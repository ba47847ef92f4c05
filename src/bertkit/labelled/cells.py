"""Lists and objects in a cell of a table: as JSON, and as Python and numpy print them, for pandas writes these to CSV.

`["a", "b"]`, `['a', 'b']`, `('a', 'b')`, `{'a', 'b'}`, `['a' 'b']` and `[1 0 1]`; `{"text": ["a"]}`, `{'text':
array(['a'], dtype=object)}`.
"""

from __future__ import annotations

import ast
import json
import re
import warnings

Structure = list[object] | dict[str, object]
_ENDS = {"[": "]", "(": ")", "{": "}"}
_STRING = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_STRINGS = re.compile(rf"\[(?:\s*(?:{_STRING}))+\s*\]")  # without commas Python would make them one
_WORD = re.compile(r"True|False|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def structure_in(text: str) -> Structure | None:
    """The list or the object that a text spells; None where it is a text like any other."""
    text = text.strip()
    if len(text) < 2 or _ENDS.get(text[0]) != text[-1]:
        return None
    value = _json(text)
    if value is None:
        value = _numpy(text)
    if value is None:
        value = _python(text)
    if isinstance(value, tuple | set):
        return sorted(value, key=str) if isinstance(value, set) else list(value)
    return value if isinstance(value, list | dict) else None


def _json(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def _numpy(text: str) -> list[object] | None:
    """An array of one dimension, which numpy prints without commas."""
    if _STRINGS.fullmatch(text):
        strings = [_python(found[0]) for found in re.finditer(_STRING, text)]
        return None if None in strings else strings
    words = text[1:-1].split()
    if text[0] == "[" and words and all(map(_WORD.fullmatch, words)):
        return [word == "True" if word in ("True", "False") else _number(word) for word in words]
    return None


def _number(word: str) -> int | float:
    number = float(word)  # numpy prints whole ones as `1.`
    return int(number) if number.is_integer() else number


def _python(text: str) -> object:
    """What a literal of Python says. Nothing is run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that Python does not know, in somebody's text
            value: object = ast.literal_eval(_Arrays().visit(ast.parse(text, mode="eval")))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
    return value


class _Arrays(ast.NodeTransformer):
    """`array([1, 2], dtype=int32)` becomes the list in it."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """The first argument of an array."""
        if isinstance(node.func, ast.Name) and node.func.id == "array" and node.args:
            return node.args[0]
        return node
