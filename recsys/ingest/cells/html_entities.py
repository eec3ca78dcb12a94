"""Texts as web pages write them: `<b>Tea</b> &amp; cup` is `Tea & cup`."""

import html
import re
from typing import Any

from recsys.ingest import duckdb_session

PLAIN_TEXT = "plain_text"
"""SQL function from a text of a web page to the text that people see."""

_TAG = re.compile(r"</?(?:b|i|u|p|br|em|strong|span|div|font|small|sup|sub|ul|ol|li|h\d|a|img)(?:\s[^<>]*)?/?>", re.I)


def plain_text_sql(text: str) -> str:
    """SQL: a text with signs in place of their names."""
    return f"CASE WHEN contains({text}, '&') OR contains({text}, '<') THEN {PLAIN_TEXT}({text}) ELSE {text} END"


def _plain_texts(texts: Any) -> Any:
    import pyarrow as pa

    return pa.array([None if x is None else html.unescape(_TAG.sub("", x)) for x in texts.to_pylist()], pa.string())


duckdb_session.FUNCTIONS[PLAIN_TEXT] = (_plain_texts, ("VARCHAR",), "VARCHAR")
