"""The README.md of a finished model: what it is, what it was made from and how, what it came to, how to use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

HUB_HEADER = "---\nlibrary_name: transformers\ntags:\n- bertkit\n- {family}\n---\n"


@dataclass(frozen=True, slots=True)
class CardFacts:
    """All that a card says.

    Attributes:
        name: the heading, usually what the run's folder is called.
        family: of the encoder, as `bertkit info --families` lists it.
        architecture: how transformers calls the model's class: `BertForPreTraining`.
        mask: the tokenizer's mask token; None where the model does not fill masks.
        encoder: fields of the configuration that a reader wants to see: width, layers, …
        manifest_sha256s: the fingerprint of each folder of shards.
        data_tokens, documents: of those folders together.
        recipe: settings of the run by their dotted keys.
        trained_tokens: read in training, repetitions counted.
        held_out: measures of the last evaluation; empty where there was no held-out data.
        machines: the hardware of each start of the run, in words.
        seconds: that training took.
    """

    name: str
    family: str
    architecture: str
    mask: str | None
    parameters: int
    encoder: Mapping[str, object]
    manifest_sha256s: Sequence[str]
    data_tokens: int
    documents: int
    recipe: Mapping[str, object]
    steps: int
    trained_tokens: int
    held_out: Mapping[str, float]
    machines: Sequence[str]
    seconds: float
    version: str


def model_card(facts: CardFacts) -> str:
    """The card as Markdown, with the header that the hub reads."""
    parts = [
        HUB_HEADER.format(family=facts.family),
        f"# {facts.name}\n",
        f"A {facts.family} encoder of {facts.parameters:,} parameters, trained with bertkit {facts.version} for "
        f"{facts.steps:,} steps on {facts.trained_tokens:,} tokens.\n",
        "## Model\n",
        table(("field", "value"), facts.encoder),
        "## Data\n",
        _data(facts),
        "## Recipe\n",
        table(("setting", "value"), facts.recipe),
        "## Results\n",
        _results(facts.held_out),
        "## Hardware\n",
        f"{facts.seconds / 3600:,.2f} hours of training on {'; '.join(dict.fromkeys(facts.machines)) or 'unknown'}.\n",
        "## Use\n",
        _use(facts),
    ]
    return "\n".join(parts)


def _data(facts: CardFacts) -> str:
    hashes = ", ".join(f"`{sha256}`" for sha256 in facts.manifest_sha256s)
    plural = "s" if len(facts.manifest_sha256s) != 1 else ""
    return (
        f"{facts.documents:,} documents of {facts.data_tokens:,} tokens together. "
        f"Fingerprint{plural} of the shards (sha256): {hashes}.\n"
    )


def _results(measures: Mapping[str, float]) -> str:
    if not measures:
        return "No data was held out, so nothing is known of how well it does.\n"
    shown = {name: f"{value:.4f}" for name, value in measures.items()}
    return "Of documents that were kept from training, at the end:\n\n" + table(("measure", "value"), shown)


def _use(facts: CardFacts) -> str:
    task = "fill-mask" if facts.mask else "feature-extraction"
    text = f"The capital of France is {facts.mask}." if facts.mask else "A text."
    command = f'bertkit predict --model FOLDER --task {task} "{text}"'
    python = f'import bertkit\n\nmodel = bertkit.load("FOLDER", task="{task}")\nprint(model.predict(["{text}"]))'
    theirs = (
        f"from transformers import AutoTokenizer, {facts.architecture}\n\n"
        'tokenizer = AutoTokenizer.from_pretrained("FOLDER")\n'
        f'model = {facts.architecture}.from_pretrained("FOLDER")'
    )
    return (
        "`FOLDER` is this folder.\n\n"
        f"```bash\n{command}\n```\n\n```python\n{python}\n```\n\nWith transformers:\n\n```python\n{theirs}\n```\n"
    )


def table(header: tuple[str, str], values: Mapping[str, object]) -> str:
    """A table of two columns in Markdown."""
    rows = [f"| {_cell(name)} | {_cell(value)} |" for name, value in values.items()]
    return "\n".join([f"| {header[0]} | {header[1]} |", "|---|---|", *rows]) + "\n"


def _cell(value: object) -> str:
    """The value on one line, without what would end the cell."""
    return " ".join(str(value).split()).replace("|", "\\|")
