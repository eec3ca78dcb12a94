"""Waiting for a database that cannot be reached: a finished training must not be lost because of it."""

import logging
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from recsys.errors import StorageProblem

AWAY_SECONDS = 300.0
"""How long a job waits for the database before it gives up writing down how it ended."""

T = TypeVar("T")
logger = logging.getLogger("insider")


def retry_while_away(act: Callable[[], T], seconds: float | None = None) -> T:
    """Do it, and once more after a pause while it ends in StorageProblem; the last one goes on to the caller."""
    most = AWAY_SECONDS if seconds is None else seconds

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        logger.warning("%s Trying again for %.0f seconds.", error, most - (state.seconds_since_start or 0.0))

    trying = Retrying(
        retry=retry_if_exception_type(StorageProblem),
        stop=stop_after_delay(most),
        wait=wait_exponential(multiplier=0.5, max=15.0),
        before_sleep=tell,
        reraise=True,
    )
    return trying(act)
