"""The passes of a training on its validation periods: measured one by one, until they bring nothing more."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.models.base import Representations
from recsys.models.hyperparameters import Hyperparameters
from recsys.progress import OnProgress, Progress
from recsys.training.windows import Measured, Window, measured

CHOOSE = "Choosing the number of passes on the validation set"
WIDER = 0.03
"""Catalogue coverage is higher when it has so much more than another."""

LOSS_SAMPLE = 20_000
"""Pairs of which the training loss is estimated at every pass."""


@dataclass
class Reporter:
    """Turns passes into fractions of the whole, and keeps the learning curve."""

    on_progress: OnProgress
    units: float
    started: float = field(default_factory=time.monotonic)
    done: float = 0.0
    curve: tuple[Mapping[str, Any], ...] = ()

    def report(self, step: str, epoch: int = 0, epochs: int = 0) -> None:
        """Tell how far the training is: the step, and the number of the pass among so many, where it is one."""
        fraction = min(self.done / self.units, 1.0)
        elapsed = time.monotonic() - self.started
        left = elapsed * (1 - fraction) / fraction if self.done >= 1 else None
        self.on_progress(Progress(step, fraction, epoch, epochs, left, self.curve))


@dataclass(frozen=True)
class Kept:
    """The pass that is kept.

    Attributes:
        models: what it gave on each window.
        measured: how good they are.
        epoch: its number, 0 for the start.
        stopped: why it is kept, in a sentence.
    """

    models: Sequence[Any]
    measured: Measured
    epoch: int
    stopped: str = ""


def best_pass(
    windows: Sequence[Window],
    recipe: Hyperparameters,
    seed: int,
    reporter: Reporter,
    passes: Iterator[Sequence[Any]],
    begun: Sequence[Any] | None = None,
) -> Kept:
    """Go through at most `recipe.epochs` passes and keep one.

    A pass is kept where it is better than the one kept before it by more than chance; or where its catalogue coverage
    is higher and it is within `recipe.variety` of the best. After `recipe.patience` passes that are neither, it stops.

    Args:
        passes: what each gives on every window.
        begun: the start, where there is one to be kept.
    """
    best: Kept | None = None
    highest, last = 0.0, 0
    if begun is not None:
        best = Kept(begun, measured(windows, begun), 0)
        _point(windows, reporter, seed, 0, begun, best.measured)
        highest = best.measured.ndcg
        reporter.report(CHOOSE, 0, recipe.epochs)
    for epoch in range(1, recipe.epochs + 1):
        found = next(passes, None)
        if found is None:
            break
        result, last = measured(windows, found), epoch
        _point(windows, reporter, seed, epoch, found, result)
        highest = max(highest, result.ndcg)
        if best is None or result.better_than(best.measured) or _wider(result, best.measured, highest, recipe):
            best = Kept(found, result, epoch)
        reporter.done += 1
        reporter.units = reporter.done + max(best.epoch + recipe.patience - epoch, 0) + best.epoch + 2
        reporter.report(CHOOSE, epoch, recipe.epochs)
        if epoch - best.epoch >= recipe.patience:
            break
    assert best is not None
    return replace(best, stopped=_reason(best.epoch, last, recipe))


def _wider(result: Measured, best: Measured, highest: float, recipe: Hyperparameters) -> bool:
    return (
        recipe.variety > 0
        and result.coverage > (1 + WIDER) * best.coverage
        and result.ndcg >= (1 - recipe.variety) * highest
        and not best.better_than(result)
    )


def _reason(kept: int, last: int, recipe: Hyperparameters) -> str:
    """Why so many passes were kept."""
    rule = "better by more than chance" if recipe.variety == 0 else (
        f"better by more than chance, or higher in catalogue coverage for at most {recipe.variety:.0%} of accuracy"
    )  # fmt: skip
    if last == kept == 1:
        return "The one pass that was made is kept."
    if last == kept:
        all_of_them = "Both" if kept == 2 else f"All {kept}"
        return f"{all_of_them} passes were kept: each was {rule} than the one kept before it, or the first."
    later = f"pass {last} was" if last == kept + 1 else f"passes {kept + 1} to {last} were"
    if kept == 0:
        return f"No pass was kept: of {last} tried none was {rule} than the start."
    return f"Pass {kept} of {last} tried is kept: {later} not {rule}."


def _point(
    windows: Sequence[Window], reporter: Reporter, seed: int, epoch: int, found: Sequence[Any], result: Measured
) -> None:
    reporter.curve = (
        *reporter.curve,
        {
            "epoch": epoch,
            "seconds": round(time.monotonic() - reporter.started, 2),
            **result.figures(),
            "loss": pairwise_loss(found[0], windows[0].period.counts, seed),
        },
    )


def pairwise_loss(model: Representations, counts: sparse.csr_matrix, seed: int) -> float:
    """Mean of log(1 + exp(score of any product - score of a bought one)) over a fixed sample of what is learned.

    The BPR loss of whatever was trained: falling means the purchases are learned, not that they are foreseen.
    """
    rng = np.random.default_rng(seed)
    pairs = rng.integers(0, counts.nnz, min(LOSS_SAMPLE, counts.nnz))
    users = np.searchsorted(counts.indptr, pairs, side="right") - 1
    bought, others = counts.indices[pairs], rng.integers(0, counts.shape[1], len(pairs))
    ahead: NDArray[np.float32] = model.item_embeddings[bought] - model.item_embeddings[others]
    asked, rows = np.unique(users, return_inverse=True)
    margin = np.einsum("ij,ij->i", model.user_embeddings[asked][rows], ahead)
    margin += model.item_biases[bought] - model.item_biases[others]
    return float(np.logaddexp(0.0, -margin.astype(np.float64)).mean())
