"""The extra files of a sentence-transformers folder: how hidden states become one vector, or a score. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, cast

from bertkit.config.vectors import SCORES, TOKENS, VECTOR
from bertkit.errors import ConfigError, UserError, near_match
from bertkit.pretrained.sentence_keys import (
    CROSS_ENCODER,
    ENCODER_ALONE,
    LOADED_WITH,
    MODEL,
    OLD_ACTIVATION,
    PROCESSED_WITH,
    PROCESSING,
    TASKS_OF_TEXTS,
    TRANSFORMER,
    of_type,
    read_json_object,
)
from bertkit.pretrained.sentence_modules import MODULES, Chain
from bertkit.pretrained.sentence_parts import (
    Link,
    VectorModule,
    VectorModules,
    activation_path,
    read_activation,
    read_parts,
)
from bertkit.pretrained.vector_arrays import finishing

MODEL_FILE, TRANSFORMER_FILE = "config_sentence_transformers.json", "sentence_bert_config.json"
# Older folders name the file by the family; the library takes the first in this order that says something.
TRANSFORMER_FILES = (
    TRANSFORMER_FILE,
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
)
# What transformers' classes give, and what the library calls it.
OUTPUTS = {"feature-extraction": ("last_hidden_state", TOKENS), "sequence-classification": ("logits", SCORES)}
EMBEDDER, RERANKER = "SentenceTransformer", "CrossEncoder"
CONFIG_KEY = "sentence_transformers"  # of a cross-encoder's `config.json`


@dataclass(frozen=True, slots=True)
class Prompts:
    """Texts that are put before inputs.

    Attributes:
        texts: by name.
        name: of the one in use; None for none.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None

    @property
    def text(self) -> str:
        """The one in use."""
        return "" if self.name is None else self.texts.get(self.name, "")

    def choose(self, name: str, place: str, *more: str) -> Prompts:
        """Another one in use.

        Args:
            more: names that stand for an empty text where there is no such prompt.

        Raises:
            UserError: there is none of this name.
        """
        known = list(dict.fromkeys((*self.texts, *more)))
        if name not in known:
            says = f"Choose one of {', '.join(known)}." if known else "Leave the prompt out."
            raise UserError(f"{place}: no prompt is called {name!r}{near_match(name, known)}", says)
        return replace(self, name=name)


@dataclass(frozen=True, slots=True)
class Reads:
    """How a Transformer module reads texts.

    Attributes:
        max_length: tokens, special tokens included; None where the folder does not say.
        of_task: the same by what a text is, `query` or `document`, where that differs.
        lower_case: whether texts are put in small letters, whatever the tokenizer does.
    """

    max_length: int | None = None
    of_task: Mapping[str, int] = field(default_factory=dict)
    lower_case: bool = False


@dataclass(frozen=True, slots=True)
class SentenceSettings:
    """What a sentence-transformers folder says about its embeddings.

    Attributes:
        normalize: whether vectors have length 1, after all parts.
        truncate_dim: numbers of a vector that are given, the first ones, after that; None for all.
        similarity: what vectors are meant to be compared with.
        routed: the folders of all modules, where a router chose among them: the folder is then copied as it is.
        routes: the names of a router's ways.
    """

    parts: VectorModules = field(default_factory=VectorModules)
    normalize: bool = False
    prompts: Prompts = field(default_factory=Prompts)
    reads: Reads = field(default_factory=Reads)
    truncate_dim: int | None = None
    similarity: str = "cosine"
    routed: tuple[Path, ...] = ()
    routes: tuple[str, ...] = ()
    task: ClassVar[str] = "sentence-embedding"

    @property
    def max_length(self) -> int | None:
        """Tokens of a text behind the prompt in use; None where the folder does not say."""
        return self.reads.of_task.get(self.prompts.name or "", self.reads.max_length)

    def options(self) -> dict[str, object]:
        """The options of the task."""
        return {
            "pooling": self.parts.pooling,
            "normalize": self.normalize,
            "prompt": self.prompts.text,
            "include_prompt": self.parts.include_prompt,
            "finish": finishing(self.parts.after),
            "truncate_dim": self.truncate_dim,
        }

    def choose(self, prompt: str, place: str) -> SentenceSettings:
        """The same with another prompt in use; `query` and `document` are names in any folder, and so are routes.

        Raises:
            UserError: there is none of this name.
        """
        return replace(self, prompts=self.prompts.choose(prompt, place, *TASKS_OF_TEXTS, *self.routes))


@dataclass(frozen=True, slots=True)
class CrossEncoderSettings:
    """What a folder says about how a cross-encoder of sentence-transformers makes a score.

    Attributes:
        activation: what becomes of the logit.
        parts: the modules that make the logit of tokens; None where a classifier of the family does.
    """

    activation: str = "sigmoid"
    prompts: Prompts = field(default_factory=Prompts)
    reads: Reads = field(default_factory=Reads)
    parts: VectorModules | None = None
    task: ClassVar[str] = "text-ranking"

    @property
    def max_length(self) -> int | None:
        """Tokens of a query and a document; None where the folder does not say."""
        return self.reads.max_length

    def options(self) -> dict[str, object]:
        """The options of the task."""
        return {"activation": self.activation, "prompt": self.prompts.text}


def read_settings(root: Path, chain: Chain | None, width: int, prompt: str | None = None) -> SentenceSettings | None:
    """The settings of a sentence-transformers folder; None where there are no modules, or it is a cross-encoder.

    Args:
        width: of the encoder.
        prompt: the name of the one in use; the folder's default when left out.

    Raises:
        ConfigError: a module, a key or a value that bertkit does not have.
        UserError: no such prompt.
    """
    if chain is None:
        return None
    given = read_json_object(root / MODEL_FILE)
    values = MODEL.read(given, str(root / MODEL_FILE))
    kind = values.get("model_type", EMBEDDER)
    if kind == RERANKER:
        return None
    if kind != EMBEDDER:
        raise ConfigError(f"{root / MODEL_FILE}: a model of type {kind!r} is not supported", ENCODER_ALONE)
    reads, task = _read_transformer(chain)
    if task != "feature-extraction":
        raise ConfigError(f"{chain.modules[0].folder}: transformer_task {task!r} gives no vectors", ENCODER_ALONE)
    parts = read_parts(chain.modules[1:], width, root / MODULES)
    normalize = bool(parts.after) and _makes_length_one(parts.after[-1])
    settings = SentenceSettings(
        parts=replace(parts, after=parts.after[:-1]) if normalize else parts,
        normalize=normalize,
        prompts=_read_prompts(values, root / MODEL_FILE, TASKS_OF_TEXTS),
        reads=reads,
        truncate_dim=cast("int | None", values.get("truncate_dim")),
        similarity=str(given.get("similarity_fn_name") or "cosine"),
        routed=chain.folders if chain.routes else (),
        routes=chain.routes,
    )
    return settings if prompt is None else settings.choose(prompt, str(root))


def _makes_length_one(part: VectorModule) -> bool:
    return part.kind == "Normalize" and part.link == Link(VECTOR, VECTOR)


def _read_prompts(values: Mapping[str, object], path: Path, more: tuple[str, ...]) -> Prompts:
    """The folder's prompts; a prompt of null is an empty one."""
    given = cast("dict[str, object]", values.get("prompts", {}))
    texts = {name: str(of_type(text or "", "text", f"{path}: prompts.{name}")) for name, text in given.items()}
    name = cast("str | None", values.get("default_prompt_name"))
    if name is not None and name not in (*texts, *more):
        hint = near_match(name, texts)
        raise ConfigError(f"{path}: default_prompt_name {name!r} is none of its prompts{hint}", "Correct the name.")
    return Prompts(texts, name)


def _read_transformer(chain: Chain) -> tuple[Reads, str]:
    """How the Transformer module reads texts, and what of transformers' classes it is."""
    folder = chain.modules[0].folder
    found = ((folder / name, read_json_object(folder / name)) for name in TRANSFORMER_FILES)
    path, given = next(((path, values) for path, values in found if values), (folder / TRANSFORMER_FILE, {}))
    values = TRANSFORMER.read(given, str(path))
    task = str(values.get("transformer_task", "feature-extraction"))
    _check_modality(values, task, path)
    length = values.get("max_seq_length", model_max_length(folder))
    for name in ("model_args", "model_kwargs", "config_args", "config_kwargs", "tokenizer_args", "processor_kwargs"):
        loaded = LOADED_WITH.read(cast("dict[str, object]", values.get(name, {})), f"{path}: {name}")
        if name in ("tokenizer_args", "processor_kwargs"):
            length = loaded.get("model_max_length", length)
    processing = PROCESSING.read(cast("dict[str, object]", values.get("processing_kwargs", {})), f"{path}: processing")
    of_task = {name: cast(int, values[f"{name}_length"]) for name in TASKS_OF_TEXTS if f"{name}_length" in values}
    for name, options in processing.items():
        read = PROCESSED_WITH.read(cast("dict[str, object]", options), f"{path}: processing_kwargs.{name}")
        if read.get("truncation", True) not in (True, "longest_first"):
            raise ConfigError(f"{path}: truncation = {read['truncation']!r} is not supported", "Use longest_first.")
        if "max_length" in read:
            length, of_task = read["max_length"], {}
    return Reads(cast("int | None", length), of_task, bool(values.get("do_lower_case"))), task


def _check_modality(values: Mapping[str, object], task: str, path: Path) -> None:
    """Refuses texts that are not read by the encoder's `forward`, or made chat messages before."""
    if task not in OUTPUTS:
        raise ConfigError(f"{path}: transformer_task = {task!r} is not supported", ENCODER_ALONE)
    if "modality_config" not in values:
        return
    kinds = cast("dict[str, object]", values["modality_config"])
    if "message" in kinds:
        raise ConfigError(f"{path}: modality_config: texts that become messages are not supported", ENCODER_ALONE)
    text = kinds.get("text")
    read = text if isinstance(text, dict) else {}
    output, name = OUTPUTS[task]
    given = read.get("method_output_name")
    if read.get("method") != "forward" or given not in (output, [output]) or values.get("module_output_name") != name:
        raise ConfigError(
            f"{path}: modality_config: text = {text!r} as {values.get('module_output_name')!r} is not supported",
            f"Use a model that reads text by forward, {output} as {name}.",
        )


def model_max_length(folder: Path) -> int | None:
    """The most tokens that a folder's tokenizer is said to give."""
    length = read_json_object(folder / "tokenizer_config.json").get("model_max_length")
    return length if isinstance(length, int) and length > 0 else None


def read_cross_encoder(
    root: Path, chain: Chain | None, config: Mapping[str, object], width: int, prompt: str | None = None
) -> CrossEncoderSettings | None:
    """What a cross-encoder of sentence-transformers does; None where the folder is not said to be one.

    Newer releases write modules, as of embeddings; older ones a key in `config.json`, which had another name before.

    Args:
        config: of the checkpoint.
        width: of the encoder.
        prompt: the name of the one in use; the folder's default when left out.

    Raises:
        ConfigError: a module, a key or a value that bertkit does not have.
        UserError: no such prompt.
    """
    path = root / MODEL_FILE
    values = MODEL.read(read_json_object(path), str(path))
    said = values.get("model_type") == RERANKER
    if not said and not config.get(CONFIG_KEY) and OLD_ACTIVATION not in config:
        return None
    activation = _config_activation(config, root / "config.json")
    if chain is None or not said:  # the library then looks at nothing but the checkpoint's own files
        settings = CrossEncoderSettings(activation, reads=Reads(model_max_length(root)))
    else:
        if values.get("activation_fn") is not None:
            activation = read_activation(values["activation_fn"], str(path))
        reads, task = _read_transformer(chain)
        parts = _read_scoring(chain, width, root / MODULES) if task == "feature-extraction" else None
        if parts is None and len(chain.modules) > 1:
            raise ConfigError(f"{root / MODULES}: modules after a classifier are not supported", ENCODER_ALONE)
        settings = CrossEncoderSettings(activation, _read_prompts(values, path, ()), reads, parts)
    return settings if prompt is None else replace(settings, prompts=settings.prompts.choose(prompt, str(root)))


def _read_scoring(chain: Chain, width: int, source: Path) -> VectorModules:
    parts = read_parts(chain.modules[1:], width, source)
    if SCORES not in parts.names:
        raise ConfigError(
            f"{source}: no module of the cross-encoder writes {SCORES!r}",
            f'Write "module_output_name": "{SCORES}" in the config.json of its last module.',
        )
    return parts


def _config_activation(config: Mapping[str, object], path: Path) -> str:
    """What `config.json` says becomes of the logit; a sigmoid where it does not."""
    place = f"{path}: {CONFIG_KEY}"
    own = cast("dict[str, object]", of_type(config.get(CONFIG_KEY) or {}, "an object", place))
    values = CROSS_ENCODER.read(own, place)
    named = values.get("activation_fn") if "activation_fn" in own else config.get(OLD_ACTIVATION)
    return "sigmoid" if named is None else read_activation(named, str(path))


def cross_encoder_keys(settings: CrossEncoderSettings) -> dict[str, object]:
    """The key of `config.json` that names the activation; sentence-transformers 4 and later read it."""
    return {CONFIG_KEY: {"activation_fn": activation_path(settings.activation)}}
