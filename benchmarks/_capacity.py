"""A model of time, memory and network past one machine, from a few measured coefficients."""

from dataclasses import dataclass
from math import ceil, log

from recsys.cluster.executor import FAN_IN

FLOAT = 4


@dataclass(frozen=True)
class Coefficients:
    """What one core and one connection of a machine do.

    Attributes:
        multiplication: seconds of one multiplication in a product of the sparse purchases with embeddings.
        dense: seconds of one multiplication in products of users' rows with small matrices.
        score: seconds of one multiplication where lists are ranked in blocks.
        round: seconds that a question to all workers takes beyond its work.
        byte: seconds that a byte takes between two processes.
    """

    multiplication: float
    dense: float
    score: float
    round: float
    byte: float


@dataclass(frozen=True)
class Size:
    """How much there is: interactions (pairs), users, items, and components of an embedding."""

    pairs: int
    users: int
    items: int
    components: int = 64


@dataclass(frozen=True)
class Needs:
    """Seconds of a pass of ALS and of the lists of all users; gigabytes of a worker, of the one that asks them, and
    sent over the network in a pass."""

    a_pass: float
    lists: float
    worker: float
    asking: float
    sent: float


def of_pass(size: Size, workers: int, known: Coefficients) -> float:
    """Seconds of a pass: the work of a worker, a question, and the exchange.

    One process takes the shares of the products one after the other; more than `FAN_IN` are added up on workers, level
    by level.
    """
    d = size.components
    work = 2 * size.pairs * d * known.multiplication + size.users * d * d * known.dense
    levels = max(ceil(log(workers, FAN_IN)), 1)
    exchange = levels * min(workers, FAN_IN) * size.items * d * FLOAT * known.byte
    return work / workers + known.round + exchange


def needs(size: Size, workers: int, known: Coefficients) -> Needs:
    """What a size needs on so many workers of one thread."""
    d = size.components
    products = size.items * d * FLOAT
    share = 16 * size.pairs / workers
    return Needs(
        a_pass=of_pass(size, workers, known),
        lists=size.users * size.items * d * known.score / workers,
        worker=(share + 3 * products) / 1e9,
        asking=(24 * size.pairs + 3 * FLOAT * d * size.users + 4 * products) / 1e9,
        sent=(workers + 1) * products / 1e9,
    )
