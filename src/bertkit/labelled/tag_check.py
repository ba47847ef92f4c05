"""Whether all tags of a file are written in one scheme (IOB2, BIOES, …)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bertkit.errors import InputError
from bertkit.labelled.examples import Example, Tagged
from bertkit.tasks.tag_scheme import PREFIX, is_outside


def check_scheme(examples: Sequence[Example]) -> None:
    """Refuses a tag without a prefix among tags with one: `PER` beside `B-PER` would be a type of its own.

    Files in which no tag begins with `B-` or `I-` pass.

    Raises:
        InputError: naming the place of the sentence, and the word.
    """
    if not any(tag[:2] in ("B-", "I-", "B_", "I_") for _, tags in _tagged(examples) for tag in tags.tags):
        return
    for example, tags in _tagged(examples):
        for number, tag in enumerate(tags.tags, 1):
            if not is_outside(tag) and not PREFIX.fullmatch(tag):
                start, end = tags.words[number - 1]
                word = str(example.row.fields["text"])[start:end]
                raise InputError(
                    f"{example.row.place}: the tag {tag!r} of word {number}, {word!r}, has no prefix, and others have",
                    "Write B- where an entity begins, I- where it goes on, and O elsewhere; or no prefix anywhere.",
                )


def _tagged(examples: Iterable[Example]) -> Iterable[tuple[Example, Tagged]]:
    return ((one, one.target) for one in examples if isinstance(one.target, Tagged))
