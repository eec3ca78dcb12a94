"""Words that shops write in cells: what is missing, what can be sold, yes and no. Event kinds are in `event_kinds`."""

import re
import unicodedata
from typing import Any

from recsys.ingest import duckdb_session

NO_VALUE = (
    "nan", "null", "none", "<na>", "\\n", "na", "n/a", "#n/a", "#na", "#null!", "#value!", "#ref!", "nil", "(null)",
    "[null]", "undefined", "(not set)", "not set", "-", "--", "—", "–", "?", "(none)", "(blank)", "(empty)", "missing",
    "nat", "not available", "k.a.", "keine angabe", "n.d.", "n.v.t.", "bd", "s/d",
)  # fmt: skip
"""What stands for no value in a cell that may be empty: a price, a title, a category, an attribute."""

NOBODY = (
    "na", "n/a", "#n/a", "(not set)", "not set", "undefined", "guest", "guests", "anonymous", "anonym", "anon",
    "unknown", "unbekannt", "gast", "invité", "invitado", "ospite", "gość", "visitor", "none", "null", "nil", "(null)",
    "[null]", "not available", "not_set", "no user", "nouser", "n.a.", "test", "nobody", "(none)", "nan", "0", "0.0",
    "-1", "-1.0", "-", "--", "?", "00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000",
)  # fmt: skip
"""Ids of users, without case, that may stand for everybody without an account, or for nobody."""

NEVER_AN_ID = frozenset((
    "n/a", "#n/a", "(not set)", "not set", "undefined", "(null)", "[null]", "(none)", "none", "null", "nan", "not_set",
    "00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000",
))  # fmt: skip
"""Of these, those that stand for nobody however few events they have."""

_AVAILABLE = (
    "true", "yes", "y", "t", "1", "in stock", "available", "active", "enabled", "published", "live", "visible",
    "on sale", "for sale", "limited availability", "low stock", "few left", "preorder", "pre order", "presale",
    "pre sale", "backorder", "back order", "backordered", "available for order", "made to order", "in store only",
    "online only", "instoreonly", "onlineonly", "ja", "oui", "si", "sí", "sim", "tak", "lieferbar", "sofort lieferbar",
    "auf lager", "vorrätig", "verfügbar", "vorbestellbar", "en stock", "disponible", "disponibile", "in magazzino",
    "op voorraad", "leverbaar", "beschikbaar", "em estoque", "em stock", "disponível", "dostępny", "w magazynie",
    "na stanie", "instock", "on", "x", "ok", "wahr", "vrai", "vero", "verdadero", "verdadeiro", "waar", "prawda",
    "aktiv", "actif", "activo", "attivo", "actief", "ativo", "aktywny",
)  # fmt: skip
_NOT_AVAILABLE = (
    "false", "no", "n", "f", "0", "out of stock", "outofstock", "sold out", "soldout", "unavailable", "not available",
    "inactive", "disabled", "discontinued", "archived", "draft", "deleted", "removed", "hidden", "off", "oos", "ended",
    "expired", "no longer available", "temporarily out of stock", "currently unavailable", "reserved", "unpublished",
    "private", "trash", "nein", "non", "não", "nie", "nee", "ausverkauft", "nicht lieferbar", "nicht verfügbar",
    "nicht auf lager", "nicht vorrätig", "vergriffen", "épuisé", "rupture de stock", "en rupture de stock",
    "indisponible", "agotado", "sin stock", "no disponible", "esaurito", "non disponibile", "uitverkocht",
    "niet op voorraad", "niet leverbaar", "esgotado", "indisponível", "fora de estoque", "sem estoque", "wyprzedany",
    "niedostępny", "brak", "brak w magazynie", "falsch", "faux", "falso", "onwaar", "fałsz", "inaktiv", "inactif",
    "inactivo", "inattivo", "inactief", "inativo", "nieaktywny",
)  # fmt: skip


def _plain(word: str) -> str:
    text = unicodedata.normalize("NFKD", word.lower())
    text = "".join(x for x in text if not unicodedata.combining(x)).replace("ł", "l")
    return re.sub(r"[\W_]+", "", text)


_ALSO_OTHERWISE = (
    "true", "yes", "y", "t", "1", "active", "enabled", "published", "live", "visible", "ja", "oui", "si", "sim", "tak",
    "on", "x", "ok", "wahr", "vrai", "vero", "verdadero", "verdadeiro", "waar", "prawda", "aktiv", "actif", "activo",
    "attivo", "actief", "ativo", "aktywny", "false", "no", "n", "f", "0", "inactive", "disabled", "archived", "draft",
    "deleted", "removed", "hidden", "off", "ended", "expired", "reserved", "unpublished", "private", "trash", "nein",
    "non", "não", "nie", "nee", "brak", "falsch", "faux", "falso", "onwaar", "fałsz", "inaktiv", "inactif", "inactivo",
    "inattivo", "inactief", "inativo", "nieaktywny",
)  # fmt: skip
"""Of all these, the words that a column about something else may hold as well."""

_YES = frozenset(map(_plain, _AVAILABLE))
_NO = frozenset(map(_plain, _NOT_AVAILABLE))
_OF_STOCK = (_YES | _NO) - frozenset(map(_plain, _ALSO_OTHERWISE))


def no_value_sql(text: str) -> str:
    """SQL: a text, or NULL where it is blank or a word for no value."""
    words = ", ".join(duckdb_session.text(x) for x in NO_VALUE)
    return f"CASE WHEN lower(trim({text})) IN ({words}) OR trim({text}) = '' THEN NULL ELSE {text} END"


def is_no_value(text: str) -> bool:
    """Whether a cell is blank or holds a word for no value."""
    return text.strip().lower() in NO_VALUE or not text.strip()


def availability(word: str) -> bool | None:
    """Whether an item with this word beside it can be sold; None for a word that is not known.

    Numbers are pieces in stock: more than 0 can be sold. Addresses such as `https://schema.org/InStock` count by their
    last part. Preorder and backorder can be sold.
    """
    last = re.sub(r"^https?://(www\.)?schema\.org/", "", word.strip(), flags=re.I)
    try:
        return float(last.replace(",", ".")) > 0
    except ValueError:
        pass
    plain = _plain(last)
    if plain in _NO:
        return False
    if plain in _YES:
        return True
    return _counted(last)


def is_word_of_stock(word: str) -> bool:
    """Whether a word tells, by itself and of nothing else, that an item can or cannot be sold."""
    return _plain(word.strip().rsplit("/", 1)[-1]) in _OF_STOCK


def _counted(text: str) -> bool | None:
    """`12 in stock`, `only 3 left`, `0 Stück`: whether it is more than none."""
    units = r"x|pcs|pieces|left|in stock|items?|stück|stk\.?|available|auf lager|en stock"
    found = re.fullmatch(rf"(?:only\s+|nur\s+)?(\d+)(?:\s*(?:{units}))+\.?", text.strip(), flags=re.I)
    return int(found[1]) > 0 if found else None


CAN_BE_SOLD = "can_be_sold"
"""SQL function from a word to "true" or "false", or NULL where the word is not known."""


def _can_be_sold(words: Any) -> Any:
    import pyarrow as pa

    whole = words.combine_chunks() if isinstance(words, pa.ChunkedArray) else words
    coded = (pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole).dictionary_encode()
    known = {True: "true", False: "false", None: None}
    read = [None if x is None else known[availability(x)] for x in coded.dictionary.to_pylist()]
    return pa.array(read, pa.string()).take(coded.indices)


duckdb_session.FUNCTIONS[CAN_BE_SOLD] = (_can_be_sold, ("VARCHAR",), "VARCHAR")
