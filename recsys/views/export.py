"""Tables to take along: CSV and Excel in which no cell can be a formula, and the same answer as an API call."""

import io
import json
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import pandas as pd

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
SHEET_NAME = 31


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
    import xlsxwriter

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        for title, table in sheets.items():
            sheet = book.add_worksheet(_sheet_name(title))
            sheet.freeze_panes(1, 0)
            for column, name in enumerate(table.columns):
                values = [_cell(value) for value in table[name]]
                sheet.write_string(0, column, str(name), bold)
                for row, value in enumerate(values, start=1):
                    if value is None:
                        continue
                    if isinstance(value, pd.Timestamp):
                        sheet.write_datetime(row, column, value.to_pydatetime(), day)
                    elif isinstance(value, bool):
                        sheet.write_boolean(row, column, value)
                    elif isinstance(value, (int, float)):
                        sheet.write_number(row, column, value)
                    else:
                        sheet.write_string(row, column, str(value)[:32_767])
                longest = max([len(str(name)), *(len(str(value)) for value in values[:100] if value is not None)])
                sheet.set_column(column, column, min(longest + 2, 60))
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
    return f"'{value}" if isinstance(value, str) and value.startswith(DANGEROUS) else value


def _cell(value: Any) -> Any:
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
        return None
    item = getattr(value, "item", None)
    if isinstance(value, pd.Timestamp):
        return value
    return item() if item is not None else value


def _sheet_name(title: str) -> str:
    return "".join("-" if x in "[]:*?/\\'" else x for x in title)[:SHEET_NAME] or "Sheet"
