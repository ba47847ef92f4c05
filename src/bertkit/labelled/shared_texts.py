"""Whether what is measured on is also learnt from: the same input, letter case and white space put aside.

The input is all that the task reads: a text, a text and its pair (of pairs for embeddings in either order), a question
with its context, a text with its choices; of rankings the query alone. Words of a CoNLL file are one text.

Of pairs and of questions it is told, besides, how many share one text, or the context, and not the whole input.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bertkit.labelled.examples import Example
from bertkit.labelled.pair_texts import folded

FOLDED = "letter case and white space put aside"
# How inputs are called, by the first of these fields that a row has.
_CALLED: Mapping[str, str] = {"question": "questions", "query": "queries", "choices": "texts", "text_pair": "pairs"}
_TEXTS = ("text", "text_pair", "question", "context")
_Keys = Callable[[Example], Collection[str]]


@dataclass(frozen=True, slots=True)
class Shared:
    """Examples to measure on that are also learnt from.

    Attributes:
        examples: how many of `of` have an input that is learnt from.
        parts: how many others share a text with what is learnt from.
        called: what an input is: texts, pairs, questions, queries.
    """

    examples: int
    parts: int
    of: int
    called: str

    def in_words(self) -> Iterable[str]:
        """A line for each of the two, where there are any."""
        if self.examples:
            yield f"{self.examples:,} of {self.of:,} {self.called} to measure on are also learnt from ({FOLDED})"
        if self.parts:
            part = "context" if self.called == "questions" else "text"
            which = f"{self.parts:,} of {self.of:,} {self.called} to measure on"
            yield f"{which} share a {part} with what is learnt from ({FOLDED})"


def shared_texts(train: Sequence[Example], held_out: Sequence[Example]) -> Shared:
    """How many of the examples to measure on are also learnt from.

    Args:
        held_out: at least one.
    """
    fields = held_out[0].row.fields
    called = next((name for field, name in _CALLED.items() if field in fields), "texts")
    either_way = all(one.target is None or isinstance(one.target, float) for one in held_out)

    def whole(example: Example) -> Collection[str]:
        return (input_of(example, either_way=either_way),)

    inputs, parts = (_learnt(held_out, train, keys) for keys in (whole, _parts))
    also = [one for one in held_out if not inputs.isdisjoint(whole(one))]
    rest = [one for one in held_out if inputs.isdisjoint(whole(one)) and not parts.isdisjoint(_parts(one))]
    return Shared(len(also), len(rest), len(held_out), called)


def input_of(example: Example, *, either_way: bool = False) -> str:
    """All that the task reads of an example, folded, as one string.

    Args:
        either_way: whether the order of a pair says nothing.
    """
    fields = example.row.fields
    if "query" in fields:
        return folded(str(fields["query"]))
    texts = [folded(str(fields[name])) for name in _TEXTS if fields.get(name) is not None]
    choices = fields.get("choices")
    if isinstance(choices, list):
        texts += map(folded, map(str, choices))
    return "\n".join(sorted(texts) if either_way else texts)  # folded texts are single lines


def _parts(example: Example) -> Collection[str]:
    """The texts of a pair, or the context of a question: what hangs together with others."""
    fields = example.row.fields
    if "context" in fields:
        return (folded(str(fields["context"])),)
    if fields.get("text_pair") is not None:
        return {folded(str(fields["text"])), folded(str(fields["text_pair"]))}
    return ()


def _learnt(held_out: Sequence[Example], train: Sequence[Example], keys: _Keys) -> set[str]:
    """Which keys of the examples to measure on are those of an example that is learnt from."""
    wanted = {key for one in held_out for key in keys(one)}
    return {key for one in train for key in keys(one) if key in wanted}
