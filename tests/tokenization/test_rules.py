"""Who decides where a `tokenizer.json` and the files beside it disagree: as in transformers 5, whatever the class."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import transformers
from tokenizers import Tokenizer as Backend
from tokenizers import models, normalizers, pre_tokenizers, processors

from bertkit.errors import BadCheckpoint, ConfigError
from bertkit.tokenization.tokenizer import Tokenizer
from tests.tokenization.conftest import write_folder
from tests.tokenization.peers import BERT, CLASSES, TEXTS, edit, make_folder, ours, theirs

NAMES = {"model_input_names": ["input_ids", "token_type_ids", "attention_mask"]}
Change = Callable[[Backend], object]


def set_part(name: str, value: object) -> Change:
    return lambda backend: setattr(backend, name, value)


def rewrite(folder: Path, change: Change) -> Path:
    """The same folder, its tokenizer.json changed."""
    path = folder / "tokenizer.json"
    backend = Backend.from_file(str(path))
    change(backend)
    backend.save(str(path))
    return folder


CASED, BARE = normalizers.BertNormalizer(lowercase=False, strip_accents=False), pre_tokenizers.Whitespace()
ONE = processors.TemplateProcessing(single="$A", pair="$A $B:1", special_tokens=[])
# Changes that a class with rules of its own does not see, and what a class without sees of each.
FILE_CHANGES: dict[str, Change] = {
    "no normalizer": set_part("normalizer", None),
    "no post-processor": set_part("post_processor", None),
    "another post-processor": set_part("post_processor", ONE),
    "a truncation and a padding": lambda b: (b.enable_truncation(5), b.enable_padding(length=9, pad_token="x")),
    "cut at its beginning": lambda b: b.enable_truncation(5, direction="left"),
    "an added word": lambda b: b.add_tokens(["lead"]),
}
WORDPIECE_CHANGES: dict[str, Change] = {
    "cased": set_part("normalizer", CASED),
    "another splitter": set_part("pre_tokenizer", BARE),
    "short words": lambda b: setattr(b.model, "max_input_chars_per_word", 3),
    "another unknown piece": lambda b: setattr(b.model, "unk_token", "x"),
}
UNIGRAM = ("xlm-roberta", "camembert", "albert")


@pytest.mark.parametrize(
    ("kind", "change"),
    # Of unigram pieces the file's map of characters is used.
    [(kind, it) for kind in CLASSES for it in FILE_CHANGES if kind not in UNIGRAM or it != "no normalizer"],
)
def test_of_a_class_with_rules_the_file_gives_pieces_and_added_tokens(change: str, kind: str, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a", kind, **NAMES)
    rewrite(folder, FILE_CHANGES[change])
    assert ours(folder) == theirs(folder)


@pytest.mark.parametrize("kind", ["bert", "mpnet"])
@pytest.mark.parametrize("change", WORDPIECE_CHANGES)
@pytest.mark.parametrize(
    "config", [{}, {"do_lower_case": False}, {"do_lower_case": True, "strip_accents": False}], ids=str
)
def test_what_a_wordpiece_class_does_not_take_from_the_file(
    config: dict[str, Any], change: str, kind: str, tmp_path: Path
) -> None:
    folder = rewrite(make_folder(tmp_path / "a", kind, **NAMES, **config), WORDPIECE_CHANGES[change])
    assert ours(folder) == theirs(folder)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        *((kind, it) for kind in CLASSES for it in FILE_CHANGES),
        *((kind, it) for kind in ("bert", "mpnet") for it in WORDPIECE_CHANGES),
    ],
)
def test_of_a_class_without_rules_the_file_says_all_of_it(change: str, kind: str, tmp_path: Path) -> None:
    """Settings that such a class does not read change nothing."""
    silent = {"do_lower_case": False, "strip_accents": False, "keep_accents": True, "add_prefix_space": False}
    folder = make_folder(tmp_path / "a", kind, **NAMES, **silent)
    edit(folder, "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    rewrite(folder, {**FILE_CHANGES, **WORDPIECE_CHANGES}[change])
    assert ours(folder) == theirs(folder)


SETTINGS: list[tuple[str, dict[str, Any]]] = [
    *((kind, {"do_lower_case": flag}) for kind in ("bert", "mpnet", "albert", "roberta") for flag in (True, False)),
    *(("albert", {"do_lower_case": flag, "keep_accents": not flag}) for flag in (True, False)),
    *((kind, {"add_prefix_space": flag}) for kind in ("roberta", *UNIGRAM) for flag in (True, False)),
    *((kind, {"truncation_side": "left"}) for kind in CLASSES),
    *((kind, {"split_special_tokens": True}) for kind in CLASSES),
    *((kind, {"model_input_names": ["input_ids", "attention_mask"]}) for kind in CLASSES),
    *((kind, {"extra_special_tokens": ["[E1]", "<s2>"], "entity_token": "<new>"}) for kind in CLASSES),
    ("roberta", {"trim_offsets": False, "add_prefix_space": True}),
    ("mpnet", {"strip_accents": False, "tokenize_chinese_chars": False, "do_lower_case": True}),
    ("bert", {"bos_token": "x", "eos_token": "[E1]"}),
    ("bert", {"cls_token": "<new>", "sep_token": "x", "unk_token": "[E1]"}),
]


@pytest.mark.parametrize(("kind", "config"), SETTINGS, ids=str)
def test_the_settings_win(kind: str, config: dict[str, Any], tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a", kind, **(NAMES | config))
    assert ours(folder) == theirs(folder)
    saved = tmp_path / "saved"
    Tokenizer.load(folder).save(saved)
    (saved / "config.json").write_bytes((folder / "config.json").read_bytes())
    assert ours(saved) == ours(folder) == theirs(saved)


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        *(("bert", name) for name in ("BertTokenizerFast", "ElectraTokenizer", "MobileBertTokenizerFast")),
        *(("bert", name) for name in ("DistilBertTokenizerFast",)),
        *(("roberta", name) for name in ("RobertaTokenizerFast", "BartTokenizer", "LongformerTokenizerFast")),
        *((kind, f"{CLASSES[kind]}Fast") for kind in ("mpnet", *UNIGRAM)),
        *((kind, None) for kind in CLASSES),
    ],
)
def test_the_names_of_classes(kind: str, named: str | None, tmp_path: Path) -> None:
    """The class of the folder is that of the model type where none is named."""
    folder = make_folder(tmp_path / "a", kind, do_lower_case=False, **NAMES)
    edit(folder, "tokenizer_config.json", tokenizer_class=named)
    rewrite(folder, set_part("post_processor", None))
    assert ours(folder) == theirs(folder)
    edit(folder, "tokenizer_config.json", tokenizer_class=None)
    edit(folder, "config.json", tokenizer_class=named)  # where it stood before there was a tokenizer_config.json
    assert ours(folder) == theirs(folder)


@pytest.mark.parametrize("named", ["TokenizersBackend", "ATokenizerOfSomebody"])
def test_a_class_that_says_nothing(named: str, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a", "bert", do_lower_case=False, **NAMES)
    edit(folder, "tokenizer_config.json", tokenizer_class=named)
    assert ours(rewrite(folder, set_part("post_processor", None))) == theirs(folder)


@pytest.mark.parametrize("model_type", ["electra", "distilbert", "nomic_bert", "modernbert"])
def test_other_model_types(model_type: str, tmp_path: Path) -> None:
    """ModernBERT's files say all of it, whatever class they name."""
    folder = make_folder(tmp_path / "a", "bert", do_lower_case=False, **NAMES)
    edit(folder, "config.json", model_type=model_type)
    for named in (None, "BertTokenizer"):
        edit(folder, "tokenizer_config.json", tokenizer_class=named)
        assert ours(folder) == theirs(folder)


@pytest.mark.parametrize("named", [None, "BertTokenizer", "RobertaTokenizer"])
def test_pieces_of_another_kind_than_the_class_reads(named: str | None, tmp_path: Path) -> None:
    """Unigram pieces under BERT's name, as multilingual MiniLM once had them: the name is a mistake, not the file."""
    folder = make_folder(tmp_path / "a", "xlm-roberta", **NAMES)
    right = ours(folder)
    edit(folder, "config.json", model_type="bert")
    edit(folder, "tokenizer_config.json", tokenizer_class=named)
    assert ours(folder) == right


def test_pairs_of_characters_under_robertas_name(tmp_path: Path) -> None:
    backend = Backend(models.BPE({"<s>": 0, "</s>": 1, "a": 2, "b": 3, "ab": 4}, [("a", "b")]))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "RobertaTokenizer"}')
    assert Tokenizer.load(tmp_path).tokenize(["ab b"])[0].ids == [4, 3]


def test_the_list_of_added_tokens_is_of_all_of_them(tmp_path: Path) -> None:
    """A class with rules takes none of the file's that is not in the list; one without takes them too."""
    folder = rewrite(make_folder(tmp_path / "a", "bert", **NAMES), lambda b: b.add_tokens(["lead", "two"]))
    mask = {"content": "[MASK]", "lstrip": True, "rstrip": False, "normalized": False, "special": True}
    edit(folder, "tokenizer_config.json", added_tokens_decoder={"4": mask, "61": {"content": "lead"}})
    assert ours(folder) == theirs(folder)
    assert Tokenizer.load(folder).id("two") is None
    edit(folder, "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    assert ours(folder) == theirs(folder)
    assert Tokenizer.load(folder).id("two") == 62


def test_named_tokens_without_a_piece_come_before_further_ones(tmp_path: Path) -> None:
    """Whose ids would be others': transformers gives ids to all of them, in its order."""
    folder = write_folder(tmp_path, [it for it in BERT if it != "[MASK]"], do_lower_case=True, bos_token="<b>")
    (folder / "config.json").write_text('{"model_type": "bert"}')
    edit(folder, "tokenizer_config.json", tokenizer_class="BertTokenizer", extra_special_tokens=["<e>"], **NAMES)
    peer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer = Tokenizer.load(folder)
    for token in ("<b>", "[MASK]", "<e>"):
        assert tokenizer.id(token) == peer.convert_tokens_to_ids(token)


def test_the_casing_says_who_decided(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a", "bert", do_lower_case=False)
    assert str(Tokenizer.load(folder).casing) == "cased (do_lower_case in tokenizer_config.json)"
    edit(folder, "tokenizer_config.json", do_lower_case=None)
    said = "uncased (do_lower_case, which is not there and means true, in tokenizer_config.json)"
    assert str(Tokenizer.load(folder).casing) == said
    edit(folder, "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    assert str(Tokenizer.load(folder).casing).endswith("the normalizer of tokenizer.json lowers capital letters)")


def test_a_file_that_puts_nothing_around_a_text_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = rewrite(make_folder(tmp_path / "a", "bert", **NAMES), set_part("post_processor", None))
    with caplog.at_level(logging.WARNING):
        Tokenizer.load(folder)
        assert not caplog.messages
        edit(folder, "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
        assert Tokenizer.load(folder).template.single.special_tokens == 0
    said = "no special tokens are put around a text: the tokenizer has no post_processor."
    assert caplog.messages == [f"{folder}: {said}"]
    assert ours(folder) == theirs(folder)


@pytest.mark.parametrize("name", ["vocab.txt", "vocab.json"])
@pytest.mark.parametrize("where", ["tokenizer_config.json", "config.json"])
def test_a_class_with_rules_that_are_not_here(where: str, name: str, tmp_path: Path) -> None:
    """Japanese words are not split at spaces: their pieces alone would give other tokens without a word."""
    (tmp_path / name).write_text("{}" if name == "vocab.json" else "\n".join(BERT))
    (tmp_path / "merges.txt").write_text("")
    (tmp_path / where).write_text(json.dumps({"tokenizer_class": "BertJapaneseTokenizer"}))
    with pytest.raises(ConfigError, match="tokenizer_class: BertJapaneseTokenizer is not supported") as caught:
        Tokenizer.load(tmp_path)
    assert "tokenizer.json" in caught.value.remedy


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if kind != "albert"])
def test_a_special_token_around_texts_without_a_piece(kind: str, tmp_path: Path) -> None:
    role = "bos" if kind in ("xlm-roberta", "camembert") else "cls"
    folder = make_folder(tmp_path / "a", kind, **{f"{role}_token": "<nowhere>"})
    with pytest.raises(BadCheckpoint, match=r"tokenizer\.json: no piece for the special token '<nowhere>'"):
        Tokenizer.load(folder)


def test_nothing_is_drawn_at_random(tmp_path: Path) -> None:
    """Files of training may leave on that merges are left out at random."""
    folder = make_folder(tmp_path / "a", "roberta", tokenizer_class="PreTrainedTokenizerFast")
    right = ours(folder)
    rewrite(folder, lambda backend: setattr(backend.model, "dropout", 0.9))
    assert ours(folder) == ours(folder) == right


def test_ids_that_are_no_pieces(tmp_path: Path) -> None:
    """The highest id counts, not the number of pieces: what a model's embedding must have rows for."""
    vocabulary = {"[UNK]": 0, "a": 1, "b": 9}
    Backend(models.WordPiece(vocabulary, unk_token="[UNK]")).save(str(tmp_path / "tokenizer.json"))
    tokenizer = Tokenizer.load(tmp_path)
    assert (tokenizer.vocab_size, tokenizer.token(9)) == (10, "b")
    assert tokenizer.tokenize(TEXTS)
