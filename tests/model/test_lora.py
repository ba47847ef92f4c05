from __future__ import annotations

import torch

from bertkit.config.encoder import EncoderConfig
from bertkit.config.training import Optimiser
from bertkit.model.build import build_encoder
from bertkit.model.encoder import Encoder
from bertkit.model.init import initialise
from bertkit.model.lora import adapt, adapters, merge
from bertkit.optimisation.optimisers import build_optimiser
from tests.parity.bert_peer import Sequences, Sizes

SIZES = Sizes()
CONFIG = EncoderConfig(vocab_size=99, width=33, heads=3, ffn_width=37, layer_of_step=(0, 1, 1), hidden_dropout=0.0)
BATCH = Sequences.random([13, 7, 1], SIZES).packed()


def encoder() -> Encoder:
    made = build_encoder(CONFIG)
    initialise(made, 0.2, torch.Generator().manual_seed(0))
    return made.eval()


def adapted() -> Encoder:
    made = encoder()
    adapt(made, rank=2, alpha=4.0, random=torch.Generator().manual_seed(1))
    return made


def test_it_begins_as_the_model_itself() -> None:
    assert torch.equal(adapted()(BATCH), encoder()(BATCH))


def test_only_narrow_matrices_learn() -> None:
    made = adapted()
    names = {name for name, parameter in made.named_parameters() if parameter.requires_grad}
    assert names == {f"{path}.{part}" for path in adapters(made) for part in ("lower", "upper")}
    assert len(adapters(made)) == 2 * 4
    assert "layers.1.mlp.down" in adapters(made)
    before = {name: tensor.clone() for name, tensor in made.state_dict().items()}
    optimiser = build_optimiser(made.named_parameters(), Optimiser(learning_rate=1e-2, weight_decay=0.0), 2)
    made(BATCH).square().sum().backward()
    optimiser.step()
    changed = {name for name, tensor in made.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {name for name in names if name.endswith("upper")}, "lower has no gradient while upper is zero"


def test_merged_it_computes_the_same() -> None:
    made = adapted()
    for part in adapters(made).values():
        torch.nn.init.normal_(part.upper, std=0.1, generator=torch.Generator().manual_seed(2))
    unmerged = made(BATCH)
    assert not torch.allclose(unmerged, encoder()(BATCH), atol=0.01)
    merge(made)
    assert not adapters(made)
    assert made.state_dict().keys() == encoder().state_dict().keys()
    assert torch.allclose(made(BATCH), unmerged, atol=1e-5)
