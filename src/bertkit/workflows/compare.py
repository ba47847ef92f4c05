"""Two models beside one another, the whole job: where they part first, from the text's tokens to the answer.

Each may be a checkpoint or a folder with a graph. What is looked at, in this order: what their folders say, how they
read texts, what each layer gives (of two checkpoints), what the networks give.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice

from bertkit.batching.grouping import group_by_tokens
from bertkit.batching.packed import PackedBatch
from bertkit.config.comparing import CompareConfig
from bertkit.errors import InputError
from bertkit.exports.trial import SENTENCES, Trial
from bertkit.formats.rows import Row, read_rows
from bertkit.inference.model import Model, load
from bertkit.inference.pipeline import Failure, Pipeline
from bertkit.model.network import Network
from bertkit.pretrained.loading import find_folder, open_pretrained
from bertkit.tasks.contract import Task
from bertkit.tokenization.windows import Window
from bertkit.workflows.agreement import Agreement, agreement
from bertkit.workflows.layers import Part, causes, head_causes, parts

MOST_ROWS = 500
BATCH_TOKENS = 2_048
EXACT = 1e-4  # of float32 numbers that are computed in another order
READ = ("head", "classes", "pooling", "skip", "task")  # settings that change what is made of the last layer
CLOSE = 0.95  # the cosine of numbers that agree but for their precision


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """What was found.

    Attributes:
        texts: how many inputs both read.
        settings: what the folders say differently: name, A's value, B's.
        tokens: the first input that they read differently, in words; None where there is none.
        layers: how far each part agrees, where both are checkpoints.
        parts_at: the first of all that differs: `tokens`, `embeddings`, `layer 3` …, `outputs`; None where they agree.
        causes: what is not the same there, in words.
        outputs: how far the networks' numbers agree; None where they cannot be compared.
        verdict: all of it in a line.
    """

    a: str
    b: str
    task: str
    texts: int
    settings: Sequence[tuple[str, str, str]]
    tokens: str | None
    layers: Sequence[Part]
    parts_at: str | None
    causes: Sequence[str]
    outputs: Agreement | None
    verdict: str

    def record(self) -> dict[str, object]:
        """The facts as JSON values."""
        return asdict(self)


def compare(config: CompareConfig) -> ModelComparison:
    """Compares two models.

    Raises:
        UserError: a model has no such task.
        InputError: the data cannot be read.
        BertkitError: as the models are.
    """
    a, one = _loaded(config.a, config.task)
    b, other = _loaded(config.b, a.task.name)
    given = None if config.data is None else read_rows(config.data, format=config.format)
    rows = _own_rows(a.task) if given is None else list(islice(given, MOST_ROWS))
    return compared(a, b, rows, None if one is None or other is None else (one, other))


def _loaded(name: str, task: str | None) -> tuple[Model, Network | None]:
    """A model in float32, or in the precision of its graph; and its network, plain, where it has weights."""
    pretrained = open_pretrained(find_folder(name, task=task))
    dtype = "float32" if pretrained.has_weights else "auto"
    model = load(name, task=task, dtype=dtype, device="cpu", long="truncate")
    return model, pretrained.build_network(model.task).float() if pretrained.has_weights else None


def compared(a: Model, b: Model, rows: Sequence[Row], networks: tuple[Network, Network] | None) -> ModelComparison:
    """Compares two models that are loaded, over rows.

    Args:
        networks: of both, where both have weights.
    """
    settings = list(_settings(a, b))
    read = [_windows(model, rows) for model in (a, b)]
    tokens = _first_difference(a, *read)
    trial = _trial(a.task, read[0])
    layers: list[Part] = []
    outputs = None
    if tokens is None:
        layers = [] if networks is None else parts(*networks, trial.batches)
        if a.task.readout == b.task.readout:
            outputs = agreement(a.task.readout, a.answerer.engine.backend, b.answerer.engine.backend, trial)
    parts_at, why = _parting(networks, settings, tokens, layers, outputs)
    return ModelComparison(
        a=str(a.source),
        b=str(b.source),
        task=a.task.name,
        texts=len(trial.lengths),
        settings=settings,
        tokens=tokens,
        layers=layers,
        parts_at=parts_at,
        causes=why,
        outputs=outputs,
        verdict=_verdict(parts_at, why, outputs),
    )


def _settings(a: Model, b: Model) -> Iterator[tuple[str, str, str]]:
    """What differs of what the tasks and the readers were made with."""
    said = [
        {"task": re.sub(" at 0x[0-9a-f]+", "", repr(model.task)), "reads": f"{model.max_length} tokens"}
        for model in (a, b)
    ]
    for model, one in zip((a, b), said, strict=True):
        readout = model.task.readout
        one |= {name: str(getattr(readout, name)) for name in ("head", "classes", "pooling", "skip")}
        one |= {"vocabulary": model.tokenizer.vocab_sha256()[:12], "precision": model.dtype}
    for name, value in said[0].items():
        if said[1][name] != value:
            yield name, value, said[1][name]


def _windows(model: Model, rows: Sequence[Row]) -> list[Window]:
    pipeline: Pipeline = model.answerer.pipeline
    windows = []
    for request in pipeline.prepare_all(rows):
        if isinstance(request, Failure):
            raise request.error
        windows += request.windows
    return windows


def _first_difference(a: Model, ours: Sequence[Window], theirs: Sequence[Window]) -> str | None:
    """The first input that is read differently."""
    if len(ours) != len(theirs):
        return f"A reads {len(ours)} inputs, B {len(theirs)}"
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True), 1):
        if one.ids != other.ids:
            place = next(
                (n for n, pair in enumerate(zip(one.ids, other.ids, strict=False)) if pair[0] != pair[1]),
                min(len(one.ids), len(other.ids)),
            )
            tokens = [repr(_token(a, window.ids, place)) for window in (one, other)]
            return f"input {number}: token {place} is {tokens[0]} in A, {tokens[1]} by its number in B"
        if one.segments != other.segments:
            types = zip(one.segments, other.segments, strict=True)
            place, (our, their) = next((n, pair) for n, pair in enumerate(types) if pair[0] != pair[1])
            return f"input {number}: token {place} has token type {our} in A, {their} in B"
    return None


def _token(model: Model, ids: Sequence[int], place: int) -> str:
    known = place < len(ids) and ids[place] < model.tokenizer.vocab_size
    return model.tokenizer.token(ids[place]) if known else "none"


def _trial(task: Task, windows: Sequence[Window]) -> Trial:
    lengths = [len(window.ids) for window in windows]
    batches = []
    for group in group_by_tokens(lengths, BATCH_TOKENS):
        chosen = [windows[one] for one in group]
        named = [task.named(window) for window in chosen] if task.readout.rows == "mask" else None
        batches.append(PackedBatch.of([one.ids for one in chosen], [one.segments for one in chosen], named))
    return Trial(batches, lengths)


def _parting(
    networks: tuple[Network, Network] | None,
    settings: Sequence[tuple[str, str, str]],
    tokens: str | None,
    layers: Sequence[Part],
    outputs: Agreement | None,
) -> tuple[str | None, list[str]]:
    """Where they part first, and why."""
    if tokens is not None:
        return "tokens", [tokens]
    other = next((part for part in layers if part.difference > 0), None)
    if other is not None and networks is not None:
        return other.name, causes(*networks, other.name)
    said = [f"{name} is {one} in A, {another} in B" for name, one, another in settings if name in READ]
    if outputs is None:
        return "outputs", said
    if outputs.difference <= EXACT:
        return (None, []) if not said else ("answers", said)
    heads = [] if networks is None else head_causes(*networks)
    return "outputs", [*heads, *said]


def _verdict(parts_at: str | None, why: Sequence[str], outputs: Agreement | None) -> str:
    measured = "" if outputs is None else f"; the numbers: {outputs.words()}"
    if parts_at is None:
        return f"they agree{measured}"
    if outputs is not None and outputs.difference <= EXACT and parts_at != "answers":
        return f"they agree to float32's precision, and part at {parts_at}: {'; '.join(why) or 'rounding'}{measured}"
    reason = "; ".join(why) or "nothing that their folders say explains it"
    if outputs is not None and outputs.cosine >= CLOSE and not why:
        return f"they agree but for their precision{measured}"
    return f"they part at {parts_at}: {reason}{measured}"


def _own_rows(task: Task) -> list[Row]:
    """Sentences as the fields that a task reads; where it reads pairs, every other one is alone if it may be."""
    mask = task.tokenizer.specials.mask
    rows = []
    for number, text in enumerate(SENTENCES):
        second, third = (SENTENCES[(number + more) % len(SENTENCES)] for more in (1, 2))
        if task.readout.rows == "mask" and mask is not None:
            text = f"{task.tokenizer.token(mask)} {text}"
        values: dict[str, object] = {"text": text, "text_pair": second, "question": text, "query": text}
        values |= {"context": f"{second} {third}", "documents": [second, third], "choices": [second, third]}
        values |= {"candidate_labels": ["a film", "a journey"]}
        fields = {name: values[name] for name in task.fields if name in values}
        if number % 2 and task.fields == ("text", "text_pair") and _may_be_alone(task, fields):
            del fields["text_pair"]
        rows.append(Row(fields, f"sentence {number + 1}"))
    return rows


def _may_be_alone(task: Task, fields: Mapping[str, object]) -> bool:
    try:
        task.read({name: value for name, value in fields.items() if name != "text_pair"})
    except InputError:
        return False
    return True
