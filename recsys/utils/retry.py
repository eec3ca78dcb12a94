"""Waiting for a database that is away: what took an hour to train must not be lost to a minute without it."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from recsys.errors import StorageProblem

AWAY_SECONDS = 300.0
"""How long a job waits for the database before it gives up writing down how it ended."""

T = TypeVar("T")
logger = logging.getLogger("insider")


def retry_while_away(act: Callable[[], T], seconds: float | None = None) -> T:
    """Do it, and once more after a pause while it ends in StorageProblem; the last one goes on to the caller."""
    until, pause = time.monotonic() + (AWAY_SECONDS if seconds is None else seconds), 0.5
    while True:
        try:
            return act()
        except StorageProblem as error:
            left = until - time.monotonic()
            if left <= 0:
                raise
            logger.warning("%s Trying again for %.0f seconds.", error, left)
            time.sleep(min(pause, left))
            pause = min(2 * pause, 15.0)
