"""Running independent tasks: in this process, or on the workers of a Dask scheduler. Only here dask is imported."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from recsys import __version__
from recsys.errors import InsiderError, InvalidInput

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")
R = TypeVar("R")

SECONDS_TO_CONNECT = 15
TRIES = 3
"""How often a task that fails is begun."""


def run_tasks(work: Callable[[T], R], tasks: Sequence[T], scheduler: str | None = None) -> Iterator[R]:
    """Do `work` for every task; gives what each returns, in the order in which they end.

    Nothing is sent but the function's name and the tasks: what is large lies in storage that all processes reach. A
    task may be done twice when its worker dies, so it must leave the same behind. Leaving the iteration early cancels
    what has not begun.

    Args:
        work: a function of a module, so that a worker finds it.
        scheduler: address such as `tcp://host:8786`; None works here, one task after the other.

    Raises:
        InvalidInput: no scheduler answers at the address, it has no workers, or they run another version.
        InsiderError: what the first task that fails raises.
    """
    if scheduler is None:
        yield from map(work, tasks)
        return
    with _connected(scheduler) as client:
        from distributed import as_completed

        futures = client.map(work, tasks, pure=False, retries=TRIES - 1)
        try:
            for future in as_completed(futures, loop=client.loop):
                yield _result(future)
        finally:
            client.cancel(futures)


def _result(future: Any) -> Any:
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        raise InsiderError(
            f"Workers died over one task: {error} Give workers more memory, or make the pieces smaller."
        ) from error


@contextmanager
def _connected(address: str) -> Iterator["Client"]:
    from distributed import Client

    try:
        client = Client(address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise InvalidInput(
            f"No Dask scheduler answers at {address!r}. Set INSIDER_SCHEDULER to an address such as tcp://host:8786, "
            "or unset it to work on this machine."
        ) from error
    with client:
        _check(address, client.run(_versions))
        yield client


def _versions() -> dict[str, str]:
    """What must agree between processes that hand each other values."""
    return {"insider": __version__, "python": ".".join(map(str, sys.version_info[:2]))}


def _check(address: str, workers: dict[str, Any]) -> None:
    if not workers:
        raise InvalidInput(f"The scheduler at {address!r} has no workers. Start one: dask worker {address}")
    ours = _versions()
    for worker, theirs in workers.items():
        different = [f"{name} {theirs.get(name)} instead of {value}" for name, value in ours.items()
                     if not isinstance(theirs, dict) or theirs.get(name) != value]  # fmt: skip
        if different:
            raise InvalidInput(f"Worker {worker} runs {' and '.join(different)}; install the same version everywhere.")


def pieces(n: int, size: int) -> Iterable[tuple[int, int]]:
    """Consecutive ranges of at most `size` that cover 0 to n."""
    return ((start, min(start + size, n)) for start in range(0, n, size))
