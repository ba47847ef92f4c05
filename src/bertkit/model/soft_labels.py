"""What a student learns from a teacher's numbers for a text or a word (Hinton et al. 2015, arXiv 1503.02531).

Shapes: `R` texts or words, `C` classes.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from bertkit.families.labels import Problem


@dataclass(frozen=True, slots=True)
class SoftLabels:
    """The teacher's part in a loss.

    Attributes:
        problem: what the numbers are: of one label among all, of labels each for itself, or the answer itself.
        temperature: both distributions are softened by it; a regression has none.
        labels: share of the loss that the examples' own labels have; 0 where they have none.
    """

    problem: Problem
    temperature: float
    labels: float = 0.0

    def mix(self, hard: Tensor, logits_RC: Tensor, teacher_RC: Tensor) -> Tensor:
        """The loss of the labels and the teacher's, each by its share.

        Args:
            hard: the loss of the labels, summed over the rows.
        """
        soft = self.divergence(logits_RC, teacher_RC)
        return self.labels * hard + (1.0 - self.labels) * soft if self.labels else soft

    def divergence(self, logits_RC: Tensor, teacher_RC: Tensor) -> Tensor:
        """How far the student is from the teacher, summed over the rows; 0 where they say the same.

        `temperature² · KL(teacher ‖ student)`, the square because it keeps the gradient's size whatever the
        temperature; of several labels the mean of each one's; of a regression the squared difference.
        """
        if self.problem == "regression":
            return functional.mse_loss(logits_RC, teacher_RC, reduction="sum")
        ours_RC, theirs_RC = logits_RC / self.temperature, teacher_RC / self.temperature
        if self.problem == "multi-label":
            wanted_RC = theirs_RC.sigmoid()
            entropy = functional.binary_cross_entropy_with_logits
            each_RC = entropy(ours_RC, wanted_RC, reduction="none") - entropy(theirs_RC, wanted_RC, reduction="none")
            return each_RC.mean(dim=1).sum() * self.temperature**2
        logs_RC, wanted_RC = ours_RC.log_softmax(dim=1), theirs_RC.log_softmax(dim=1)
        return functional.kl_div(logs_RC, wanted_RC, reduction="sum", log_target=True) * self.temperature**2

    def sums(self, logits_RC: Tensor, teacher_RC: Tensor) -> dict[str, Tensor]:
        """`correct`: rows in which both would answer alike, of several labels the share of them; none of numbers."""
        ours_RC = logits_RC.detach()
        if self.problem == "regression":
            return {}
        if self.problem == "multi-label":
            return {"correct": ((ours_RC > 0) == (teacher_RC > 0)).float().mean(dim=1).sum()}
        return {"correct": (ours_RC.argmax(dim=1) == teacher_RC.argmax(dim=1)).sum().float()}
