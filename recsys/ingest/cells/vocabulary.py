"""Words that shops write in cells: what is missing, what can be sold, yes and no. Event kinds are in `event_kinds`."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from recsys.ingest import duckdb_session

NO_VALUE = (
    "nan", "null", "none", "<na>", "\\n", "na", "n/a", "#n/a", "#na", "#null!", "#value!", "#ref!", "nil", "(null)",
    "[null]", "undefined", "(not set)", "not set", "-", "--", "—", "–", "?", "(none)", "(blank)", "(empty)", "missing",
    "nat", "not available", "k.a.", "k. a.", "keine angabe", "n.d.", "n.d", "n/d", "n.c.", "non renseigné", "sin dato",
    "sin datos", "s/n", "n.v.t.", "não informado", "brak danych", "b/d", "bd", "s/d", "n.a.", "n. a.", "n.a", "#div/0!",
    "#name?", "#num!", "#nv", "#wert!", "#bezug!", ".", "..", "...", "…", "---",
)  # fmt: skip
"""What stands for no value in a cell that may be empty: a price, a title, a category, an attribute."""

NO_NUMBER = (
    *NO_VALUE, "ka", "nd", "nc", "unknown", "unbekannt", "inconnu", "desconocido", "onbekend", "sconosciuto",
    "desconhecido", "nieznany", "brak", "nulo", "void", "auf anfrage", "sur demande", "on request", "a richiesta",
    "bajo pedido", "op aanvraag", "sob consulta",
)  # fmt: skip
"""The same in a column of numbers."""

_NAMELESS = (
    "guest", "guests", "anonymous", "anonym", "anonyme", "anonimo", "anónimo", "anoniem", "anonymus", "unknown",
    "unregistered", "unbekannt", "gast", "invité", "invite", "invitado", "ospite", "gość", "gosc", "convidado",
    "visitante", "visitor", "inconnu", "desconocido", "onbekend", "nieznany", "laufkunde", "barverkauf",
    "passant",
    "walk-in", "walk in", "walkin", "not logged in", "not registered", "cash sale", "no name",
)  # fmt: skip
_ANYBODY = ("user", "customer", "visitor", "shopper", "client", "account", "kunde", "cliente", "klant", "klient")
NOBODY = (
    *_NAMELESS, *(f"{x}{gap}{y}" for x in _NAMELESS for y in _ANYBODY for gap in (" ", "_", "-", "")),
    "na", "n/a", "#n/a", "(not set)", "not set", "undefined", "anon", "none", "null", "nil", "(null)", "[null]",
    "not available", "not_set", "no user", "nouser", "n.a.", "test", "nobody", "(none)", "nan", "0.0", "-1",
    "-1.0", "-",
    "--", "?", "00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000",
)  # fmt: skip
"""Ids of users, without case, that may stand for everybody without an account, or for nobody; before the @ as well."""

NOBODY_DIGITS = "0+|9{4,}"
"""The same of digits: a pattern for the whole id."""

_NOBODY = frozenset(NOBODY)


def is_nobody(text: str) -> bool:
    """Whether the id of a user may stand for everybody without an account, or for nobody."""
    plain = text.strip().lower()
    return plain in _NOBODY or bool(re.fullmatch(NOBODY_DIGITS, plain))


TOTALS = (
    "total", "totals", "grand total", "grandtotal", "sub total", "subtotal", "sub-total", "sum", "gesamt", "summe",
    "gesamtsumme", "gesamtergebnis", "zwischensumme", "endsumme", "total général", "total general", "sous-total",
    "totale", "totale complessivo", "totaal", "eindtotaal", "suma", "suma końcowa", "razem", "ogółem", "total geral",
)  # fmt: skip
"""What stands in place of an id in a line of totals, without case."""

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
    "na stanie", "on backorder", "available on backorder", "pré-venda", "na zamówienie", "instock", "on", "x",
    "ok", "wahr", "vrai", "vero", "verdadero", "verdadeiro", "waar", "prawda",
    "précommande", "sur commande", "preordine", "su ordinazione", "preventa", "bajo pedido", "sob encomenda",
    "nabestelling", "op bestelling", "auf bestellung", "przedsprzedaż", "last pieces", "last one", "letzte stücke",
    "letztes stück", "restposten", "derniers articles", "dernières pièces", "ultimi pezzi", "últimas unidades",
    "laatste stuks", "ostatnie sztuki", "ostatnia sztuka", "duża ilość", "średnia ilość", "mała ilość",
    "aktiv", "actif", "activo", "attivo", "actief", "ativo", "aktywny",
)  # fmt: skip
_NOT_AVAILABLE = (
    "false", "no", "n", "f", "0", "out of stock", "outofstock", "sold out", "soldout", "unavailable", "not available",
    "inactive", "disabled", "discontinued", "archived", "draft", "deleted", "removed", "hidden", "off", "oos", "ended",
    "expired", "no longer available", "temporarily out of stock", "currently unavailable", "reserved", "unpublished",
    "private", "trash", "end of life", "fuori produzione", "fora de linha", "wycofany", "wycofane", "uit assortiment",
    "notify me", "nein", "non", "não", "nie", "nee", "ausverkauft", "nicht lieferbar",
    "nicht verfügbar",
    "nicht auf lager", "nicht vorrätig", "vergriffen", "épuisé", "rupture de stock", "en rupture de stock",
    "indisponible", "agotado", "sin stock", "no disponible", "esaurito", "non disponibile", "uitverkocht",
    "niet op voorraad", "niet leverbaar", "esgotado", "indisponível", "fora de estoque", "sem estoque", "wyprzedany",
    "niedostępny", "brak", "brak w magazynie", "falsch", "faux", "falso", "onwaar", "fałsz", "inaktiv", "inactif",
    "inactivo", "inattivo", "inactief", "inativo", "nieaktywny",
)  # fmt: skip


_GONE = frozenset((
    "ausverkauft", "vergriffen", "abverkauft", "epuise", "rupture", "agotado", "agotada", "descatalogado",
    "esaurito", "esaurita", "uitverkocht", "esgotado", "esgotada", "wyprzedany", "wyprzedane", "niedostepny",
    "unavailable", "indisponible", "indisponivel", "discontinued", "soldout", "oos", "eol",
))  # fmt: skip
_STOCK = frozenset((
    "stock", "lager", "available", "lieferbar", "verfugbar", "vorratig", "vorbestellbar", "disponible",
    "disponibile", "disponivel", "existencia", "existencias", "magazzino", "voorraad", "leverbaar",
    "beschikbaar", "estoque", "dostepny", "dostepne", "magazynie", "zamowienie", "backorder", "preorder",
    "disponibilite", "disponibilidad", "disponibilita", "disponibilidade", "verfugbarkeit",
))  # fmt: skip
_DELIVERED = frozenset((
    "ships", "dispatched", "delivery", "lieferzeit", "lieferung", "versandfertig", "versand", "expedie", "expedition",
    "livraison", "envio", "enviado", "entrega", "spedizione", "spedito", "consegna", "levertijd", "verzonden",
    "bezorgd", "wysylka", "dostawa",
))  # fmt: skip
_LATER = frozenset((
    "soon", "demnachst", "bald", "bientot", "prochainement", "proximamente", "prossimamente", "arrivo", "binnenkort",
    "brevemente", "wkrotce",
))  # fmt: skip
"""What can be sold later cannot be sold now."""

_NEGATED = frozenset((
    "not", "no", "out", "nicht", "kein", "keine", "non", "pas", "plus", "sin", "niet", "geen", "nao", "fora",
    "sem", "nie",
    "hors", "none", "never",
))  # fmt: skip
_PIECES = frozenset((
    "x", "pcs", "pc", "pieces", "piece", "left", "in", "items", "item", "stuck", "stk", "st", "nur", "noch",
    "only", "units", "unidades", "pezzi", "stuks", "sztuk", "szt", "unites", "un",
))  # fmt: skip
"""Words of a state that is in no list as a whole: those that tell by themselves, and those that a negation turns."""


def _without_accents(word: str) -> str:
    text = unicodedata.normalize("NFKD", word.lower())
    return "".join(x for x in text if not unicodedata.combining(x)).replace("ł", "l")


def _plain(word: str) -> str:
    return re.sub(r"[\W_]+", "", _without_accents(word))


_ALSO_OTHERWISE = (
    "true", "yes", "y", "t", "1", "active", "enabled", "published", "live", "visible", "ja", "oui", "si", "sim", "tak",
    "on", "x", "ok", "wahr", "vrai", "vero", "verdadero", "verdadeiro", "waar", "prawda", "aktiv", "actif", "activo",
    "attivo", "actief", "ativo", "aktywny", "false", "no", "n", "f", "0", "inactive", "disabled", "archived", "draft",
    "deleted", "removed", "hidden", "off", "ended", "expired", "reserved", "unpublished", "private", "trash", "nein",
    "non", "não", "nie", "nee", "brak", "falsch", "faux", "falso", "onwaar", "fałsz", "inaktiv", "inactif", "inactivo",
    "inattivo", "inactief", "inativo", "nieaktywny",
)  # fmt: skip
"""Of all these, the words that a column about something else may hold as well."""

NO_OF_YES: Mapping[str, str] = {
    "1": "0", "1.0": "0.0", "true": "false", "t": "f", "yes": "no", "y": "n", "x": "no", "ja": "nein", "oui": "non",
    "si": "no", "sí": "no", "sim": "não", "tak": "nie", "on": "off",
}  # fmt: skip
"""Words for yes, without case, to the word for no: what a blank means in a column that holds the first alone."""

_FLAGS: Mapping[str, str] = dict.fromkeys(NO_OF_YES, "1") | dict.fromkeys((*NO_OF_YES.values(), "nee", "nao"), "0")
"""Words for yes and no to 1 and 0."""

_YES = frozenset(map(_plain, _AVAILABLE))
_NO = frozenset(map(_plain, _NOT_AVAILABLE))
_OF_STOCK = (_YES | _NO) - frozenset(map(_plain, _ALSO_OTHERWISE))


def no_value_sql(text: str, missing: Sequence[str] = NO_VALUE) -> str:
    """SQL: a text, or NULL where it is blank or a word for no value."""
    words = ", ".join(duckdb_session.text(x) for x in missing)
    return f"CASE WHEN lower(trim({text})) IN ({words}) OR trim({text}) = '' THEN NULL ELSE {text} END"


def is_no_value(text: str) -> bool:
    """Whether a cell is blank or holds a word for no value."""
    return text.strip().lower() in NO_VALUE or not text.strip()


def is_no_number(text: str) -> bool:
    """Whether a cell in a column of numbers is blank or holds a word for no value."""
    return text.strip().lower() in NO_NUMBER or not text.strip()


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
    return _in_words(last)


def is_word_of_stock(word: str) -> bool:
    """Whether a word tells, by itself and of nothing else, that an item can or cannot be sold."""
    return _plain(word.strip().rsplit("/", 1)[-1]) in _OF_STOCK


def _in_words(text: str) -> bool | None:
    """`Only 3 left in stock`, `0 Stück`, `z. Zt. nicht lieferbar`, `> 10`: by its words, and by a number in it."""
    words = set(re.findall(r"[^\W\d_]+", _without_accents(text)))
    if words & _GONE or (words & _STOCK and words & _NEGATED):
        return False
    number = re.search(r"(?<![\w.,-])-?\d+", text)
    if number and words & _DELIVERED:
        return not words & _NEGATED
    if number and (words <= _PIECES or words & _STOCK):
        return int(number[0]) > 0
    if words & _LATER:
        return False
    return True if words & _STOCK else None


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


def says_yes_or_no(values: Sequence[str]) -> bool:
    """Whether all values of a column are words for yes and no, and there are some of both."""
    return {_FLAGS.get(value.strip().lower()) for value in values} == {"0", "1"}


def flag_sql(text: str) -> str:
    """SQL: a text, or 1 and 0 where it is a word for yes or no."""
    ways = " ".join(f"WHEN {duckdb_session.text(word)} THEN '{number}'" for word, number in _FLAGS.items())
    return f"CASE lower(trim({text})) {ways} ELSE {text} END"
