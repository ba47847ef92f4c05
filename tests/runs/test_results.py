"""What a finished run writes is opened by transformers and by bertkit, and computes what the trained model does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import BertForPreTraining, ElectraForMaskedLM, ElectraForPreTraining

import bertkit
from bertkit.batching.token_batch import TokenBatch
from bertkit.model.heads import MaskedLMHead
from bertkit.objectives.pretraining import objective_weights
from bertkit.pretrained.loading import open_pretrained
from bertkit.runs.results import GENERATOR, MODEL, write_model
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.training.assembly import TrainingModel, build_model, describe_model
from bertkit.training.ranks import joined
from tests.corpora.shard_files import numbered_tokenizer
from tests.parity.bert_peer import Sequences, Sizes
from tests.training.in_process import CPU, run_here
from tests.training.runs import make_data, settings

SIZES = {"width": 36, "heads": 3, "ffn_width": 37, "layers": 2, "positions": {"length": 32}, "initializer_range": 0.2}
SEQUENCES = Sequences.random([5, 30, 7, 2], Sizes(vocab_size=100))


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return numbered_tokenizer(tmp_path_factory.mktemp("vocabulary"))


def written(tokenizer: Tokenizer, folder: Path, family: str, train: dict[str, object]) -> TrainingModel:
    config = settings({"model": {"family": family, "encoder": SIZES}, "train": train})
    weights = objective_weights(config.train, config.data.sequences)
    model = build_model(config, describe_model(config.model, weights, tokenizer, 32), CPU)
    model.training_module.eval()
    with joined(CPU) as ranks:
        write_model(model.family, model.training_module, tokenizer, ranks, folder, "# A card\n")
    return model


@torch.no_grad()
def test_transformers_computes_the_same(tokenizer: Tokenizer, tmp_path: Path) -> None:
    training_module = written(tokenizer, tmp_path, "bert", {}).training_module
    peer, loading = BertForPreTraining.from_pretrained(tmp_path / MODEL, output_loading_info=True)
    assert not loading["missing_keys"]
    assert not loading["unexpected_keys"]
    theirs = peer.eval()(**SEQUENCES.padded())
    tokens = SEQUENCES.packed()
    hidden_TW = training_module.encoder(tokens)
    masked, second = (objective.head for objective in training_module.each())
    assert masked is not None
    assert second is not None
    ours_TV = masked(hidden_TW, training_module.encoder)
    assert torch.allclose(ours_TV, SEQUENCES.unpad(theirs.prediction_logits), atol=1e-4)
    ours_B2 = second(hidden_TW, tokens.layout, training_module.encoder)
    assert torch.allclose(ours_B2, theirs.seq_relationship_logits, atol=1e-4)
    assert ours_B2.std() > 0.01
    assert not (tmp_path / GENERATOR).exists()


def test_bertkit_does_the_tasks_it_was_trained_for(tokenizer: Tokenizer, tmp_path: Path) -> None:
    training_module = written(tokenizer, tmp_path, "bert", {}).training_module
    opened = open_pretrained(tmp_path / MODEL).build_encoder().state_dict()
    for name, tensor in training_module.encoder.state_dict().items():
        assert torch.equal(opened[name], tensor), name
    ids = [2, 5, 4, 7, 8, 3]
    tokens = TokenBatch.pack([ids], [[0] * len(ids)])
    head = training_module.each()[0].head
    assert isinstance(head, MaskedLMHead)
    with torch.no_grad():
        best = int(head(training_module.encoder(tokens), training_module.encoder)[2].argmax())
    [filled] = bertkit.load(tmp_path / MODEL, task="fill-mask").predict(["w5 [MASK] w7 w8"])
    assert tokenizer.token(best) in str(filled.record())
    [pair] = bertkit.load(tmp_path / MODEL, task="next-sentence-prediction").predict([("w5 w7", "w8 w10")])
    assert pair.record()


@torch.no_grad()
def test_electra_and_its_generator(tokenizer: Tokenizer, tmp_path: Path) -> None:
    model = written(tokenizer, tmp_path, "electra", {"generator": {"size": 0.34}})
    training_module = model.training_module
    detection, masked = training_module.each()
    tokens = SEQUENCES.packed()
    peer = ElectraForPreTraining.from_pretrained(tmp_path / MODEL).eval()
    assert detection.head is not None
    ours_T1 = detection.head(training_module.encoder(tokens), tokens.layout, training_module.encoder)
    theirs_T = SEQUENCES.unpad(peer(**SEQUENCES.padded()).logits)
    assert torch.allclose(ours_T1[:, 0], theirs_T, atol=1e-4)

    generator = ElectraForMaskedLM.from_pretrained(tmp_path / GENERATOR).eval()
    assert masked.own_encoder is not None
    assert isinstance(masked.head, MaskedLMHead)
    ours_TV = masked.head(masked.own_encoder(tokens), masked.own_encoder)
    theirs_TV = SEQUENCES.unpad(generator(**SEQUENCES.padded()).logits)
    assert torch.allclose(ours_TV, theirs_TV, atol=1e-4)
    assert generator.config.hidden_size < peer.config.hidden_size
    table = "electra.embeddings.word_embeddings.weight"
    assert torch.equal(generator.state_dict()[table], peer.state_dict()[table])


def test_a_run_writes_its_last_weights_in_the_place_of_older(tmp_path: Path) -> None:
    data = make_data(tmp_path / "data")
    for steps in (1, 2):
        outcome = run_here(data, tmp_path / "run", f"train.steps={steps}")
        assert outcome.finished
        ours = open_pretrained(tmp_path / "run" / MODEL).build_encoder().state_dict()
        for name, tensor in ours.items():
            assert torch.equal(outcome.weights[-1][f"encoder.{name}"], tensor), name


def test_a_running_mean_is_what_is_written(tmp_path: Path) -> None:
    data = make_data(tmp_path / "data")
    run = run_here(data, tmp_path / "run", "train.steps=3", "train.ema=0.5")
    name = "encoder.embeddings.token.weight"
    still = run_here(data, tmp_path / "still", "train.steps=1", "train.optimiser.learning_rate=1e-30")
    mean = still.weights[0][name]
    for step, weights in enumerate(run.weights):
        mean = torch.lerp(mean, weights[name], 1.0 - min(0.5, (1 + step) / (10 + step)))
    written = open_pretrained(run.directory / MODEL).build_encoder().state_dict()["embeddings.token.weight"]
    assert torch.allclose(written, mean, atol=1e-6)
    assert not torch.allclose(written, run.weights[-1][name], atol=1e-4)
