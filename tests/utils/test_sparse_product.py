"""The product of a sparse and a dense matrix is that of scipy, to the bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from recsys.utils import sparse_product
from recsys.utils.sparse_product import product


def matrix(rows: int, columns: int, density: float, seed: int) -> sparse.csr_matrix:
    found = sparse.random(rows, columns, density, format="csr", dtype=np.float32, random_state=seed)
    return sparse.csr_matrix(found)


@settings(max_examples=40, deadline=None)
@given(rows=st.integers(0, 60), columns=st.integers(1, 40), components=st.integers(0, 20), seed=st.integers(0, 999),
       density=st.sampled_from([0.0, 0.05, 0.5, 1.0]), ordered_by_column=st.booleans())  # fmt: skip
def test_equals_scipy(
    rows: int, columns: int, components: int, seed: int, density: float, ordered_by_column: bool
) -> None:
    left = matrix(rows, columns, density, seed)
    dense = np.random.default_rng(seed).standard_normal((columns, components), dtype=np.float32)
    dense = np.asfortranarray(dense) if ordered_by_column else dense
    found = product(left, dense)
    assert found.dtype == np.float32
    assert np.array_equal(found, left @ dense)


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_blocks_side_by_side_give_the_same(monkeypatch: pytest.MonkeyPatch, index: type) -> None:
    monkeypatch.setattr(sparse_product, "WORTH_THREADS", 1)
    monkeypatch.setattr(sparse_product, "cores", lambda: 3)
    left = matrix(101, 50, 0.2, 1)
    left.indices, left.indptr = left.indices.astype(index), left.indptr.astype(index)
    dense = np.random.default_rng(1).standard_normal((50, 7), dtype=np.float32)
    assert np.array_equal(product(left, dense), left @ dense)
