"""How well a model fills masks in held-out text: the same masks whoever measures, and whatever was trained with.

15 % of the tokens, of which 80 % become the mask, 10 % another token and 10 % stay (Devlin et al. 2018, 3.1); and, for
the pseudo-perplexity, one token of every sequence. Which ones is a function of the texts and their order alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from bertkit.batching.counter_random import mixed
from bertkit.config.batch_tokens import batch_tokens
from bertkit.config.training import Masking
from bertkit.evaluation.held_out_loss import HeldOutLossEvaluator
from bertkit.finetuning.training_data import samples_of
from bertkit.inference.model import Model
from bertkit.labelled.examples import Example
from bertkit.metrics.task_scores import Scores
from bertkit.model.heads import MaskedLMHead
from bertkit.objectives.fill_mask import MaskTraining
from bertkit.objectives.masked_lm import MaskedLM
from bertkit.sampling.masked_batch import MaskedBatch
from bertkit.sampling.masking import ONE_MASK, MaskRules
from bertkit.sampling.sample_stream import Sample, SampleBatch
from bertkit.tasks.reading import Reader
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.training.evaluation import PSEUDO_PERPLEXITY, LossEvaluator
from bertkit.training.parallelism import DataParallel
from bertkit.training.ranks import Ranks
from bertkit.training.training_module import TrainingModule

SEED = 0
NAMES = {
    f"{MaskedLM.name}/loss": "loss",
    f"{MaskedLM.name}/accuracy": "accuracy",
    PSEUDO_PERPLEXITY: PSEUDO_PERPLEXITY,
}


def held_out_text(
    samples: Sequence[Sample], tokenizer: Tokenizer, ranks: Ranks, best_by: str | None = None
) -> HeldOutLossEvaluator:
    """Measures a model on sequences of text: `loss`, `accuracy` and `pseudo_perplexity`.

    Raises:
        InputError: the tokenizer has no mask token.
    """
    rules = MaskRules.of(tokenizer, Masking())
    batch, keys_B = SampleBatch(samples), mixed(SEED, "held out", np.arange(len(samples)))
    masked, alone = (MaskedBatch(batch, keys_B, replace(rules, masking=masking)) for masking in (Masking(), ONE_MASK))
    most = batch_tokens("read", ranks.device.type)
    return HeldOutLossEvaluator(LossEvaluator([masked], [alone], {MaskedLM.name: 1.0}, ranks, most), NAMES, best_by)


def score_text(model: Model, examples: Sequence[Example]) -> Scores:
    """The measures of a model that is loaded for fill-mask.

    Raises:
        InputError: a text is empty, or longer than the model reads and not to be cut or read in windows.
    """
    assert isinstance(model.head, MaskedLMHead)
    reader = Reader(model.task, model.max_length, model.long, offsets=False, plain=True)
    samples = samples_of(examples, MaskTraining(), reader)
    held_out = held_out_text(samples, model.tokenizer, Ranks(0, 1, torch.device(model.device), None))
    training_module = TrainingModule(model.encoder, {MaskedLM.name: MaskedLM(model.head)}).eval()
    return Scores(held_out.measure(training_module, DataParallel(training_module, 1)))
