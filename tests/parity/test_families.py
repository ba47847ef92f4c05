"""Every family with every head computes what transformers computes, on sizes that no released checkpoint uses."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor, nn

from bertkit.batching.token_batch import TokenBatch
from bertkit.checkpoints.tensors import write_tensors
from bertkit.families.catalogue import FAMILIES
from bertkit.families.foreign_config import write_config
from bertkit.inference.precision import make_ready
from bertkit.model.encoder import Encoder
from bertkit.model.heads import Head, MaskedLMHead, build_head, build_masked_lm_head
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.loading import open_pretrained
from tests.parity.bert_peer import Sequences, Sizes

SIZES = Sizes(vocab_size=99, positions=29)
BERT_LIKE: dict[str, Any] = {
    "vocab_size": 99,
    "hidden_size": 36,
    "num_hidden_layers": 3,
    "num_attention_heads": 3,
    "intermediate_size": 37,
    "max_position_embeddings": 29,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-7,
    "pad_token_id": 0,
}
NO_SEGMENTS = {name: value for name, value in BERT_LIKE.items() if name != "type_vocab_size"}
ROTARY = NO_SEGMENTS | {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2}
ROTARY.pop("layer_norm_eps")


@dataclass(frozen=True)
class Case:
    """A variation of a family."""

    prefix: str
    config: dict[str, Any]
    segments: bool = True
    lengths: list[int] = field(default_factory=lambda: [7, 23, 1, 16, 16, 2])
    longest: int = 23

    def variant(self, **changes: Any) -> Case:
        return replace(self, config=self.config | changes)


BERT = Case("Bert", BERT_LIKE)
ROBERTA = Case("Roberta", BERT_LIKE | {"type_vocab_size": 1, "pad_token_id": 1}, segments=False)
ALBERT = Case("Albert", BERT_LIKE | {"embedding_size": 11, "hidden_act": "gelu_new"})
ELECTRA = Case("Electra", BERT_LIKE | {"embedding_size": 11})
MODERNBERT = Case(
    "ModernBert", ROTARY | {"local_attention": 6, "num_hidden_layers": 5, "norm_eps": 1e-7}, segments=False
)
CASES = {
    "bert": BERT,
    "roberta": ROBERTA,
    "roberta, padding token 4": ROBERTA.variant(pad_token_id=4),
    "xlm-roberta": replace(ROBERTA, prefix="XLMRoberta"),
    "camembert": replace(ROBERTA, prefix="Camembert"),
    "distilbert": Case(
        "DistilBert",
        {"vocab_size": 99, "dim": 36, "n_layers": 3, "n_heads": 3, "hidden_dim": 37, "max_position_embeddings": 29},
        segments=False,
    ),
    "albert": ALBERT,
    "albert, 2 groups": ALBERT.variant(num_hidden_layers=5, num_hidden_groups=2),
    "albert, 2 groups of 3 inner layers": ALBERT.variant(num_hidden_layers=4, num_hidden_groups=2, inner_group_num=3),
    "albert, same width": ALBERT.variant(embedding_size=36),
    "electra": ELECTRA,
    "electra, same width": ELECTRA.variant(embedding_size=36, hidden_act="relu"),
    "mpnet": Case("MPNet", NO_SEGMENTS | {"pad_token_id": 1, "max_position_embeddings": 199}, segments=False),
    # Its library counts positions by the id 1, whatever the padding token is.
    "mpnet, padding token 0": Case(
        "MPNet", NO_SEGMENTS | {"pad_token_id": 0, "max_position_embeddings": 199}, segments=False
    ),
    "modernbert": MODERNBERT,
    "modernbert, long": replace(MODERNBERT.variant(max_position_embeddings=64), lengths=[64, 40, 19, 8, 7, 6, 1, 64]),
    "modernbert, biases": MODERNBERT.variant(norm_bias=True, attention_bias=True, mlp_bias=True),
    "modernbert, every 2nd": MODERNBERT.variant(global_attn_every_n_layers=2, local_attention=2),
    "modernbert, mean": MODERNBERT.variant(classifier_pooling="mean", hidden_activation="silu"),
    "nomic": Case("NomicBert", BERT_LIKE),
    "eurobert": Case("EuroBert", ROTARY | {"rms_norm_eps": 1e-7}, segments=False),
    "eurobert, grouped heads": Case(
        "EuroBert", ROTARY | {"num_key_value_heads": 1, "num_attention_heads": 9}, segments=False
    ),
    "eurobert, mean": Case("EuroBert", ROTARY | {"classifier_pooling": "mean"}, segments=False),
}
# Ending of the class that has the head, and what it calls the logits.
HEADS = {
    "masked-lm": ("ForMaskedLM", "logits"),
    "text-classification": ("ForSequenceClassification", "logits"),
    "token-classification": ("ForTokenClassification", "logits"),
    "question-answering": ("ForQuestionAnswering", "start_logits"),
    "multiple-choice": ("ForMultipleChoice", "logits"),
    "sentence-order": ("ForPreTraining", "sop_logits"),
    "replaced-token-detection": ("ForPreTraining", "logits"),
}
CLASSES = {"text-classification": 5, "token-classification": 5, "question-answering": 2, "multiple-choice": 1}
CLASSES |= {"sentence-order": 2, "replaced-token-detection": 1}


def family_of(case: Case) -> Any:
    return FAMILIES[getattr(transformers, f"{case.prefix}Config").model_type]


PAIRS = [
    pytest.param(case, head, id=f"{name}-{head}")
    for name, case in CASES.items()
    for head in HEADS
    if head in family_of(case).heads and ("," not in name or head in ("masked-lm", "text-classification"))
]


def make_peer(case: Case, ending: str, folder: Path) -> Any:
    """A model of transformers with random weights of deviation 0.2, saved as transformers saves it."""
    torch.manual_seed(0)
    labels = {"num_labels": 5} if "Classification" in ending else {}
    config = getattr(transformers, f"{case.prefix}Config")(**case.config, **labels)
    peer = getattr(transformers, case.prefix + ending)(config).eval()
    with torch.no_grad():
        for name, parameter in peer.named_parameters():
            is_norm = "norm" in name.lower() and name.endswith("weight")
            parameter.normal_(float(is_norm), 0.2)
    peer.save_pretrained(folder)
    return peer


def sequences_of(case: Case, padding_token: bool = True) -> Sequences:
    """Random sequences; with the padding token itself here and there, as where `<pad>` is typed in a text.

    RoBERTa and its like do not count it when they number positions.
    """
    sequences = Sequences.random(case.lengths, SIZES)
    pad = case.config.get("pad_token_id", 0)
    ids = [[pad + 1 if id == pad else id for id in sequence] for sequence in sequences.ids]
    if padding_token:
        ids = [[pad if place % 5 in (1, 2) else id for place, id in enumerate(sequence)] for sequence in ids]
    segments = sequences.segments if case.segments else [[0] * len(sequence) for sequence in ids]
    return Sequences(ids, segments)


def their_logits(peer: Any, case: Case, sequences: Sequences, ending: str, output: str) -> Tensor:
    inputs = sequences.padded()
    pad = case.config.get("pad_token_id", 0)
    inputs["input_ids"] = torch.where(inputs["attention_mask"].bool(), inputs["input_ids"], pad)
    if not case.segments:
        del inputs["token_type_ids"]
    if ending == "ForMultipleChoice":
        inputs = {name: tensor[:, None] for name, tensor in inputs.items()}
    out = peer(**inputs)
    if output == "start_logits":
        return sequences.unpad(torch.stack((out.start_logits, out.end_logits), dim=-1))
    logits = getattr(out, output)
    if logits.shape[:2] == inputs["input_ids"].shape and ending not in ("ForMultipleChoice",):
        return sequences.unpad(logits)
    return logits


def our_logits(pretrained: Pretrained, head_name: str, batch: TokenBatch, packed_weights: bool) -> Tensor:
    encoder, head = our_parts(pretrained, head_name)
    if packed_weights:
        for part in (encoder, head):
            make_ready(part, torch.device("cpu"), torch.float32)
    return run(encoder, head, batch)


def our_parts(pretrained: Pretrained, head_name: str) -> tuple[Encoder, Head | MaskedLMHead]:
    shape = pretrained.family.heads[head_name]
    head: Head | MaskedLMHead
    if head_name == "masked-lm":
        head = build_masked_lm_head(shape, pretrained.config)
    else:
        head = build_head(shape, pretrained.config, CLASSES[head_name], pretrained.reads(shape))
    pretrained.weights.fill(head, pretrained.table(shape.weights))
    return pretrained.build_encoder(), head.eval()


def run(encoder: Encoder, head: nn.Module, batch: TokenBatch) -> Tensor:
    hidden_TW = encoder(batch)
    logits: Tensor = (
        head(hidden_TW, encoder) if isinstance(head, MaskedLMHead) else head(hidden_TW, batch.layout, encoder)
    )
    return logits


@pytest.mark.parametrize(("case", "head"), PAIRS)
@torch.inference_mode()
def test_logits_equal_those_of_transformers(case: Case, head: str, tmp_path: Path) -> None:
    ending, output = HEADS[head]
    peer = make_peer(case, ending, tmp_path)
    sequences = sequences_of(case)
    pretrained = open_pretrained(tmp_path)
    assert head in pretrained.heads
    expected = their_logits(peer, case, sequences, ending, output).double()
    for packed_weights in (False, True):
        logits = our_logits(pretrained, head, sequences.packed(), packed_weights).double()
        error = (logits.reshape(expected.shape) - expected).abs()
        assert (error <= 1e-5 + 1e-5 * expected.abs()).all(), f"{error.max():.2e}"


@pytest.mark.parametrize("name", CASES)
def test_saved_again_it_is_the_same(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    make_peer(case, "ForMaskedLM", tmp_path / "theirs")
    pretrained = open_pretrained(tmp_path / "theirs")
    table = pretrained.table(pretrained.family.encoder)
    back = table.to_theirs(pretrained.build_encoder().state_dict())
    assert {name for name in back if not torch.equal(back[name], pretrained.tensors[name])} == set()
    assert not set(back) - set(pretrained.tensors)


@pytest.mark.parametrize("name", CASES)
def test_there_and_back_through_transformers(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    make_peer(case, "ForMaskedLM", tmp_path / "theirs")
    before = open_pretrained(tmp_path / "theirs")
    family = before.family
    rows = (*family.encoder, *family.heads["masked-lm"].weights)
    encoder, head = our_parts(before, "masked-lm")
    state = encoder.state_dict() | head.state_dict()
    written = before.table(rows).to_theirs(state)
    heads = {name for row in family.heads["masked-lm"].weights for name in row.theirs}
    ours = tmp_path / "ours"
    ours.mkdir()
    prefixed = {tensor if tensor in heads else family.prefix + tensor: value for tensor, value in written.items()}
    write_tensors(ours / "model.safetensors", prefixed)
    config = dict(before.foreign.values) | write_config(family, before.config, before.foreign.model_type)
    (ours / "config.json").write_text(json.dumps(config))
    peer, report = getattr(transformers, f"{case.prefix}ForMaskedLM").from_pretrained(ours, output_loading_info=True)
    assert not any(report.values())
    peer.save_pretrained(tmp_path / "again")
    after = open_pretrained(tmp_path / "again")
    assert after.config == before.config
    assert {tensor for tensor in written if not torch.equal(after.tensors[tensor], before.tensors[tensor])} == set()


@pytest.mark.parametrize("name", ["bert", "albert", "mpnet", "modernbert", "eurobert, grouped heads"])
def test_gradients_equal_those_of_transformers(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    peer = make_peer(case, "ForMaskedLM", tmp_path)
    sequences = sequences_of(case, padding_token=False)  # transformers gives it no gradient
    pretrained = open_pretrained(tmp_path)
    encoder, head = our_parts(pretrained, "masked-lm")
    theirs = their_logits(peer, case, sequences, "ForMaskedLM", "logits")
    weights = torch.randn(theirs.shape, generator=torch.Generator().manual_seed(0))
    (theirs * weights).sum().backward()
    (run(encoder, head, sequences.packed()) * weights).sum().backward()
    gradients = {name: parameter.grad for name, parameter in encoder.named_parameters() if parameter.grad is not None}
    ours = pretrained.table(pretrained.family.encoder).to_theirs(gradients, pretrained.family.prefix)
    expected = {name: parameter.grad for name, parameter in peer.named_parameters()}
    assert len(ours) > 10
    largest = max(gradient.abs().max() for gradient in ours.values())
    for name, gradient in ours.items():
        # Keys' biases change no softmax: their gradients are rounding, which only the overall size can bound.
        allowed = 1e-4 * expected[name].abs().max() + 1e-6 * largest
        assert (gradient - expected[name]).abs().max() <= allowed, name
