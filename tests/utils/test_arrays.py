import numpy as np
import pytest

from recsys.utils.arrays import unit_rows
from recsys.utils.spreadsheet import safe_cell


def test_rows_have_length_one_and_rows_of_zeros_stay() -> None:
    found = unit_rows(np.array([[3, 4], [0, 0], [-2, 0]], np.float32))
    assert found.dtype == np.float32
    assert np.allclose(found, [[0.6, 0.8], [0, 0], [-1, 0]])


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@cmd", "\tx", "\rx", "\nx"])
def test_what_could_be_a_formula_is_none(text: str) -> None:
    assert safe_cell(text) == f"'{text}" and safe_cell(f"a{text}") == f"a{text}" and safe_cell("") == ""
