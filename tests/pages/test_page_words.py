"""On the Data page no message tells anybody to type an option of a command."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import recsys.ingest
from recsys.views.page_words import page_words, report_label, report_value

OPTION = re.compile(r"--[a-z][a-z-]+")
NOT_ON_THE_PAGE = {"config.py", "sql_source.py"}
"""Options as they are typed, and queries to a database, are of the command alone."""


def messages() -> Iterator[tuple[str, str]]:
    """Every text below recsys.ingest that names an option, its placeholders filled in."""
    for path in sorted(Path(recsys.ingest.__file__).parent.rglob("*.py")):
        if path.name in NOT_ON_THE_PAGE:
            continue
        tree = ast.parse(path.read_text())
        inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                text = "".join(map(filled, node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
                text = node.value
            else:
                continue
            if OPTION.search(text):
                yield path.name, text


def filled(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    assert isinstance(part, ast.FormattedValue)
    meant = re.sub(r".*[._]", "", ast.unparse(part.value))
    example = {"part": "items", "field": "item_id", "name": "item_id"}.get(meant, "x1")
    return repr(example) if part.conversion == ord("r") else example


def test_there_are_such_messages() -> None:
    assert len(list(messages())) > 15


@pytest.mark.parametrize("name, text", list(messages()))
def test_no_message_on_the_page_names_an_option(name: str, text: str) -> None:
    assert not OPTION.search(page_words(text)), page_words(text)


def test_users_and_items_are_shoppers_and_products() -> None:
    assert page_words("No user 'o'x' in model 'b1'.") == "Model b1 knows no shopper 'o'x'."
    assert page_words("No item '7' in model 'b1'.") == "Model b1 knows no product '7'."


def test_what_an_option_does_is_said_in_words_of_the_page() -> None:
    assert page_words("Nothing was stored; --anyway stores it all the same.") == (
        "Nothing was stored; “Store it although files do not fit together” stores it all the same."
    )
    assert page_words("Column 'sku' looks like the item: --map events.item_id='sku'") == (
        "Column 'sku' looks like the item: choose “Item id” for column 'sku' of “Events”"
    )
    assert page_words("titles are the ids; add one with --items") == "titles are the ids; add a file under “Products”"


def test_a_message_without_options_stays_as_it_is() -> None:
    assert page_words("a -- b; line 3: '--- x'") == "a -- b; line 3: '--- x'"


def test_the_report_of_an_import_speaks_of_shoppers_and_products_but_quotes_what_a_shop_writes():
    assert report_label("Items per user") == "Products per shopper" and report_label("Files") == "Files"
    assert report_value("5 items (50.0%) make half; 0 items have one user only", "Found") == (
        "5 products (50.0%) make half; 0 products have one shopper only"
    )
    assert report_value("events of user 'guest user'", "Not used") == "events of shopper 'guest user'"
    assert report_value("items; user_id from users.csv", "Files") == "items; user_id from users.csv"
    assert page_words("columns: --map events.item_id=COLUMN --map items.item_id=COLUMN.") == (
        "columns: choose “Item id” for a column of “Events” and choose “Item id” for a column of “Products”."
    )
