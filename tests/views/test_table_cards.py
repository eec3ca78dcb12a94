"""Cards of a table say what its columns say, in the same form."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from recsys.views.table_cards import Column, Fact, table_cards, written


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (0.12345, "%.4f", "0.1235"), (12.34, "%.1f%%", "12.3%"), (1234.5, "€%,.2f", "€1,234.50"), (7.0, "#%d", "#7"),
        (3, "%+d", "+3"), (0.00031, "%.3g", "0.00031"), (60.0, "%.0f days", "60 days"), (1.5, "%.2f ×", "1.50 ×"),
        (1234567, "localized", "1,234,567"), (20170, "", "20170"), (0.5, "", "0.5"), (np.int64(4), "", "4"),
        (pd.Timestamp("2017-03-05 07:09"), "D MMM YYYY, HH:mm", "5 Mar 2017, 07:09"),
        (date(2017, 12, 31), "D MMM YY", "31 Dec 17"), (pd.Timestamp("2017-03-05"), "", "5 Mar 2017"),
        (True, "", "Yes"), (np.False_, "", "No"), (["a", "b"], "", "a, b"), ([], "", ""),
        (None, "%.1f", ""), (float("nan"), "%.1f", ""), (pd.NaT, "D MMM YY", ""), (pd.NA, "", ""), ("<b>", "", "<b>"),
        ("100%d", "", "100%d"),
    ],
)  # fmt: skip
def test_values_are_written_as_their_column_says(value: object, form: str, text: str) -> None:
    assert written(value, form) == text


def test_a_card_has_what_its_row_is_about_and_leaves_out_what_is_not_known() -> None:
    table = pd.DataFrame({"live": ["Live", ""], "id": ["Spring", "2"], "ndcg": [0.05, None], "hidden": [1, 2]})
    columns = (Column("live", ""), Column("ndcg", "Accuracy", "%.3f", "How good"), Column("id", "Model", pinned=True))
    first, second = table_cards(table, columns, 5)
    assert (first.row, first.title) == (0, "Spring · Live")
    assert first.facts == (Fact("Accuracy", "0.050", "How good"),)
    assert (second.row, second.title, second.facts) == (1, "Model 2", ())
    assert len(table_cards(table, columns, 1)) == 1


def test_without_a_pinned_column_the_first_one_of_words_is_the_title() -> None:
    table = pd.DataFrame({"n": [3], "what": ["Milk"]})
    assert table_cards(table, (Column("n", "Times"), Column("what", "Product")), 5)[0].title == "Milk"
    titled = (Column("what", "Since"), Column("title", "Product"))
    assert table_cards(table.assign(title="Bread"), titled, 5)[0].title == "Bread"
    assert table_cards(table, (Column("n", "Times"),), 5)[0].title == "Times 3"
    assert table_cards(table[:0], (Column("n", "Times"),), 5) == ()
    assert table_cards(table, (), 5) == ()
