"""Signs as web pages write them: `Tea &amp; cup` is `Tea & cup`."""

import html
from typing import Any

from recsys.ingest import duckdb_session

PLAIN_TEXT = "plain_text"
"""SQL function from a text of a web page to the text that people see."""


def plain_text_sql(text: str) -> str:
    """SQL: a text with signs in place of their names."""
    return f"CASE WHEN contains({text}, '&') THEN {PLAIN_TEXT}({text}) ELSE {text} END"


def _plain_texts(texts: Any) -> Any:
    import pyarrow as pa

    return pa.array([None if x is None else html.unescape(x) for x in texts.to_pylist()], pa.string())


duckdb_session.FUNCTIONS[PLAIN_TEXT] = (_plain_texts, ("VARCHAR",), "VARCHAR")
