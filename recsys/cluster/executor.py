"""The workers of a Dask cluster, and running tasks on them. Only here dask is imported."""

import operator
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar, cast

from recsys.errors import InsiderError, InvalidInput
from recsys.utils.formatting import plural
from recsys.version import __version__

if TYPE_CHECKING:
    from distributed import Client, Future

T = TypeVar("T")
R = TypeVar("R")

SECONDS_TO_CONNECT = 15
SECONDS_WITHOUT_WORKERS = 60
"""For so long work waits for a worker when all are gone."""

POLL_SECONDS = 5
FAN_IN = 8
"""More answers than this are added up on workers, so many at a time, before they are fetched."""

TRIES = 3
"""How often a task that fails is begun."""


class Workers:
    """The workers of one cluster, while the connection lasts.

    Nothing is sent but the function's name and the tasks: what is large lies in storage that all processes reach. A
    task may be done twice when its worker dies, so it must leave the same behind.
    """

    def __init__(self, client: "Client", address: str) -> None:
        self._client, self._address = client, address
        self._slots = [worker for worker, threads in sorted(client.nthreads().items()) for _ in range(threads)]

    @property
    def threads(self) -> int:
        """How many tasks the workers did at a time when the connection was made."""
        return len(self._slots)

    def described(self) -> list[str]:
        """Each worker in words: its address, its threads and the tasks that it has."""
        busy = self._client.processing()
        return [f"{worker} ({plural(threads, 'thread')}, {plural(len(busy.get(worker, ())), 'task')})"
                for worker, threads in sorted(self._client.nthreads().items())]  # fmt: skip

    def everywhere(self, work: Callable[..., R], *arguments: Any) -> dict[str, R]:
        """Do `work` once on each worker; gives what it returns, by the worker's address."""
        return dict(self._client.run(work, *arguments))

    def as_they_end(self, work: Callable[[T], R], tasks: Sequence[T]) -> Iterator[R]:
        """Do `work` for every task, on whichever worker is free; gives what each returns, in the order they end.

        Leaving the iteration early cancels what has not begun.

        Raises:
            InsiderError: what the first task that fails raises; or the scheduler or all workers are gone.
        """
        waiting = {self._begun(work, task) for task in tasks}
        with self._cancelling(waiting):
            while waiting:
                ended = self._ended(waiting)
                yield from map(self._result, ended)
                waiting -= ended

    def in_order(self, work: Callable[[T], R], tasks: Sequence[T]) -> Iterator[R]:
        """The same, in the order of the tasks. The nth is done by the same worker each time, while that one is there:
        a worker may keep what it needs for the next question."""
        futures = [self._begun(work, task, self._slots[n % len(self._slots)]) for n, task in enumerate(tasks)]
        with self._cancelling(futures):
            for future in futures:
                self._ended({future})
                yield self._result(future)

    def summed(self, work: Callable[[T], R], tasks: Sequence[T]) -> R:
        """The sum (`+`) of what `work` gives for all tasks, placed as by `in_order`; always added in the same order."""
        every = [self._begun(work, task, self._slots[n % len(self._slots)]) for n, task in enumerate(tasks)]
        with self._cancelling(every):
            level = every
            while len(level) > FAN_IN:
                level = [self._client.submit(_sum, level[first : first + FAN_IN], pure=False)
                         for first, _ in pieces(len(level), FAN_IN)]  # fmt: skip
                every = every + level
            for future in level:
                self._ended({future})
            return cast("R", _sum([self._result(future) for future in level]))

    def _begun(self, work: Callable[[T], R], task: T, worker: str | None = None) -> "Future":
        where = {} if worker is None else {"workers": [worker], "allow_other_workers": True}
        return self._client.submit(_do, work, _versions(), task, pure=False, retries=TRIES - 1, **where)

    @contextmanager
    def _cancelling(self, futures: "Iterable[Future]") -> Iterator[None]:
        try:
            yield
        finally:
            self._client.cancel(list(futures))

    def _ended(self, futures: "set[Future]") -> "set[Future]":
        """Those that have ended, once there is one."""
        from concurrent.futures import CancelledError

        from distributed import wait

        missing_since = None
        while True:
            try:
                with self._client.as_current():
                    return set(wait(futures, timeout=POLL_SECONDS, return_when="FIRST_COMPLETED").done)
            except TimeoutError:
                if self._there():
                    missing_since = None
                    continue
            except CancelledError as error:
                raise InsiderError(
                    f"The Dask scheduler at {self._address!r} went away. Start it and its workers, then begin again."
                ) from error
            missing_since = missing_since or time.monotonic()
            if time.monotonic() - missing_since > SECONDS_WITHOUT_WORKERS:
                raise InsiderError(
                    f"No worker was at the scheduler {self._address!r} for {SECONDS_WITHOUT_WORKERS} s. Start one: "
                    f"dask worker {self._address}"
                )

    def _result(self, future: "Future") -> Any:
        from distributed import KilledWorker

        try:
            return future.result()
        except KilledWorker as error:
            raise InsiderError(
                f"Workers died over one task: {error} Give workers more memory, or make the pieces smaller."
            ) from error

    def _there(self) -> bool:
        try:
            return bool(self._client.nthreads())
        except (OSError, ValueError):
            return False


def run_tasks(work: Callable[[T], R], tasks: Sequence[T], scheduler: str | None = None) -> Iterator[R]:
    """Do `work` for every task, in this process or on the workers of a scheduler (`Workers.as_they_end`).

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
    with connected(scheduler) as workers:
        yield from workers.as_they_end(work, tasks)


@contextmanager
def connected(address: str) -> Iterator[Workers]:
    """The workers of the scheduler at an address, checked before anything is asked of them.

    Raises:
        InvalidInput: no scheduler answers at the address, it has no workers, or they run another version.
    """
    from distributed import Client

    try:
        client = Client(address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise InvalidInput(
            f"No Dask scheduler answers at {address!r}. Set INSIDER_SCHEDULER to an address such as tcp://host:8786, "
            "or unset it to work on this machine."
        ) from error
    with client:
        _check(f"The scheduler at {address!r}", _of_scheduler(client, address), _versions())
        found = client.run(_versions)
        if not found:
            raise InvalidInput(f"The scheduler at {address!r} has no workers. Start one: dask worker {address}")
        for worker, theirs in found.items():
            _check(f"Worker {worker}", theirs, _versions())
        yield Workers(client, address)


def _sum(parts: Sequence[Any]) -> Any:
    return reduce(operator.add, parts)


def _of_scheduler(client: "Client", address: str) -> Any:
    try:
        return client.run_on_scheduler(_versions)
    except (ImportError, AttributeError, RuntimeError) as error:  # it reads which functions are to be run
        raise InvalidInput(
            f"The scheduler at {address!r} does not know this version of Insider: {error}. Install the same version "
            "everywhere."
        ) from error


def _do(work: Callable[[T], R], ours: dict[str, str], task: T) -> R:
    """One task on a worker, which may have come after the others were checked."""
    _check("A worker", _versions(), ours)
    return work(task)


def _versions() -> dict[str, str]:
    """What must agree between processes that hand each other values."""
    return {"insider": __version__, "python": ".".join(map(str, sys.version_info[:2]))}


def _check(who: str, theirs: Any, ours: dict[str, str]) -> None:
    different = [f"{name} {theirs.get(name)} instead of {value}" for name, value in ours.items()
                 if not isinstance(theirs, dict) or theirs.get(name) != value]  # fmt: skip
    if different:
        raise InvalidInput(f"{who} runs {' and '.join(different)}; install the same version everywhere.")


def pieces(n: int, size: int) -> Iterable[tuple[int, int]]:
    """Consecutive ranges of at most `size` that cover 0 to n."""
    return ((start, min(start + size, n)) for start in range(0, n, size))
