"""Our own training engine for LightFM: the same model and the same objective, several times as fast.

It fills a `lightfm.LightFM` as `LightFM.fit_partial` does, so that predicting, representations and further training by
the library go on working. With one thread it draws the same random numbers in the same order as the library and comes
to the same numbers, but for rounding, for negatives that are chosen a few examples early, and for the moment at which a
shared feature reaches the items not trained just then (see `recsys.models.engine.kernels`). Importing this module is
cheap; the first call compiles, once per machine.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count, pairwise
from math import gcd
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.errors import Diverged, InvalidInput
from recsys.models.engine.training_input import TrainingInput, checked_input
from recsys.utils import threads as arithmetic
from recsys.utils.numba_modules import numba_module

if TYPE_CHECKING:
    from lightfm import LightFM

LOSSES = ("warp", "bpr", "logistic", "warp-kos")
"""In the order of the numbers that `recsys.models.engine.kernels` gives them."""
PARTS = (
    ("embeddings", "biases"),
    ("embedding_gradients", "bias_gradients"),
    ("embedding_momentum", "bias_momentum"),
)
LANES = 16
TASKS = 8
"""Pieces of an epoch per thread, so that a thread that was held up does not hold up the others."""
DEPTH = 4
"""Examples between choosing a negative and learning from it, time for memory to bring what that takes."""
PAUSE = 4
"""Examples after which one more item gets its representation anew."""
HOT, MOST_HOT = 0.01, 64
"""Share of the examples from which on each thread has a feature's row for itself, and how many such rows at most."""
SLOTS = 2
"""Places at least, per pair, in the table that tells who has had what."""

Task = tuple[int, int, bool, NDArray[np.uint32]]
"""From where to where in the order, whether that is shuffled first, and the state of the random numbers."""


def fit_partial(
    model: "LightFM",
    interactions: sparse.spmatrix,
    user_features: sparse.spmatrix | None = None,
    item_features: sparse.spmatrix | None = None,
    sample_weight: NDArray[np.floating[Any]] | sparse.spmatrix | None = None,
    epochs: int = 1,
    threads: int = 1,
) -> None:
    """Goes on training `model`, in place, as `LightFM.fit_partial` does; see `epochs_of`."""
    for _ in epochs_of(model, interactions, user_features, item_features, sample_weight, epochs, threads):
        pass


def epochs_of(
    model: "LightFM",
    interactions: sparse.spmatrix,
    user_features: sparse.spmatrix | None = None,
    item_features: sparse.spmatrix | None = None,
    sample_weight: NDArray[np.floating[Any]] | sparse.spmatrix | None = None,
    epochs: int = 1,
    threads: int = 1,
    *,
    exact: bool = False,
) -> Iterator[int]:
    """Goes on training `model`, in place, as `LightFM.fit_partial` does; starts it if it is new.

    One thread and one `random_state` give the same result to the bit. Several threads work on the same numbers without
    locks (Hogwild, Niu et al. 2011), each on its own users and on own rows of what all would write to all the time; no
    two runs are alike.

    Whoever stops asking for epochs stops the training; the model then holds the last whole epoch.

    Args:
        model: its settings are the recipe. After every epoch it holds what was learned so far.
        interactions: (n_users, n_items); positive values are positives, for `logistic` all others are negatives.
        user_features, item_features: (n_users, n) and (n_items, n); None for one feature each.
        sample_weight: one finite weight, 0 or more, per stored interaction: a matrix with the same entries as
            `interactions`, or their values in the order of its `data`. Not for `warp-kos`.
        epochs: passes over the interactions; 0 only starts the model.
        threads: threads that train together; not more are used than there are cores.
        exact: bring every item up to date after every single example, and choose no negative before the example is
            learned from. Very slow: for tests against the library.

    Yields:
        The number of each epoch, from 1, when it is done.

    Raises:
        InvalidInput: shapes that do not fit together, weights that are negative or not finite, no items.
        Diverged: the numbers are no longer finite; the model keeps those of the epoch before.
    """
    given = checked_input(model, interactions, user_features, item_features, sample_weight)
    if threads < 1:
        raise InvalidInput(f"threads is {threads}; it must be 1 or more.")
    if model.item_embeddings is None:
        model._initialize(model.no_components, given.items.shape[1], given.users.shape[1])
    for name, features, known in (
        ("user", given.users, model.user_embeddings), ("item", given.items, model.item_embeddings),
    ):  # fmt: skip
        if features.shape[1] != len(known):
            raise InvalidInput(
                f"The {name} features have {features.shape[1]} columns; the model was trained with {len(known)}."
            )
    if epochs == 0 or given.lookup.nnz == 0:
        return
    threads = min(threads, arithmetic.cores())
    yield from _Training(model, given, exact, threads).run(epochs, threads)


class _Training:
    """The state of a model in the form the kernels work on, and the epochs over it."""

    def __init__(self, model: "LightFM", given: TrainingInput, exact: bool, threads: int) -> None:
        users, items, lookup, marks, weights = given
        kernels = numba_module("models.engine.kernels")
        self.kernels, self.model = kernels, model
        adadelta = model.learning_schedule == "adadelta"
        self.parts = PARTS[: 3 if adadelta else 2]
        self.width = -(-model.no_components // LANES) * LANES
        # rows that add up need sums of squares, which Adadelta does not keep
        hot = _hot(items, lookup) if threads > 1 and not adadelta else np.zeros(0, np.int32)
        self.users = kernels.Side(*self._pack("user"), users.indptr, _records(users))
        self.items = kernels.Side(*self._pack("item", threads * len(hot)), items.indptr, _records(items))
        self.owns = [self._own(hot, thread) for thread in range(threads)]
        self.table, self.leans = _aligned(items.shape[0], self.width), np.zeros(items.shape[0], np.float32)
        self.stale = True
        self.scales = np.ones(2)
        self.examples = np.empty((lookup.nnz, 4), np.int32)
        self.examples[:, 0] = np.repeat(np.arange(lookup.shape[0], dtype=np.int32), np.diff(lookup.indptr))
        self.examples[:, 1] = lookup.indices
        self.examples[:, 2] = marks.view(np.int32)
        self.examples[:, 3] = weights.view(np.int32)
        self.order = np.empty(0, np.int32)
        sizes = 1 << np.ceil(np.log2(SLOTS * np.diff(lookup.indptr) + 1)).astype(np.int64)
        starts = np.concatenate([[0], np.cumsum(sizes)])
        self.positives = kernels.Positives(lookup.indptr, lookup.indices, starts, np.full(starts[-1], -1, np.int32))
        kernels.fill_slots(*self.positives)
        shared = items.nnz > 0 and int(np.bincount(items.indices).max()) > 1
        self.rules = kernels.Rules(
            loss=LOSSES.index(model.loss),
            adadelta=adadelta,
            components=int(model.no_components),
            learning_rate=float(model.learning_rate),
            rho=float(model.rho),
            epsilon=float(model.epsilon),
            item_alpha=float(model.item_alpha),
            user_alpha=float(model.user_alpha),
            max_sampled=int(model.max_sampled),
            k=int(model.k),
            n=int(model.n),
            refresh=(items.shape[0] if exact else 1) if shared else 0,
            pause=1 if exact else PAUSE,
            depth=0 if exact else DEPTH,
        )

    def run(self, epochs: int, threads: int) -> Iterator[int]:
        with ThreadPoolExecutor(threads) as pool:
            for epoch in range(1, epochs + 1):
                self._epoch(pool, threads)
                with np.errstate(invalid="ignore", over="ignore"):
                    sums = [array.sum() for side in (self.users, self.items) for array in (side.state, side.biases)]
                if not np.isfinite(sums).all():
                    raise Diverged(
                        f"Training diverged: with learning rate {self.model.learning_rate:g} the embeddings are no "
                        f"longer finite numbers after pass {epoch}. Lower the learning rate."
                    )
                self._unpack("user", self.users)
                self._unpack("item", self.items)
                yield epoch

    def _epoch(self, pool: ThreadPoolExecutor, threads: int) -> None:
        """One thread takes the library's order. Of several, each has its own users, so that their rows stay in its
        cache, and shuffles pieces of its last order, cut anew; who is done takes pieces from the others.
        """
        random, n = self.model.random_state, len(self.examples)
        mix = threads > 1
        blocks = list(pairwise(n * thread // threads for thread in range(threads + 1)))
        if not mix:
            self.order = np.arange(n, dtype=np.int32)
            random.shuffle(self.order)
        elif len(self.order) == 0:
            self.order = np.concatenate([_spread(*block) for block in blocks])
        pieces = [piece for block in blocks for piece in (self._cut(*block) if mix else [block])]
        seeds = np.zeros(len(pieces), np.uint32)
        if self.model.loss != "logistic" or mix:  # the library draws no seeds for logistic
            seeds = random.randint(0, np.iinfo(np.int32).max, size=len(seeds)).astype(np.uint32)
        tasks = [(*piece, mix, seeds[at : at + 1]) for at, piece in enumerate(pieces)]
        while tasks:
            if self.stale:
                self.kernels.refresh_rows(self.items, self.table, self.leans, 0, len(self.table))
                self.stale = False
            share = -(-len(tasks) // threads)
            queues = [deque(tasks[first : first + share]) for first in range(0, len(tasks), share)]
            left = pool.map(self._work, range(len(queues)), [[*queues[at:], *queues[:at]] for at in range(len(queues))])
            tasks = sorted((task for some in left for task in some), key=lambda task: task[0])
            self._divide_scales_out()

    def _cut(self, first: int, last: int) -> list[tuple[int, int]]:
        """Pieces of a thread's part of the order, of about the same size, in any order."""
        random = self.model.random_state
        parts = (np.arange(TASKS) + random.random_sample(TASKS)) / TASKS
        pieces = list(pairwise([first, *(first + (parts * (last - first)).astype(int)).tolist(), last]))
        return [pieces[at] for at in random.permutation(len(pieces))]

    def _work(self, thread: int, queues: Sequence[deque[Task]]) -> list[Task]:
        """Learns from the pieces of the first queue, then from what is left of the others; gives what must wait until
        the scales are divided out."""
        items, own = self.owns[thread]
        left = []
        for queue in queues:
            while True:
                try:
                    first, last, mix, seed = queue.popleft() if queue is queues[0] else queue.pop()
                except IndexError:
                    break
                reached = self.kernels.train(
                    self.rules, self.examples, self.order, first, last, mix, self.positives, seed,
                    self.users, items, self.table, self.leans, self.scales, own,
                )  # fmt: skip
                if reached < last:
                    left.append((int(reached), last, False, seed))
        return left

    def _divide_scales_out(self) -> None:
        """The L2 regularisation is applied late: all values are divided by what has gathered in the scales."""
        for side, scale in ((self.items, self.scales[0]), (self.users, self.scales[1])):
            if scale != 1.0:
                side.state[:, : self.width] /= np.float32(scale)
                side.biases[:, 0] /= np.float32(scale)
                self.stale = True
        self.scales[:] = 1.0

    def _pack(self, side: str, spare: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        n, components = getattr(self.model, f"{side}_embeddings").shape
        state, biases = (
            _aligned(n + spare, self.width * len(self.parts)),
            np.zeros((n + spare, len(self.parts)), np.float32),
        )
        for number, (embedding, bias) in enumerate(self.parts):
            part = state[:n, number * self.width : (number + 1) * self.width]
            part[:, :components] = getattr(self.model, f"{side}_{embedding}")
            part[:, components:] = 1.0 if number == 1 else 0.0
            biases[:n, number] = getattr(self.model, f"{side}_{bias}")
        return state, biases

    def _own(self, hot: NDArray[np.int32], thread: int) -> tuple[Any, Any]:
        """The items as a thread sees them, with rows of its own for the features that are hot, and those rows."""
        first = len(self.model.item_embeddings) + thread * len(hot)
        rows = np.stack([hot, np.arange(first, first + len(hot), dtype=np.int32)], axis=1)
        features = self.items.features
        if len(hot):
            features, place = features.copy(), np.searchsorted(hot, features[:, 0])
            found = np.flatnonzero(hot[np.minimum(place, len(hot) - 1)] == features[:, 0])
            features[found, 0] = rows[place[found], 1]
        base = _aligned(len(hot), self.items.state.shape[1] + LANES)
        return self.items._replace(features=features), self.kernels.Own(rows, base)

    def _unpack(self, side: str, learned: Any) -> None:
        components = self.model.no_components
        for number, (embedding, bias) in enumerate(self.parts):
            start = number * self.width
            values = getattr(self.model, f"{side}_{embedding}")
            values[...] = learned.state[: len(values), start : start + components]
            getattr(self.model, f"{side}_{bias}")[...] = learned.biases[: len(values), number]


def _records(matrix: sparse.csr_matrix) -> NDArray[np.int32]:
    """(nnz, 2): for each stored feature its number and the bits of its weight, side by side for the cache."""
    records = np.empty((matrix.nnz, 2), np.int32)
    records[:, 0] = matrix.indices
    records[:, 1] = matrix.data.view(np.int32)
    return records


def _hot(items: sparse.csr_matrix, lookup: sparse.csr_matrix) -> NDArray[np.int32]:
    """Numbers of the item features that so many examples change that threads would be in each other's way, rising: as a
    positive's, or as those of one negative drawn for each."""
    uses = np.bincount(lookup.indices, minlength=items.shape[0])[: items.shape[0]] + lookup.nnz / items.shape[0]
    by_feature = np.bincount(items.indices, np.repeat(uses, np.diff(items.indptr)), minlength=items.shape[1])
    most = np.argsort(-by_feature, kind="stable")[:MOST_HOT]
    return np.sort(most[by_feature[most] > HOT * lookup.nnz]).astype(np.int32)


def _spread(first: int, last: int) -> NDArray[np.int32]:
    """The numbers from `first` on, in steps of about 0.618 of their count: every piece has some of every user."""
    n = last - first
    pace = next(step for step in count(int(0.618 * n) + 1) if gcd(step, n) == 1) if n else 1
    return (first + np.arange(n, dtype=np.int64) * pace % max(n, 1)).astype(np.int32)


def _aligned(rows: int, columns: int) -> NDArray[np.float32]:
    """Zeros (rows, columns) that start at a multiple of 64 bytes, on large pages where the system has them."""
    buffer = np.empty(rows * columns + LANES, np.float32)
    buffer.fill(0)
    offset = (-buffer.ctypes.data // 4) % LANES
    return buffer[offset : offset + rows * columns].reshape(rows, columns)
