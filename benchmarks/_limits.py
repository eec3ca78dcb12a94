"""What the machine could do at most, and how far from it training is, for `python -m benchmarks speed`."""

import statistics
import time
from typing import Any

import numpy as np
from lightfm import LightFM
from scipy import sparse

from benchmarks._measuring import seconds
from benchmarks._shop import DATASET, Results, new_model, result, setting, shop
from recsys.models.engine import trainer
from recsys.models.hyperparameters import Hyperparameters
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.training.train import features_for
from recsys.utils import threads

FLOATS = 64 * 2**20
"""Numbers in a vector that no cache holds."""
SIDE = 1024
"""Of the square matrices that are multiplied."""
OPERATIONS = 12
"""Of an update, for each number of a row: the representation twice, the products, the gradient and Adagrad's step."""


def limits() -> Results:
    """Memory and arithmetic of one core; and one example of an epoch against them, for the recipe of this comparison
    and for today's default.

    An update reads and writes the values and the squared gradients of every feature of two items and one user. The
    limit is the longer of the two times: all that from memory, or its arithmetic at the speed of `sgemm`.
    """
    rng = np.random.default_rng(0)
    long = rng.random(FLOATS if setting.size.runs > 1 else 2**16, dtype=np.float32)
    square = rng.random((SIDE, SIDE), dtype=np.float32)
    with threads.limited_blas_threads():
        reading = statistics.median(seconds(lambda: long @ long) for _ in range(setting.size.runs))
        multiplying = statistics.median(seconds(lambda: square @ square) for _ in range(setting.size.runs))
    bandwidth, operations = long.nbytes / reading, 2 * SIDE**3 / multiplying
    lines = [
        result("reading memory, one thread", bandwidth / 1e9, unit="GB/s"),
        result("sgemm, one thread", operations / 1e9, unit="GFLOP/s"),
    ]
    data, default = shop(), Hyperparameters()
    dataset = Workspace(Settings.from_environment()).store.load_dataset(setting.dataset)
    users, items = (side.matrix for side in features_for(dataset, default, data.split.training))
    whole = LightFM(
        no_components=default.components, loss="warp", max_sampled=default.max_sampled,
        learning_rate=default.learning_rate, random_state=0,
    )  # fmt: skip
    today = f"the default recipe, {default.components} components, max_sampled {default.max_sampled}"
    for words, model, of_users, of_items in (
        ("64 components, max_sampled 10", new_model(10), data.users, data.items), (today, whole, users, items),
    ):  # fmt: skip
        lines.append(_example(words, model, of_users, of_items, bandwidth, operations))
    return lines


def _example(
    words: str,
    model: LightFM,
    users: sparse.csr_matrix,
    items: sparse.csr_matrix,
    bandwidth: float,
    operations: float,
) -> dict[str, Any]:
    train = shop().train
    trainer.fit_partial(model, train, users, items)
    taken = [
        seconds(lambda: trainer.fit_partial(model, train, users, items), time.process_time)
        for _ in range(setting.size.runs)
    ]
    rows = 2 * items.nnz / items.shape[0] + users.nnz / users.shape[0]
    width = -(-model.no_components // trainer.LANES) * trainer.LANES + 1  # the bias lies apart
    size, work = rows * width * 2 * 4 * 2, rows * width * OPERATIONS
    limit = max(size / bandwidth, work / operations)
    return result(
        f"an example of the demo data, one thread, {words}" if setting.dataset == DATASET else f"an example, {words}",
        1e6 * statistics.median(taken) / train.nnz, 1e6 * limit, unit="us",
        note=f"theirs is the limit: {size / 1e3:.1f} kB from memory {1e6 * size / bandwidth:.2f} us, "
        f"{work / 1e3:.1f} kFLOP {1e6 * work / operations:.3f} us",
    )  # fmt: skip
