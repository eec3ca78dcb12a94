"""Cutting a dataset in three: learn from one part, choose on a second, judge on a third that nothing has looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy import sparse

from recsys import columns as c
from recsys.dataset.dataset import Dataset, Interactions
from recsys.errors import InvalidInput

TEST_DAYS = 28
VALIDATION_DAYS = 28
SHORT = 5
"""Data that span less than this many test periods get shorter ones: this share of what there is."""

ENOUGH, ENOUGH_SHARE = 500, 0.2
"""So many shoppers, or this share of all, whichever is fewer, are to be judged on the test period."""

LEAVE_OUT = 2
"""How many products of each user a split without times sets aside for judging, and as many for choosing."""

Kind = Literal["time", "leave-k-out"]


class SplitDescription(BaseModel):
    """What a split is and how large, for manifests and `evaluate --json`; `split_again` makes the same one from it.

    Attributes:
        validation_start, test_start, end: ISO 8601; None for a split without times.
        k, seed: of a split of kind "leave-k-out", otherwise None.
        training_pairs, validation_pairs, test_pairs: pairs of user and item in each part.
        drawn_from: users with a history in the test part, where only some of them, `drawn`, are judged.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: Kind = "time"
    validation_start: str | None = None
    test_start: str | None = None
    end: str | None = None
    k: int | None = None
    seed: int | None = None
    training_pairs: int = 0
    validation_pairs: int = 0
    test_pairs: int = 0
    drawn_from: int | None = None
    drawn: int | None = None

    def to_dict(self) -> Mapping[str, object]:
        """Ready for JSON."""
        return self.model_dump(exclude_unset=True)


@dataclass(frozen=True)
class Split:
    """Two cuts, in time where there are times:

        first ........ validation_start ........ test_start ........ last
        |     fit     ||     validation     ||       test       |
        |              training              |

    Otherwise products of each user are set aside at random (kind "leave-k-out"), and the moments are NaT.

    Attributes:
        fit: before `validation_start`; models under choice learn from it.
        validation: from `validation_start` to `test_start`; hyperparameters and passes are chosen on it.
        training: before `test_start`, fit and validation together; the stored model learns from it.
        test: from `test_start` on; looked at once for each reported model.
        k, seed: of a split of kind "leave-k-out": how many products at most, and the seed of the choice.
    """

    validation_start: pd.Timestamp
    test_start: pd.Timestamp
    end: pd.Timestamp
    fit: Interactions
    validation: Interactions
    training: Interactions
    test: Interactions
    kind: Kind = "time"
    k: int = 0
    seed: int = 0

    @cached_property
    def judged(self) -> sparse.csr_matrix:
        """CSR (n_users, n_items): of `test`, what users did who have a history in `training`; `most_tested` of them,
        drawn, where there are more."""
        return some_of(self._test_of(np.diff(self.training.counts.indptr) > 0), self.most_tested)

    @cached_property
    def without_history(self) -> sparse.csr_matrix:
        """CSR (n_users, n_items): the rest of `test`, as many at most. Nobody can know these users' tastes; they are
        judged apart."""
        return some_of(self._test_of(np.diff(self.training.counts.indptr) == 0), self.most_tested)

    @property
    def most_tested(self) -> int:
        """How many users are judged at most: `MOST_TESTED`, and fewer where there are many items to rank."""
        return most_ranked(MOST_TESTED, self.test.counts.shape[1])

    @cached_property
    def n_known(self) -> int:
        """How many users of `test` have a history in `training`."""
        bought = np.diff(self.test.counts.indptr) > 0
        return int((bought & (np.diff(self.training.counts.indptr) > 0)).sum())

    def _test_of(self, users: NDArray[np.bool_]) -> sparse.csr_matrix:
        found = (sparse.diags(users.astype(np.float32)) @ self.test.counts).tocsr()
        found.eliminate_zeros()
        return found

    def describe(self) -> SplitDescription:
        """What it is and how large."""
        drawn = {"k": self.k, "seed": self.seed} if self.kind == "leave-k-out" else {}
        if self.n_known > self.most_tested:
            drawn |= {"drawn_from": self.n_known, "drawn": self.most_tested}
        return SplitDescription(
            kind=self.kind,
            validation_start=_iso(self.validation_start),
            test_start=_iso(self.test_start),
            end=_iso(self.end),
            **drawn,
            training_pairs=int(self.training.counts.nnz),
            validation_pairs=int(self.validation.counts.nnz),
            test_pairs=int(self.test.counts.nnz),
        )


@dataclass(frozen=True)
class Periods:
    """Lengths of the test and of the validation period in days, where somebody sets them.

    Attributes:
        test: None for the length that suits the data.
        validation: None for as long as the test period.
    """

    test: float | None = None
    validation: float | None = None

    def __post_init__(self) -> None:
        for name, days in (("test", self.test), ("validation", self.validation)):
            if days is not None and not (np.isfinite(days) and days > 0):
                raise InvalidInput(f"The {name} period is {days:g} days; it must be more than 0.")


def make_split(dataset: Dataset, *, seed: int = 0, periods: Periods | None = None) -> Split:
    """The split that suits the data. It has a seed of its own: trainings that differ in theirs are judged alike.

    With times: by time, 28 days each for validation and test, or a fifth of the period each where there is less than
    five times that. Where 28 days would leave fewer than `ENOUGH` shoppers to judge, and fewer than `ENOUGH_SHARE` of
    all, they are doubled as often as it takes, up to a fifth of the period. Without times, or when everything happened
    on one day: leave-k-out.

    Raises:
        InvalidInput: periods are set, and the data have no times or are too short for them.
    """
    days = split_days(*_reach(dataset)) if dataset.timed else None
    if days is None:
        if periods not in (None, Periods()):
            raise InvalidInput(
                f"Dataset {dataset.name!r} has no periods to set, because its events have no times or lie on one day."
            )
        return leave_k_out(dataset, seed=seed)
    periods = periods or Periods()
    test = periods.test or _long_enough(dataset, days[0])
    return time_split(dataset, test_days=test, validation_days=periods.validation or test)


def _long_enough(dataset: Dataset, days: float) -> float:
    """Days of the test period, from `days` up, with enough shoppers who had something before and had something new."""
    first, last = _reach(dataset)
    pairs = dataset.interactions()
    active = np.flatnonzero(np.diff(pairs.counts.indptr))
    begins = np.minimum.reduceat(pairs.first, pairs.counts.indptr[active]) if len(active) else pairs.first
    newest = np.maximum.reduceat(pairs.first, pairs.counts.indptr[active]) if len(active) else pairs.first
    longest = (last - first) / pd.Timedelta(days=1) / SHORT
    while True:
        cut = (last - pd.Timedelta(days=days)).to_datetime64()
        judged = int(((begins < cut) & (newest >= cut)).sum())
        if judged >= min(ENOUGH, ENOUGH_SHARE * len(active)) or days >= longest:
            return days
        days = min(2 * days, longest)


def split_days(first: Any, last: Any) -> tuple[float, float] | None:
    """Days of the test and of the validation period for data of this period; None where time is no help."""
    if pd.isna(first):
        return None
    days = (last - first) / pd.Timedelta(days=1)
    return None if days < 1 else (min(TEST_DAYS, days / SHORT), min(VALIDATION_DAYS, days / SHORT))


MOST_JUDGED = 5000
"""Users that are judged where a page waits for the answer."""

MOST_TESTED = 20_000
"""Users of the test period that models and baselines are judged on, the same ones for all; where there are more they
are drawn. Their mean NDCG@10 is then known to about 0.002."""

MANY_ITEMS, FEWEST = 100_000, 1000
"""With more items than this fewer users are judged, so that there is as much to rank, but so many at least."""


def most_ranked(most: int, n_items: int) -> int:
    """How many users are judged where at most so many would be, with this number of items."""
    return min(most, max(most * MANY_ITEMS // max(n_items, 1), FEWEST))


def some_of(counts: sparse.csr_matrix, most: int = MOST_JUDGED, seed: int = 0) -> sparse.csr_matrix:
    """The same (n_users, n_items) matrix with the rows of at most so many of the users who have something, drawn; the
    others are empty."""
    there = np.flatnonzero(np.diff(counts.indptr))
    if len(there) <= most:
        return counts
    kept = np.zeros(counts.shape[0], dtype=np.float32)
    kept[np.random.default_rng(seed).choice(there, most, replace=False)] = 1
    found = (sparse.diags(kept) @ counts).tocsr()
    found.eliminate_zeros()
    return found


def time_split(dataset: Dataset, *, test_days: float = TEST_DAYS, validation_days: float = VALIDATION_DAYS) -> Split:
    """Hold out the last `test_days`, and the `validation_days` before them for choosing.

    Raises:
        InvalidInput: when there are no times, or they do not reach back far enough to leave something to learn from.
    """
    if not dataset.timed:
        raise InvalidInput(f"Dataset {dataset.name!r} has no timestamps to split by; use leave_k_out.")
    first, last = _reach(dataset)
    test_start = last - pd.Timedelta(days=test_days)
    validation_start = test_start - pd.Timedelta(days=validation_days)
    if first >= validation_start:
        days = (last - first) / pd.Timedelta(days=1)
        raise InvalidInput(
            f"Dataset {dataset.name!r} spans {days:.1f} days; a test period of {test_days:g} and a validation period "
            f"of {validation_days:g} days leave nothing to learn from. Use shorter periods or more data."
        )
    return split_at(dataset, validation_start, test_start)


def _reach(dataset: Dataset) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last event, without stray ones far before or after the others where the notes tell of such."""
    first, last = dataset.period
    return pd.Timestamp(dataset.notes.get("split_start", first)), pd.Timestamp(dataset.notes.get("split_end", last))


def split_at(dataset: Dataset, validation_start: pd.Timestamp, test_start: pd.Timestamp) -> Split:
    """The same with given cuts."""
    return Split(
        validation_start=validation_start,
        test_start=test_start,
        end=dataset.period[1],
        fit=dataset.interactions(end=validation_start),
        validation=dataset.interactions(start=validation_start, end=test_start),
        training=dataset.interactions(end=test_start),
        test=dataset.interactions(start=test_start),
    )


def leave_k_out(dataset: Dataset, *, k: int = LEAVE_OUT, seed: int = 0) -> Split:
    """Set aside, for every user, up to `k` products for the test and up to `k` for validation, chosen at random.

    A user with n products gives min(k, n // 2) to the test and min(k, half of the rest) to validation, so that
    something to learn from is always left. All events with a product go the same way.

    Raises:
        InvalidInput: when no user has two products, or nobody three.
    """
    users = dataset.events[c.USER].to_numpy()
    items = dataset.events[c.ITEM].to_numpy()
    begins = np.r_[True, (users[1:] != users[:-1]) | (items[1:] != items[:-1])]
    pair_of_event = np.cumsum(begins) - 1
    user_of_pair = users[begins]
    had = np.bincount(user_of_pair, minlength=dataset.n_users)
    if had.max() < 3:
        raise InvalidInput(
            f"In dataset {dataset.name!r} nobody has three different items; a split without timestamps sets one aside "
            "for judging and one for choosing. Use more data, or data with timestamps."
        )
    order = np.lexsort((np.random.default_rng(seed).random(len(user_of_pair)), user_of_pair))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order)) - (np.cumsum(had) - had)[user_of_pair[order]]
    test = np.minimum(k, had // 2)
    validation = np.minimum(k, (had - test) // 2)
    in_test = (place < test[user_of_pair])[pair_of_event]
    in_validation = (place < (test + validation)[user_of_pair])[pair_of_event] & ~in_test
    never = pd.Timestamp("NaT")
    return Split(
        validation_start=never,
        test_start=never,
        end=never,
        fit=dataset.gathered(~in_test & ~in_validation),
        validation=dataset.gathered(in_validation),
        training=dataset.gathered(~in_test),
        test=dataset.gathered(in_test),
        kind="leave-k-out",
        k=k,
        seed=seed,
    )


def split_again(dataset: Dataset, described: SplitDescription) -> Split:
    """The split that a description tells of, for instance the one a stored model was trained with."""
    if described.kind == "leave-k-out":
        return leave_k_out(dataset, k=described.k or LEAVE_OUT, seed=described.seed or 0)
    return split_at(dataset, timestamp(described.validation_start), timestamp(described.test_start))


def held_out(described: SplitDescription) -> str:
    """What a model was judged on, in words that stand after "on"."""
    period = "the held-out period"
    if described.kind == "leave-k-out":
        period = f"up to {described.k} products of each user that were set aside at random (the data have no times)"
    if not described.drawn_from:
        return period
    return f"{period}, of whose {described.drawn_from:,} shoppers {described.drawn or MOST_TESTED:,} were drawn"


def protocol_note(described: SplitDescription | None) -> str:
    """A sentence for where metrics are shown, when they do not come from a later period, or not from all of its
    shoppers; otherwise nothing."""
    if described is None or (described.kind != "leave-k-out" and not described.drawn_from):
        return ""
    return f"Judged on {held_out(described)}."


def timestamp(text: str | None) -> Any:
    """The time of a description, a `pd.Timestamp`; NaT for None."""
    return pd.Timestamp("NaT" if text is None else text)


def _iso(moment: pd.Timestamp) -> str | None:
    return None if pd.isna(moment) else moment.isoformat()
