from __future__ import annotations

from copy import deepcopy

import torch

from bertkit.workflows.layers import causes, head_causes, parts
from tests.inference.test_graph_backend import NETWORKS, batch_of


def test_the_first_part_that_differs_and_what_in_it() -> None:
    a = NETWORKS["labels"]()
    b = deepcopy(a)
    b.encoder.layers[1].mlp.up.weight.data[0, 0] += 0.5  # type: ignore[union-attr, index]
    found = parts(a, b, [batch_of(named=False)])
    assert [(part.name, part.difference > 0) for part in found] == [
        ("embeddings", False),
        ("layer 0", False),
        ("layer 1", True),
    ]
    assert causes(a, b, "layer 1") == ["layers.1.mlp.up.weight differs by up to 5.0e-01"]
    assert causes(a, b, "layer 0") == head_causes(a, b) == []


def test_parts_that_one_has_alone_and_other_shapes() -> None:
    a, b = NETWORKS["labels"](), NETWORKS["labels"]()
    b.encoder.layers[0].attention_norm = torch.nn.Identity()  # type: ignore[union-attr]
    b.encoder.layers[0].mlp.down = torch.nn.Linear(7, 3)  # type: ignore[union-attr]
    found = causes(a, b, "layer 0")
    assert "layers.0.mlp.down.weight is (12, 7) in A, (3, 7) in B" in found
    assert "layers.0.attention_norm.weight is (12,) in A, not there in B" in found
    assert head_causes(a, NETWORKS["vectors"]()) == ["one has a head, the other none"]
    assert head_causes(NETWORKS["vectors"](), NETWORKS["vectors"]()) == []
