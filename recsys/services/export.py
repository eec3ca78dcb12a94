"""Tables to download: CSV and Excel in which no cell can be a formula, and the same answer as an API call."""

import io
import json
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import pandas as pd

from recsys.utils.spreadsheet import safe_cell

SHEET_NAME = 31
LONGEST_CELL = 32_767


def csv_bytes(table: pd.DataFrame) -> bytes:
    """UTF-8 with a mark that Excel needs. A text that a spreadsheet could take for a formula gets an apostrophe before
    it (OWASP, "CSV injection")."""
    safe = table.copy()
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name]) and not pd.api.types.is_datetime64_any_dtype(safe[name]):
            safe[name] = safe[name].map(_harmless)
    safe.columns = [_harmless(name) for name in safe.columns]
    return safe.to_csv(index=False).encode("utf-8-sig")


def excel_bytes(sheets: Mapping[str, pd.DataFrame]) -> bytes:
    """One workbook, one sheet for each table. Every text is written as text: neither formula nor link."""
    out = io.BytesIO()
    texts = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with pd.ExcelWriter(
        out, engine="xlsxwriter", datetime_format="yyyy-mm-dd", engine_kwargs={"options": texts}
    ) as book:
        for title, table in sheets.items():
            short = table.map(lambda value: value[:LONGEST_CELL] if isinstance(value, str) else value)
            short.to_excel(book, sheet_name=_sheet_name(title), index=False, freeze_panes=(1, 0))
            book.sheets[_sheet_name(title)].autofit(max_width=400)
    return out.getvalue()


def curl_known(base: str, user_id: str, query: Mapping[str, Any]) -> str:
    """The answer for a known shopper as a command line, quoted for a shell."""
    asked = urlencode({key: value for key, value in query.items() if value not in (None, [], "")}, doseq=True)
    address = f"{base}/v1/users/{quote(user_id, safe='')}/recommendations"
    return f"curl {shlex.quote(address + ('?' + asked if asked else ''))}"


def curl_new(base: str, body: Mapping[str, Any]) -> str:
    """The answer for somebody new as a command line, quoted for a shell."""
    text = json.dumps({key: value for key, value in body.items() if value is not None}, ensure_ascii=False)
    return f"curl {base}/v1/recommendations -H 'Content-Type: application/json' -d {shlex.quote(text)}"


def _harmless(value: Any) -> Any:
    return safe_cell(value) if isinstance(value, str) else value


def _sheet_name(title: str) -> str:
    return "".join("-" if x in "[]:*?/\\'" else x for x in title)[:SHEET_NAME] or "Sheet"
