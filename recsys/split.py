"""Cutting a dataset in time: learn from the past, choose on a validation period, judge on a test period."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from recsys.dataset import Dataset, Interactions
from recsys.errors import InvalidInput

TEST_DAYS = 28
VALIDATION_DAYS = 28


@dataclass(frozen=True)
class Split:
    """Two cuts in time.

        first ........ validation_start ........ test_start ........ last
        |     fit     ||     validation     ||       test       |
        |              training              |

    Attributes:
        fit: before `validation_start`; models under choice learn from it.
        validation: from `validation_start` to `test_start`; hyperparameters and epochs are chosen on it.
        training: before `test_start`, fit and validation together; the stored model learns from it.
        test: from `test_start` on; looked at once for each reported model.
    """

    validation_start: pd.Timestamp
    test_start: pd.Timestamp
    end: pd.Timestamp
    fit: Interactions
    validation: Interactions
    training: Interactions
    test: Interactions

    def describe(self) -> dict[str, Any]:
        """Dates and sizes for manifests and `evaluate --json`."""
        return {
            "kind": "time",
            "validation_start": self.validation_start.isoformat(),
            "test_start": self.test_start.isoformat(),
            "end": self.end.isoformat(),
            "training_pairs": int(self.training.counts.nnz),
            "validation_pairs": int(self.validation.counts.nnz),
            "test_pairs": int(self.test.counts.nnz),
        }


def time_split(dataset: Dataset, *, test_days: float = TEST_DAYS, validation_days: float = VALIDATION_DAYS) -> Split:
    """Hold out the last `test_days`, and the `validation_days` before them for choosing.

    Raises:
        InvalidInput: when the data do not reach back far enough to leave something to learn from.
    """
    first, last = dataset.period
    test_start = last - pd.Timedelta(days=test_days)
    validation_start = test_start - pd.Timedelta(days=validation_days)
    if first >= validation_start:
        days = (last - first) / pd.Timedelta(days=1)
        raise InvalidInput(
            f"Dataset {dataset.name!r} spans {days:.1f} days; a test period of {test_days:g} and a validation period "
            f"of {validation_days:g} days leave nothing to learn from. Use shorter periods or more data."
        )
    return split_at(dataset, validation_start, test_start)


def split_at(dataset: Dataset, validation_start: pd.Timestamp, test_start: pd.Timestamp) -> Split:
    """The same with given cuts, for instance those a stored model was trained with."""
    return Split(
        validation_start=validation_start,
        test_start=test_start,
        end=dataset.period[1],
        fit=dataset.interactions(end=validation_start),
        validation=dataset.interactions(start=validation_start, end=test_start),
        training=dataset.interactions(end=test_start),
        test=dataset.interactions(start=test_start),
    )
