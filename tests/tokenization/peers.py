"""A folder of each kind of tokenizer, as transformers saves it, and what transformers makes of a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import transformers

from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.windows import LongText, cut
from tests.tokenization.conftest import write_folder
from tests.tokenization.foreign import CONTROL, FAIRSEQ_HEAD, UNKNOWN, model_bytes, pieces, train_byte_level

WORDS = [*"abcdehilmnoprstvwxy.,![]<>/", *(f"##{c}" for c in "abcdehilmnoprstvwxy"), "hello", "Hello", "the", "The"]
WORDS += ["cafe", "café", "世", "##界", "[E1]", "<new>"]
BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
MPNET = ["<s>", "<pad>", "</s>", "<unk>", "[UNK]", *WORDS, "<mask>"]
UNIGRAM = pieces("▁", *"abcdehilmnoprstvwxy.,!ABCDEHT", "▁hello", "▁Hello", "hello", "▁the", "▁The", "é", "世", "[E1]")
ALBERT_HEAD = [("<pad>", 0.0, CONTROL), ("<unk>", 0.0, UNKNOWN)]
ALBERT_HEAD += [(name, 0.0, CONTROL) for name in ("[CLS]", "[SEP]", "[MASK]")]
TEXTS = [
    "Hello The café 世界 [E1] a [MASK] <mask> <s> x [PAD] <pad>  y <new>",
    " lead  two\tspaces “``quoted''”",
    "a [SEP] </s> b , c , d",
    "!",
]


def _wordpiece(folder: Path, words: list[str], peer: Any) -> None:
    peer.from_pretrained(write_folder(folder, words)).save_pretrained(folder)


def _unigram(folder: Path, name: str, content: bytes, model_type: str) -> None:
    folder.mkdir(parents=True)
    (folder / name).write_bytes(content)
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    Tokenizer.load(folder).save(folder)  # transformers needs protobuf to read a `.model`


def _bert(folder: Path) -> None:
    _wordpiece(folder, BERT, transformers.BertTokenizer)


def _mpnet(folder: Path) -> None:
    _wordpiece(folder, MPNET, transformers.MPNetTokenizer)


def _roberta(folder: Path) -> None:
    train_byte_level(folder, ["Hello the cafe", "hello the [E1]"], 280)
    transformers.RobertaTokenizer.from_pretrained(folder).save_pretrained(folder)


def _fairseq(model_type: str) -> Callable[[Path], None]:
    return lambda folder: _unigram(
        folder, "sentencepiece.bpe.model", model_bytes([*FAIRSEQ_HEAD, *UNIGRAM]), model_type
    )


def _albert(folder: Path) -> None:
    _unigram(folder, "spiece.model", model_bytes([*ALBERT_HEAD, *UNIGRAM]), "albert")


MAKERS: Mapping[str, Callable[[Path], None]] = {
    "bert": _bert,
    "mpnet": _mpnet,
    "roberta": _roberta,
    "xlm-roberta": _fairseq("xlm-roberta"),
    "camembert": _fairseq("camembert"),
    "albert": _albert,
}
CLASSES = {
    "bert": "BertTokenizer",
    "mpnet": "MPNetTokenizer",
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
    "camembert": "CamembertTokenizer",
    "albert": "AlbertTokenizer",
}


@cache
def tokenizer_json(kind: str) -> bytes:
    """As it is saved of such a folder."""
    with TemporaryDirectory() as folder:
        MAKERS[kind](Path(folder) / kind)
        return (Path(folder) / kind / "tokenizer.json").read_bytes()


def make_folder(folder: Path, kind: str, **config: Any) -> Path:
    """A folder with `tokenizer.json`, and a `tokenizer_config.json` that names the class and says nothing more."""
    folder.mkdir()
    (folder / "tokenizer.json").write_bytes(tokenizer_json(kind))
    write(folder, "config.json", {"model_type": kind})
    return write(folder, "tokenizer_config.json", {"tokenizer_class": CLASSES[kind]} | config)


def write(folder: Path, name: str, values: Any) -> Path:
    (folder / name).write_text(json.dumps(values), encoding="utf-8")
    return folder


def edit(folder: Path, name: str, **values: Any) -> Path:
    """The same folder, keys of one of its files changed; None takes a key away."""
    old = json.loads((folder / name).read_text(encoding="utf-8")) if (folder / name).exists() else {}
    return write(folder, name, old | values)


def ours(folder: Path) -> list[object]:
    """What bertkit reads of some texts alone and in pairs, whole and cut: ids, offsets, segments."""
    tokenizer = Tokenizer.load(folder)
    tokens = tokenizer.tokenize(TEXTS, offsets=True)
    found: list[object] = []
    for limit, long in ((10**9, LongText.ERROR), (7, LongText.TRUNCATE)):
        for second in (None, *tokens[:2]):
            for first in tokens:
                (window,) = cut(first, second, tokenizer.template, limit=limit, long=long).windows
                found.append((window.ids, window.offsets, window.segments))
    return found


def theirs(folder: Path) -> list[object]:
    """What transformers reads of them."""
    peer = transformers.AutoTokenizer.from_pretrained(folder)
    found: list[object] = []
    for limit in (None, 7):
        for second in (None, *TEXTS[:2]):
            seconds = None if second is None else [second] * len(TEXTS)
            out = peer(TEXTS, seconds, truncation=limit is not None, max_length=limit, return_offsets_mapping=True)
            segments = out.get("token_type_ids", [[0] * len(ids) for ids in out["input_ids"]])
            found += zip(out["input_ids"], out["offset_mapping"], segments, strict=True)
    return found
