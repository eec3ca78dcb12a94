"""Numbers as shops write them: currencies, thousands, decimal commas, units; and words for none."""

import math
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from recsys.ingest import duckdb_session
from recsys.ingest.cells.vocabulary import NO_NUMBER, no_value_sql

ANY_NUMBER = "any_number"
"""SQL function from a text, and whether a comma is decimal, to a number."""

_BLANKS = re.compile(r"[\s\u00a0\u2009\u202f'’`]")
_CODES = (
    "AED|ARS|AUD|BAM|BDT|BGN|BHD|BRL|BYN|CAD|CHF|CLP|CNY|COP|CRC|CZK|DKK|DOP|DZD|EGP|EUR|GBP|GEL|GHS|HKD|HRK|HUF|IDR|"
    "ILS|INR|IRR|ISK|JOD|JPY|KES|KRW|KWD|KZT|LBP|LKR|MAD|MXN|MYR|NGN|NOK|NZD|OMR|PEN|PHP|PKR|PLN|QAR|RMB|RON|RSD|RUB|"
    "SAR|SEK|SGD|THB|TND|TRY|TWD|TZS|UAH|UGX|USD|UYU|UZS|VND|XAF|XOF|ZAR"
)
"""Codes of currencies (ISO 4217), in capitals: other three letters before a number are a word."""

_CURRENCY = (
    rf"[€$£¥₹₽₺₩₪฿₫₴]|US\$|R\$|A\$|C\$|(?-i:{_CODES})|kr\.?|zł|zl|Kč|Ft|lei|лв\.?|руб\.?|р\.|Fr\.?|Rs\.?|"
    r"eur|usd|gbp|chf|sek|nok|dkk|pln|czk|huf|euros?|dollars?|円|元|원"
)
_UNIT = (
    r"kgs?|g|gr|lbs?|oz|ml|cl|l|pcs?\.?|pce|ea\.?|st\.?|stk\.?|stück|szt\.?|sztuk[ai]?|stuks?|x|units?|pieces?|"
    r"unidade?s?|uds?\.?|un\.?|unités?|pièces?|pezz[io]|pz\.?|paar|pairs?|packs?|%|[,.:][-–—]{1,2}|\*|"
    r"stars?|sterne?|étoiles?|estrellas?|stell[ae]|sterren|estrelas?|gwiazd\w+"
)
_FROM = r"ab|from|dès|àpartirde|desde|apartirde|da|vanaf|od|ca\.?|x"
_AROUND = re.compile(
    rf"^(?:{_FROM})?(?:{_CURRENCY})?([-+(]*(?:{_CURRENCY})?[-+]?[\d.,]+\)?-?)(?:{_CURRENCY})?({_UNIT})?(?:/.*)?$", re.I
)
_BEHIND = re.compile(
    r"(\d.*?)\s*\b(?:inkl|incl|zzgl|exkl|excl|inc|plus|ttc|ht|iva|vat|brutto|netto|gross|net|per|pro|je|each)\b.*$",
    re.I | re.S,
)
"""What is said of money behind it: with or without tax, for how much."""

_STARS = re.compile(r"([★⭐]*)☆*(?<=.)")
_PLAIN = re.compile(r"\d+(\.\d*)?|\.\d+")
_GROUPED = re.compile(r"\d{1,3}(,\d{2,3})*,\d{3}(\.\d*)?")
_COMMA_GROUPED = re.compile(r"\d{1,3}(\.\d{3})+(,\d*)?")
_COMMA_PLAIN = re.compile(r"\d+(,\d*)?|,\d+")


def any_number(text: str, comma: bool = False) -> float | None:
    """A number from a text such as `$1,234.50`, `1.234,50 €`, `1 234,5`, `(12.00)`, `0,5 kg`; None where it is none.

    Args:
        comma: whether the column is written with a decimal comma, which settles `1,234` and `1.234`.
    """
    plain = _BEHIND.sub(r"\1", unicodedata.normalize("NFKC", text))
    squeezed = _BLANKS.sub("", plain).replace("\u2212", "-")
    if stars := _STARS.fullmatch(squeezed):
        return float(len(stars[1]))
    found = _AROUND.match(squeezed)
    if found is None:
        try:
            number = float(squeezed)
            return number if math.isfinite(number) else None
        except ValueError:
            return None
    digits, unit = found[1], (found[2] or "").lower()
    negative = bool(re.match(r"[(+]*-|\(", digits)) or bool(re.search(r"\d-$", digits))
    digits = re.sub(r"[^\d.,]", "", digits)
    if digits.endswith((",", ".")) and len(digits) > 1:
        digits = digits[:-1]
    read = _digits(digits, comma or unit.startswith(","))
    if read is None:
        return None
    if unit in ("g", "gr"):
        read /= 1000
    return -read if negative else read


def _digits(digits: str, comma: bool) -> float | None:
    """Digits with points and commas; where both stand, the last one is decimal."""
    if "," in digits and "." in digits:
        comma = digits.rfind(",") > digits.rfind(".")
    elif digits.count(",") == 1 and len(digits) - digits.find(",") - 1 != 3:
        comma = True
    elif digits.count(".") == 1 and len(digits) - digits.find(".") - 1 != 3:
        comma = False
    if comma and (_COMMA_PLAIN.fullmatch(digits) or _COMMA_GROUPED.fullmatch(digits)):
        return float(digits.replace(".", "").replace(",", "."))
    if _PLAIN.fullmatch(digits) or _GROUPED.fullmatch(digits):
        return float(digits.replace(",", ""))
    if _COMMA_GROUPED.fullmatch(digits):
        return float(digits.replace(".", "").replace(",", "."))
    return None


def decimal_comma(values: Iterable[str]) -> bool | None:
    """Whether the values of a column are written with a decimal comma: 3,50 rather than 3.50 or 1,000; None where no
    value tells, as of 1,234 and 1.234."""
    commas = points = 0
    for value in values:
        digits = re.sub(r"[^\d.,]", "", _BEHIND.sub(r"\1", value)).rstrip(".,")
        comma, point = digits.rfind(","), digits.rfind(".")
        if comma > point >= 0 or (digits.count(".") > 1 and comma < 0):
            commas += 1
        elif point > comma >= 0 or digits.count(",") > 1:
            points += 1
        elif comma >= 0:
            commas += len(digits) - comma != 4 or digits.startswith("0,")
        elif point >= 0:
            points += len(digits) - point != 4 or digits.startswith("0.")
    return None if commas == points else commas > points


def number_sql(text: str, *, comma: bool) -> str:
    """SQL from a text to a finite number; NULL where it is none."""
    other = f"{ANY_NUMBER}({text}, {str(comma).lower()})"
    plain = f"try_cast({text} AS DOUBLE)"
    if comma:
        plain = f"CASE WHEN contains({text}, '.') THEN NULL ELSE try_cast(replace({text}, ',', '.') AS DOUBLE) END"
    missing = f"{no_value_sql(text, NO_NUMBER)} IS NULL"
    return f"CASE WHEN isfinite({plain}) THEN {plain} WHEN {missing} THEN NULL ELSE {other} END"


def no_number_sql(text: str, number: str) -> str:
    """SQL: whether a text that means something is no finite number."""
    there = f"{no_value_sql(text, NO_NUMBER)} IS NOT NULL"
    return f"CASE WHEN {number} IS NOT NULL OR {text} IS NULL THEN false ELSE {there} END"


def is_number(text: str) -> bool:
    """Whether a cell holds a number, with whatever stands around it."""
    return any_number(text) is not None


def _any_numbers(texts: Any, commas: Any) -> Any:
    """`any_number` of many texts, each different one read once."""
    import pyarrow as pa

    comma = bool(commas[0].as_py()) if len(commas) else False
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    coded = (pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole).dictionary_encode()
    read = [
        None if x is None or x.strip().lower() in NO_NUMBER else any_number(x, comma)
        for x in coded.dictionary.to_pylist()
    ]
    return pa.array(read, pa.float64()).take(coded.indices)


duckdb_session.FUNCTIONS[ANY_NUMBER] = (_any_numbers, ("VARCHAR", "BOOLEAN"), "DOUBLE")
