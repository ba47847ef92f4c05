from __future__ import annotations

from pathlib import Path

import pytest
import tokenizers
from tokenizers import AddedToken, models, pre_tokenizers, processors

from bertkit.errors import UserError
from bertkit.tokenization.tokenizer import Tokenizer

PIECES = ["[PAD]", "a", "ab", "##b", "##c", "[UNK]", "[CLS]", "[SEP]", "##bx", "x", "[MASK]", "y"]


def wordpiece(folder: Path, *pieces: str) -> Tokenizer:
    (folder / "vocab.txt").write_text("\n".join(pieces or PIECES) + "\n")
    return Tokenizer.load(folder)


def unigram(processor: object = None) -> Tokenizer:
    scores = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    scores += [("▁", -3.0), ("▁a", -2.0), ("a", -2.5), ("b", -2.5), ("ab", -3.0), ("▁ab", -9.0), ("c", -2.6)]
    backend = tokenizers.Tokenizer(models.Unigram(scores, unk_id=3))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.add_special_tokens([AddedToken(name, special=True) for name in ("<s>", "<pad>", "</s>", "<unk>")])
    backend.post_processor = processor or processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return Tokenizer(backend)


def pieces_of(tokenizer: Tokenizer, text: str) -> list[str]:
    return [tokenizer.token(id) for id in tokenizer.tokenize([text])[0].ids]


def used(tokenizer: Tokenizer, *texts: str) -> list[int]:
    return sorted({id for tokens in tokenizer.tokenize(texts) for id in tokens.ids} | tokenizer.always_kept)


def test_wordpiece_cuts_texts_of_kept_pieces_as_before(tmp_path: Path) -> None:
    whole = wordpiece(tmp_path)
    trimmed = whole.trimmed(used(whole, "abc x [MASK]"))
    assert trimmed.vocab_size == 8
    assert pieces_of(trimmed, "abc x [MASK]") == pieces_of(whole, "abc x [MASK]") == ["ab", "##c", "x", "[MASK]"]
    assert pieces_of(trimmed, "y") == ["[UNK]"]
    assert trimmed.specials.pad == 0
    frames = [(one.template.pair.prefix.ids, one.template.pair.infix.ids) for one in (whole, trimmed)]
    assert [[whole.token(id) for id in ids] for ids in frames[0]] == [
        [trimmed.token(id) for id in ids] for ids in frames[1]
    ]
    (tmp_path / "saved").mkdir()
    trimmed.save(tmp_path / "saved")
    again = Tokenizer.load(tmp_path / "saved")
    assert again.tokenize(["abc x y [SEP]"])[0].ids == trimmed.tokenize(["abc x y [SEP]"])[0].ids
    assert again.vocab_sha256() == trimmed.vocab_sha256()


def test_an_unknown_word_hangs_on_pieces_that_no_text_shows(tmp_path: Path) -> None:
    """`abx` is unknown, for after `ab` nothing fits; without `ab` it would be `a ##bx`."""
    whole = wordpiece(tmp_path)
    assert pieces_of(whole, "abx") == ["[UNK]"]
    kept = sorted({*used(whole, "abx"), PIECES.index("a"), PIECES.index("##bx")})
    assert pieces_of(whole.trimmed(kept), "abx") == ["a", "##bx"]
    assert {whole.token(id) for id in whole.tried_pieces("abx y")} == {"ab", "y"}


@pytest.mark.parametrize(
    "processor",
    [
        None,
        processors.TemplateProcessing("<s> $A </s>", "<s> $A </s> $B </s>", [("<s>", 0), ("</s>", 2)]),
        processors.Sequence([processors.BertProcessing(("</s>", 2), ("<s>", 0))]),
    ],
)
def test_unigram_too(processor: object) -> None:
    whole = unigram(processor)
    trimmed = whole.trimmed(used(whole, "a ab"))
    assert trimmed.vocab_size < whole.vocab_size
    assert pieces_of(trimmed, "a ab") == pieces_of(whole, "a ab")
    assert trimmed.template.single.suffix.ids == [2]
    assert trimmed.tried_pieces("a ab") == set()


def test_bpe_is_refused() -> None:
    backend = tokenizers.Tokenizer(models.BPE({"<s>": 0, "a": 1, "b": 2, "ab": 3}, [("a", "b")]))
    backend.add_special_tokens(["<s>"])
    backend.post_processor = processors.RobertaProcessing(("<s>", 0), ("<s>", 0))
    with pytest.raises(UserError, match="a tokenizer of BPE"):
        Tokenizer(backend).trimmed([0, 1])
