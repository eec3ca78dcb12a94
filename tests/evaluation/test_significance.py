"""Paired comparison of two methods: it finds what is there, and does not find what is not."""

import numpy as np
import pytest
from scipy import sparse, stats

from recsys.errors import InvalidInput
from recsys.evaluation.evaluate import evaluate
from recsys.evaluation.significance import LEVEL, compare, paired, paired_with_each


def test_a_shift_is_found_and_its_direction() -> None:
    rng = np.random.default_rng(0)
    base = rng.random(400)
    found = paired(base + 0.05 + rng.normal(0, 0.1, 400), base)
    assert found.verdict == "better"
    assert found.low < found.difference < found.high
    assert found.low > 0
    assert paired(base, base + 0.05).verdict == "worse"


def test_equal_methods_are_called_different_about_as_often_as_stated() -> None:
    rng = np.random.default_rng(1)
    called = [paired(rng.random(60), rng.random(60), samples=300, seed=i).verdict for i in range(200)]
    assert sum(x != "cannot tell" for x in called) / len(called) < LEVEL + 0.05


def test_the_p_value_agrees_with_the_paired_t_test_on_many_users() -> None:
    rng = np.random.default_rng(2)
    first = rng.normal(0.1, 1, 800)
    second = rng.normal(0.0, 1, 800)
    ours = paired(first, second, samples=4000).p_value
    assert ours == pytest.approx(stats.ttest_rel(first, second).pvalue, abs=0.03)


def test_several_at_once_are_told_as_each_alone_and_as_user_by_user() -> None:
    rng = np.random.default_rng(4)
    first, others = rng.random(90), [rng.random(90) + shift for shift in (0.0, 0.05, -0.2)]
    together = paired_with_each(first, others, samples=250, seed=7)
    assert together == [paired(first, second, samples=250, seed=7) for second in others]
    for second, found in zip(others, together, strict=True):
        again, differences, swapped, drawn = np.random.default_rng(7), first - second, [], []
        for _ in range(250):
            swapped.append((differences * np.where(again.integers(0, 2, 90), -1, 1)).mean())
            drawn.append(differences[again.integers(0, 90, 90)].mean())
        as_large = np.abs(swapped) >= abs(differences.mean()) - 1e-12
        assert found.p_value == pytest.approx((1 + as_large.sum()) / 251)
        assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])))


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_users_tell_nothing(n: int) -> None:
    found = paired(np.ones(n), np.zeros(n))
    assert found.verdict == "cannot tell"
    assert np.isfinite([found.difference, found.low, found.high]).all()


def test_the_same_values_are_no_difference() -> None:
    values = np.random.default_rng(3).random(50)
    found = paired(values, values)
    assert (found.verdict, found.difference, found.low, found.high, found.p_value) == ("cannot tell", 0, 0, 0, 1)


class Order:
    def scores(self, users: np.ndarray) -> np.ndarray:
        return np.tile(np.arange(8, 0, -1, dtype=np.float32), (len(users), 1))


def test_evaluations_of_different_users_or_lanes_are_refused() -> None:
    train = sparse.csr_matrix(np.eye(4, 8, dtype=np.float32))
    test = sparse.csr_matrix(np.roll(np.eye(4, 8, dtype=np.float32), 1, axis=1))
    fewer = sparse.csr_matrix(np.diag([0.0, 1, 1, 1]).astype(np.float32)) @ test
    fewer.eliminate_zeros()
    whole = evaluate(Order(), train, test, k=3)
    with pytest.raises(InvalidInput, match="different users \\(4 and 3\\)"):
        compare(whole, evaluate(Order(), train, fewer, k=3))
    with pytest.raises(InvalidInput, match="k=3"):
        compare(whole, evaluate(Order(), train, test, k=2))
    with pytest.raises(InvalidInput, match="No metric 'charm'"):
        compare(whole, whole, "charm")
