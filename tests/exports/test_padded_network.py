from __future__ import annotations

import numpy as np
import pytest
import torch

from bertkit.config.readout import Final
from bertkit.exports.padded_network import PaddedNetwork
from bertkit.model.vector_steps import RecipeHead
from tests.inference.test_graph_backend import CONFIG, NETWORKS


@pytest.mark.parametrize(
    ("name", "final", "outputs"),
    [
        ("labels", None, ("logits",)),
        ("labels", Final("softmax"), ("logits", "scores")),
        ("tags", Final("softmax"), ("logits", "scores")),
        ("spans", None, ("start_logits", "end_logits")),
        ("vectors", None, ("last_hidden_state",)),
        ("masks", None, ("logits",)),
        ("mean, 0", Final("length"), ("last_hidden_state", "sentence_embedding")),
        ("tokens changed", Final("length"), ("last_hidden_state", "token_embeddings", "sentence_embedding")),
    ],
)
def test_names_are_those_of_the_hub(name: str, final: Final | None, outputs: tuple[str, ...]) -> None:
    program = PaddedNetwork(NETWORKS[name](), final)
    assert program.signature.inputs == ("input_ids", "attention_mask", "token_type_ids")
    assert program.signature.outputs == outputs
    assert len(program(*program.example())) == len(outputs)


def test_a_model_with_one_segment_is_not_told_of_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    for types in (0, 1):
        monkeypatch.setattr(
            "tests.inference.test_graph_backend.CONFIG", CONFIG.model_copy(update={"segment_types": types})
        )
        program = PaddedNetwork(NETWORKS["labels"](), None)
        assert program.signature.inputs == ("input_ids", "attention_mask")
        assert program(*program.example())[0].shape == (2, 3)


@torch.inference_mode()
def test_scores_are_what_the_task_makes_of_logits() -> None:
    one = NETWORKS["labels"]()
    ids = torch.tensor([[1, 2, 3, 0], [4, 5, 0, 0]])
    given = ids, (ids != 0).long(), torch.zeros_like(ids)
    logits, scores = PaddedNetwork(one, Final("softmax", temperature=2.0))(*given)
    torch.testing.assert_close(scores, torch.softmax(logits / 2.0, dim=-1))
    logits, scores = PaddedNetwork(one, Final("sigmoid"))(*given)
    torch.testing.assert_close(scores, torch.sigmoid(logits))


@torch.inference_mode()
def test_a_vector_is_finished_and_cut() -> None:
    one = NETWORKS["tokens changed"]()
    assert isinstance(one.head, RecipeHead)
    ids = torch.tensor([[1, 2, 3, 0]])
    given = ids, (ids != 0).long(), torch.zeros_like(ids)
    _, tokens, whole = PaddedNetwork(one, Final("length"))(*given)
    np.testing.assert_allclose(np.linalg.norm(whole, axis=-1), 1.0, rtol=1e-6)
    assert tokens.shape == (1, 4, 5)
    torch.testing.assert_close(PaddedNetwork(one, Final("length", cut=3))(*given)[2], whole[:, :3])
    pooled = torch.cat([tokens[:, :3].mean(dim=1), tokens[:, :3].amax(dim=1)], dim=1)
    torch.testing.assert_close(PaddedNetwork(one, Final("identity"))(*given)[2], pooled)


def test_what_reads_one_token_of_each_text_computes_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    one = NETWORKS["labels"]()
    seen = []
    forward = one.encoder.forward
    monkeypatch.setattr(one.encoder, "forward", lambda *given: seen.append(given[1]) or forward(*given))
    PaddedNetwork(one, None)(*PaddedNetwork(one, None).example())
    assert seen[0].tolist() == [0, 8]
