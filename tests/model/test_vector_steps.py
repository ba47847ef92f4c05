"""Scores that a chain of modules makes of tokens, beside plain products."""

from __future__ import annotations

import torch

from bertkit.batching.layout import PackedLayout
from bertkit.config.vectors import SCORES, VECTOR
from bertkit.model.vector_steps import Dense, LayerNorm, Step, VectorRecipe, normalise


def test_a_recipe_is_its_steps_one_after_the_other() -> None:
    torch.manual_seed(0)
    layout = PackedLayout.of([3, 1, 4])
    hidden_TW, weight_OW, bias_O = torch.randn(8, 5), torch.randn(2, 10), torch.randn(2)
    dense = Dense(weight_OW, bias_O, "tanh")
    recipe = VectorRecipe(("cls", "max"), after=(Step(VECTOR, VECTOR, dense), Step(VECTOR, SCORES, normalise)))
    pooled_BW = torch.stack([torch.cat([part[0], part.amax(0)]) for part in hidden_TW.split([3, 1, 4])])
    vectors_BO = torch.tanh(pooled_BW @ weight_OW.T + bias_O)
    torch.testing.assert_close(recipe.vectors(hidden_TW, layout), vectors_BO)
    torch.testing.assert_close(recipe.vectors(hidden_TW, layout, SCORES), vectors_BO / vectors_BO.norm(dim=1)[:, None])


def test_gradients_pass_to_tokens_and_not_to_weights() -> None:
    layout = PackedLayout.of([2, 2])
    hidden_TW = torch.randn(4, 3, requires_grad=True)
    norm = LayerNorm(torch.ones(3), torch.zeros(3))
    vectors_BW = VectorRecipe(after=(Step(VECTOR, VECTOR, norm),)).vectors(hidden_TW, layout)
    (vectors_BW * torch.arange(6).view(2, 3)).sum().backward()
    assert hidden_TW.grad is not None
    assert hidden_TW.grad.abs().sum() > 0


def test_half_precision_is_pooled_and_changed_in_float32() -> None:
    hidden_TW = torch.randn(5, 3).bfloat16()
    dense = Dense(torch.eye(3), None, "identity", residual=True)
    vectors_BW = VectorRecipe(after=(Step(VECTOR, VECTOR, dense),)).vectors(hidden_TW, PackedLayout.of([5]))
    torch.testing.assert_close(vectors_BW, 2 * hidden_TW.float().mean(0, keepdim=True))
