"""Ids that may be one although they differ, or may be no user or product: they are kept to the letter, and said."""

from recsys.ingest import duckdb_session
from recsys.ingest.duckdb_session import DuckSession
from recsys.utils import formatting

LEAST_SHARE = 0.01
"""Share of the ids from which on those that differ by so little are said: a few do by chance."""

_UNSEEN = r"[\s\x{a0}\x{ad}\x{200b}-\x{200f}\x{202a}-\x{202f}\x{2060}\x{feff}]"
_DIFFERENCES = (
    (
        "id <> trim(id) OR (strlen(id) <> length(id) AND regexp_matches(id, '{0}'))",
        "regexp_replace(id, '^{0}+|{0}+$|[\\x{{200b}}-\\x{{200f}}\\x{{2060}}\\x{{feff}}\\x{{ad}}]', '', 'g')",
        "blanks or invisible characters",
    ),
    ("starts_with(id, '0') AND length(id) > 1", "ltrim(id, '0')", "zeros in front"),
    ("ends_with(id, '.0')", "left(id, length(id) - 2)", "'.0' behind"),
)
_NO_PRODUCTS = (
    "postage", "post", "dot", "dotcom postage", "shipping", "shipping fee", "delivery", "versand", "versandkosten",
    "porto", "livraison", "frais de port", "envio", "gastos de envio", "spedizione", "verzendkosten", "wysylka",
    "carriage", "freight", "discount", "rabatt", "remise", "descuento", "sconto", "korting", "rabat", "coupon",
    "voucher", "gutschein", "gift card", "giftcard", "gift_card", "gift wrap", "bank charges", "adjust", "adjustment",
    "manual", "fee", "tip", "deposit", "pfand", "tax", "rounding", "samples", "service fee", "handling", "surcharge",
    "crud", "donation",
)  # fmt: skip
"""Ids of lines of an order that are no products, without case."""

_GUESTS = ("guest", "gast", "invit", "anon", "ospite", "walkin", "unregistered")


def is_no_product(word: str) -> bool:
    """Whether a word names a line of an order that is no product."""
    return word.strip().lower() in _NO_PRODUCTS


def notes(db: DuckSession) -> list[str]:
    """What is to be said of the ids of users and items."""
    found = []
    for table, thing in (("user_ids", "user"), ("item_ids", "item")):
        total = db.one(f"SELECT count(*) FROM {table}")[0]
        for test, form, what in _DIFFERENCES:
            n, again, example = db.one(
                "SELECT count(*), count(o.id), min(coalesce(o.id, x.id)) FROM "
                f"(SELECT id, {form.format(_UNSEEN)} AS other FROM {table} WHERE {test.format(_UNSEEN)}) x "
                f"LEFT JOIN {table} o ON o.id = x.other"
            )
            if again >= max(LEAST_SHARE * total, 1):
                found.append(
                    f"{formatting.plural(again, f'{thing} id')} such as {example!r} stand twice, with {what} and "
                    f"without, and count as different {thing}s: write them alike"
                )
            elif n and what.startswith("blanks"):
                found.append(
                    f"{formatting.plural(n, f'{thing} id')} such as {example!r} have {what} in them, which are kept"
                )
        found += _of_case(db, table, thing, total)
    return [*found, *_no_products(db), *_guests(db)]


def _of_case(db: DuckSession, table: str, thing: str, total: int) -> list[str]:
    some = (f"EXISTS (FROM {table} WHERE id <> {x}(id))" for x in ("lower", "upper"))
    if not all(db.one(f"SELECT {', '.join(some)}")):
        return []
    n, example = db.one(
        f"SELECT count(*), min(example) FROM (SELECT min(id) AS example FROM {table} GROUP BY lower(id) "
        "HAVING count(*) > 1)"
    )
    if n < max(LEAST_SHARE * total, 1):
        return []
    return [
        f"{formatting.plural(n, f'{thing} id')} such as {example!r} stand in upper and lower case, and count as "
        f"different {thing}s: write them alike"
    ]


def _no_products(db: DuckSession) -> list[str]:
    listed = duckdb_session.listed(_NO_PRODUCTS)
    found = db.rows(f"SELECT id FROM item_ids WHERE lower(trim(id)) IN (SELECT unnest({listed})) ORDER BY id LIMIT 5")
    if not found:
        return []
    shown = ", ".join(repr(x) for (x,) in found)
    return [f"{shown} may be no product but a line of an order: take such rows out, or they are recommended as well"]


def _guests(db: DuckSession) -> list[str]:
    begins = " OR ".join(f"starts_with(lower(id), '{x}')" for x in _GUESTS)
    numbered = "regexp_full_match(id, '[^0-9]*[0-9][0-9a-fA-F-]*')"
    n, example = db.one(f"SELECT count(*), min(id) FROM user_ids WHERE ({begins}) AND {numbered}")
    if n < 2:
        return []
    return [
        f"{n:,} users such as {example!r} look like guests with a number for each visit: they count as shoppers "
        "of their own"
    ]
