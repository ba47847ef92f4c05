"""Examples: rows with what a task should answer for them. Fine-tuning learns from them, evaluation compares with them.

Which kind of target an example has is the task's:

| task | target |
|---|---|
| text-classification, single-label | the label, `str` |
| text-classification, multi-label | the labels, a tuple of `str`, possibly empty |
| text-classification, regression; sentence-embedding with scores | the number, `float` |
| token-classification | `Tagged` |
| question-answering | `References` |
| text-ranking | how good each of the row's documents is, a tuple of `float` |
| multiple-choice | the place of the right choice, `int` |
| fill-mask; sentence-embedding of pairs that belong together | None |
"""

from __future__ import annotations

from dataclasses import dataclass

from bertkit.formats.row import Row


@dataclass(frozen=True, slots=True)
class Tagged:
    """The words of a text, each with its tag.

    Attributes:
        words: `(start, end)` of each word in the row's text, in code points, ascending.
        tags: of each word, as the file writes them (`B-PER`, `O`).
    """

    words: tuple[tuple[int, int], ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class References:
    """The right answers to a question, as its annotators gave them; none where the context has no answer.

    Attributes:
        texts: each a part of the row's context.
        starts: where each begins in the context, in code points.
    """

    texts: tuple[str, ...]
    starts: tuple[int, ...]


Target = str | tuple[str, ...] | float | int | Tagged | References | tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class Example:
    """A row and its target.

    Attributes:
        row: the fields that the task reads, and the place in the file.
        target: what the task should answer; see the table above.
        id: the file's own name of the example (SQuAD's `id`), by which predictions made elsewhere refer to it; its
            number in the file, from 0, where it has none.
    """

    row: Row
    target: Target
    id: str
