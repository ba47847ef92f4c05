"""Which columns of a file hold the text and the label, where the user does not say.

A column of the field's own name wins. Otherwise the names below are looked for, in upper or lower case, and exactly one
of them must be there. Where several are, the user is asked: a wrong guess would silently train a wrong model.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from bertkit.errors import InputError, near_match

# Names under which public data sets keep two texts that belong together (GLUE, SNLI, SICK, and pairs for embeddings).
PAIRS = (
    ("sentence1", "sentence2"),
    ("sentence_a", "sentence_b"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("text1", "text2"),
    ("text_a", "text_b"),
    ("anchor", "positive"),
    ("query", "positive"),
)
TEXTS = (
    *("sentence", "review", "content", "comment", "comment_text", "tweet", "utterance", "message", "body"),
    *("ctx", "startphrase"),  # HellaSwag's and SWAG's
    *dict(PAIRS),
)
SCORES = ("score", "similarity", "similarity_score", "relatedness_score")
CLASSES = (
    *(
        "labels",
        "target",
        "class",
        "category",
        "gold",
        "gold_label",
        "sentiment",
        "intent",
        "emotion",
        "entailment_judgment",
    ),
    *SCORES,  # what regression learns
)


@dataclass(frozen=True, slots=True)
class Columns:
    """How to read the fields of a file's rows.

    Attributes:
        there: the columns of the first row.
        given: field -> column, from the user; `read_rows` has put those columns under the fields' own names.
        name: how messages call the file.
        classes: of columns whose numbers count classes, the names of these, where the file has them.
    """

    there: Collection[str]
    given: Mapping[str, str]
    name: str
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def find(self, field: str, others: Collection[str] = ()) -> str | None:
        """The column of a field: its own name, else the one of `others` that is there; None where there is none.

        Raises:
            InputError: several of them are there.
        """
        if field in self.given or field in self.there:
            return field
        wanted = {field, *others}
        found = [column for column in self.there if column.casefold() in wanted]
        if len(found) > 1:
            raise self._ambiguous(field, found)
        return found[0] if found else None

    def named(self, field: str) -> str | None:
        """The field, where the user has named its column; that goes before what is found in its place."""
        return field if field in self.given else None

    def need(self, field: str, others: Collection[str] = ()) -> str:
        """The column of a field that must be there.

        Raises:
            InputError: none of its names is there, or several are.
        """
        column = self.find(field, others)
        if column is None:
            raise self._missing(field)
        return column

    def shown(self, column: str) -> str:
        """How the file itself calls a column."""
        return self.given.get(column, column)

    def named_class(self, column: str, value: object) -> object:
        """A value of a column, by the name of its class where it is the number of one."""
        names = self.classes.get(self.shown(column), ())
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(names):
            return names[value]
        return value

    def texts(self) -> tuple[str, str | None]:
        """The columns of `text` and of `text_pair`, None where the file has none.

        Where the user names the column of `text`, only the column `text_pair` is its pair.

        Raises:
            InputError: no column of text is known, or several could be it.
        """
        pair = self.find("text_pair")
        if "text" in self.given or "text" in self.there:
            return "text", pair
        as_spelt = {column.casefold(): column for column in self.there}
        pairs = [names for names in PAIRS if pair is None and as_spelt.keys() >= set(names)]
        in_pairs = {name for names in pairs for name in names}
        singles = [name for name in ("text", *TEXTS) if name in as_spelt and name not in in_pairs]
        if len(pairs) + len(singles) > 1:
            raise self._ambiguous("text", [as_spelt[name] for name in dict.fromkeys((*in_pairs, *singles))])
        if pairs:
            return as_spelt[pairs[0][0]], as_spelt[pairs[0][1]]
        if singles:
            return as_spelt[singles[0]], pair
        raise self._missing("text")

    def _ambiguous(self, field: str, found: Collection[str]) -> InputError:
        listed = ", ".join(repr(column) for column in self.there if column in found)
        return InputError(
            f"{self.name}: {field!r} could be any of the columns {listed}", f"Name one: {_option(field)}."
        )

    def _missing(self, field: str) -> InputError:
        listed = ", ".join(map(repr, self.there)) or "none"
        hint = near_match(field, self.there, typed=False)
        return InputError(
            f"{self.name}: no column {field!r}{hint}; the columns are {listed}",
            f"Name it: {_option(field)}{self._by_number(field)}.",
        )

    def _by_number(self, field: str) -> str:
        """How to name columns of a file whose first line, which is taken for their names, looks like a row."""
        names = list(self.there)
        if self.given or not all(isinstance(name, str) for name in names) or not _is_like_a_row(names):
            return ""
        longest = max(range(len(names)), key=lambda place: len(names[place])) + 1
        rest = [place for place in range(1, len(names) + 1) if place != longest]
        others = f" {_option('label' if field == 'text' else field)} {rest[-1]}" if rest else ""
        return f"; if the first line is a row, not names: --text-column {longest}{others} (columns by number)"


def _is_like_a_row(names: Collection[str]) -> bool:
    """Whether names of columns look like what a row has: a number, or several words."""
    numbers = [name for name in names if name.replace(".", "", 1).replace("-", "", 1).isdecimal()]
    return 0 < len(numbers) < len(names) or any(len(name.split()) > 2 or not name.strip() for name in names)


def _option(field: str) -> str:
    return f"--{field.replace('_', '-')}-column"
