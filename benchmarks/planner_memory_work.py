"""What `planner_memory` measures: two batches of inference, or three steps of training, as bertkit takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from bertkit.batching.token_batch import TokenBatch
from bertkit.batching.training_batch import TrainingBatch
from bertkit.config.training import Optimiser
from bertkit.families.catalogue import FAMILIES
from bertkit.inference.precision import make_ready
from bertkit.model.build import build_encoder
from bertkit.model.heads import build_head, build_masked_lm_head
from bertkit.model.init import initialise
from bertkit.model.lora import adapt
from bertkit.objectives.masked_lm import MaskedLM
from bertkit.objectives.objective import Objective
from bertkit.objectives.text_classification import LabelObjective
from bertkit.optimisation.layers import recompute
from bertkit.optimisation.optimisers import build_optimiser
from bertkit.training.parallelism import DataParallel
from bertkit.training.ranks import Ranks
from bertkit.training.step import Stepper
from bertkit.training.training_module import TrainingModule

if TYPE_CHECKING:
    from benchmarks.planner_memory import Case

CPU = torch.device("cpu")
LORA_RANK = 8


def run(case: Case) -> None:
    """Do it."""
    torch.manual_seed(0)
    if case.mode == "inference":
        _infer(case)
    else:
        _train(case)


def _batch(case: Case, seed: int) -> TokenBatch:
    random = torch.Generator().manual_seed(seed)
    ids = torch.randint(case.vocabulary, (case.batch, case.length), generator=random).tolist()
    return TokenBatch.pack(ids, [[0] * case.length] * case.batch)


@torch.no_grad()
def _fill(module: torch.nn.Module) -> None:
    """Weights that need nothing beside themselves, as those of a file do."""
    for parameter in module.parameters():
        parameter.normal_(0.0, 0.02)


def _infer(case: Case) -> None:
    encoder = build_encoder(case.config())
    _fill(encoder)
    make_ready(encoder, CPU, torch.float32 if case.precision == "float32" else torch.bfloat16)
    encoder.eval()
    for seed in range(2):
        with torch.inference_mode():
            encoder(_batch(case, seed))


def _train(case: Case) -> None:
    config = case.config()
    encoder = build_encoder(config)
    initialise(encoder) if case.mode == "pre-training" else _fill(encoder)
    objective = _objective(case)
    if case.mode == "lora":
        adapt(encoder, LORA_RANK, 16.0, torch.Generator().manual_seed(0))
    training_module = TrainingModule(encoder, {objective.name: objective}).train()
    if case.recompute:
        recompute(encoder)
    settings = Optimiser()
    ranks = Ranks(0, 1, CPU, None)
    stepper = Stepper(
        training_module,
        build_optimiser(training_module.named_parameters(), settings, config.layers),
        DataParallel(training_module, 1, half=case.precision == "bfloat16-weights"),
        ranks,
        weights={objective.name: 1.0},
        clip=settings.clip,
        autocast=case.precision == "bfloat16",
        seed=0,
    )
    for step in range(3):
        batch = TrainingBatch(_batch(case, step), _targets(case, step))
        counts = {objective.name: stepper.counts([batch])[0]}
        sums = stepper.gradient([batch], counts, step)
        assert sums is not None
        stepper.update(sums, counts)


def _objective(case: Case) -> Objective:
    if case.mode == "pre-training":
        return MaskedLM(build_masked_lm_head(FAMILIES["bert"].heads["masked-lm"], case.config()))
    head = build_head(FAMILIES["modernbert"].heads["text-classification"], case.config(), 2)
    initialise(head)
    return LabelObjective(head, "single-label", None, 0.0)


def _targets(case: Case, seed: int) -> dict[str, torch.Tensor]:
    tokens = case.batch * case.length
    random = torch.Generator().manual_seed(seed)
    if case.mode != "pre-training":
        return {"label_B": torch.randint(2, (case.batch,), generator=random)}
    masked_M = torch.randperm(tokens, generator=random)[: round(0.15 * tokens)].sort().values
    return {"masked_M": masked_M, "masked_ids_M": torch.randint(case.vocabulary, (len(masked_M),), generator=random)}
