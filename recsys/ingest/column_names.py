"""Names of columns in exports, in English, German, French, Spanish, Italian, Dutch, Portuguese and Polish.

Names are compared without case, accents, blanks and punctuation (`simple`). Of several that fit, the first counts.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from recsys import columns as c
from recsys.ingest import header_words
from recsys.ingest.category_columns import CATEGORY_WORDS, is_category
from recsys.ingest.header_words import field_of, plain_words, without_tax

_IDS = ("id", "uid", "uuid", "guid", "key", "nr", "no", "num", "number", "nummer", "code", "ref", "numer", "numero",
        "sk", "identifier", "hash")  # fmt: skip
_USERS = (
    "user", "customer", "client", "visitor", "household", "member", "shopper", "buyer", "purchaser", "account",
    "profile", "person", "consumer", "reviewer", "subscriber", "contact", "cust", "usr", "patron", "player", "reader",
    "viewer", "kunde", "kunden", "besteller", "benutzer", "nutzer", "kaeufer", "kaufer", "mitglied", "utilisateur",
    "acheteur", "membre", "abonne", "cliente", "usuario", "comprador", "socio", "utente", "acquirente", "klant",
    "klanten", "gebruiker", "koper", "lid", "utilizador", "klient", "klienta", "uzytkownik", "uzytkownika", "kupujacy",
    "kupujacego",
)  # fmt: skip
_ITEMS = (
    "item", "product", "article", "sku", "prod", "art", "goods", "good", "movie", "film", "book", "song",
    "track", "offer", "variant", "productvariant", "material", "content", "listing", "asset", "game", "recipe",
    "course", "video", "news", "artist", "itm", "prd", "merchandise", "lineitem", "orderitem", "artikel", "produkt",
    "ware", "produktvariante", "produit", "producto", "articulo", "prodotto", "articolo", "produto", "artigo",
    "produktu", "towar", "towaru", "artykul", "artykulu",
)  # fmt: skip


def _joined(nouns: tuple[str, ...], ends: tuple[str, ...]) -> tuple[str, ...]:
    found = [noun + end for end in ends for noun in nouns]
    found += [end + noun for end in ("id", "cod", "nr") for noun in nouns]
    found += nouns
    return tuple(dict.fromkeys(found))


_USER_NAMES = (
    "userid", "customeruniqueid", "customerid", "customeruserid", "visitorid", "customer", "user",
    *_joined(_USERS, _IDS), "uid", "cid",
    "householdkey", "kunnr", "oxuserid", "hshdnum", "cardid", "loyaltycardid", "loyaltyid", "cardnumber", "cardno",
    "panelid", "panelistid",
    "distinctid", "externalid", "fullvisitorid", "clientid", "userpseudoid", "anonymousid", "deviceid", "cookieid",
    "emailbilling", "email", "emailaddress", "customeremail", "useremail", "buyeremail", "billingemail", "mail",
    "epost", "correo", "correoelectronico", "courriel", "sessionid", "session", "basketid", "viewerid",
)  # fmt: skip
_ITEM_NAMES = (
    "itemid", "productid", "item", "stockcode", "stockid", "stockno", "stocknumber", "articleid",
    "sku", "product", *_joined(_ITEMS, _IDS), "asin",
    "parentasin", "isbn", "isbn13", "isbn10", "iid", "pid", "upc", "ean", "ean13", "gtin", "mpn", "goodsid", "aid",
    "productsku", "itemsku", "variantsku", "lineitemsku", "lineitemproductid", "merchantproductid", "traid", "trackid",
    "musicbrainztrackid", "artistid", "handle", "artnr", "artikelnr", "matnr", "barcode", "codebarre", "codebarres",
    "codigobarras", "codigodebarras", "codicebarre", "codiceabarre", "streepjescode", "kodkreskowy", "plu",
    "bestellnummer", "reference", "referencia",
    "riferimento", "referentie", "indeks", "symbol", "product2id", "oxartid", "oxartnum",
)  # fmt: skip
_TIMES = (
    "timestamp", "eventtime", "eventtimestamp", "datetime", "ordertimestamp", "orderpurchasetimestamp",
    "transactiontimestamp", "orderdate", "invoicedate", "purchasedate", "transactiondate", "transactiondt", "tdat",
    "eventdate", "createdat", "orderedat", "purchasedat", "paidat", "date", "time", "ts", "when", "unixreviewtime",
    "unixtime", "sentat", "originaltimestamp", "receivedat", "clienttimestamp", "servertimestamp", "shippingtimestamp",
    "reviewtime", "collectortstamp", "dvcecreatedtstamp", "erdat", "oxorderdate", "day",
)  # fmt: skip
_TITLE_ENDS = ("title", "name", "titel", "bezeichnung", "nom", "nombre", "nome", "naam", "nazwa", "libelle")

KNOWN: Mapping[str, tuple[str, ...]] = {
    c.USER: _USER_NAMES,
    c.ITEM: _ITEM_NAMES,
    c.TIMESTAMP: _TIMES,
    c.EVENT: (
        "event", "eventtype", "eventname", "action", "actiontype", "behavior", "behaviour", "behaviortype",
        "interaction", "interactiontype", "activity", "activitytype", "metricname", "metric", "verb", "kind",
        "eventkind", "type", "ereignis",
        "ereignistyp", "aktion", "evenement", "typeevenement", "evento", "tipoevento", "accion", "azione",
        "gebeurtenis", "actie", "acao", "zdarzenie", "akcja", "typzdarzenia",
    ),
    c.QUANTITY: (
        "quantity", "qty", "units", "pieces", "numberofitems", "lineitemquantity", "itemquantity", "orderquantity",
        "quantityordered", "qtyordered", "itemqty", "kwmeng", "oxamount", "unitssold", "count", "amount",
        "menge", "anzahl", "stueck", "stuck", "stk", "stueckzahl", "quantite", "qte", "cantidad", "cant", "unidades",
        "quantita", "qta", "pezzi", "aantal", "hoeveelheid", "quantidade", "qtd", "qtde", "ilosc", "sztuk", "sztuki",
    ),
    c.VALUE: (
        "value", "salesvalue", "netwr", "oxbrutprice", "linetotal", "lineamount", "linevalue", "linerevenue",
        "itemrevenue", "itemtotal",
        "rowtotal", "netsales", "grosssales", "sales", "salesamount", "revenue", "turnover", "spend", "paid", "money",
        "salesprice", "totalprice", "pricepaid", "amountpaid", "extendedprice", "totalamount", "total", "amount",
        "ordertotal", "grandtotal", "subtotal", "umsatz", "betrag", "gesamtpreis", "gesamtbetrag", "summe", "gesamt",
        "montant", "montanttotal", "prixtotal", "importe", "importetotal", "preciototal", "importo", "importototale",
        "totale", "ricavo", "bedrag", "totaalbedrag", "totaal", "omzet", "valor", "valortotal", "kwota", "wartosc",
        "suma",
    ),
    c.PRICE: (
        "price", "unitprice", "itemprice", "productprice", "lineitemprice", "priceperunit", "saleprice",
        "sellingprice", "currentprice", "variantprice", "regularprice", "listprice", "retailprice", "baseprice",
        "itemcost", "cost", "lineprice", "oxbprice", "oxprice",
        "preis", "einzelpreis", "stueckpreis", "stuckpreis", "verkaufspreis", "prix",
        "prixunitaire", "precio", "preciounitario", "prezzo", "prezzounitario", "prijs", "stuksprijs", "eenheidsprijs",
        "preco", "precounitario", "cena", "cenajednostkowa", "cenasprzedazy",
    ),
    c.RATING: (
        "rating", "stars", "score", "overall", "ratingvalue", "starrating", "bookrating", "userrating", "reviewscore",
        "rate", "bewertung", "sterne", "note", "etoiles", "evaluation", "calificacion", "puntuacion", "estrellas",
        "valoracion", "voto", "valutazione", "stelle", "beoordeling", "sterren", "avaliacao", "nota", "ocena",
        "gwiazdki",
    ),
    c.TITLE: (
        "title", *(noun + end for end in _TITLE_ENDS for noun in _ITEMS), "lineitemname", "booktitle", "name",
        "itemdescription", "productdescription", "shorttitle", "label", "traname", "trackname",
        "titel", "arktx", "oxtitle", "product2name", "bezeichnung", "artikelbezeichnung", "nom", "intitule",
        "designation", "libelle", "titre", "nombre",
        "titulo", "nome", "titolo", "denominazione", "naam", "omschrijving", "artikelomschrijving", "nazwa", "tytul",
        "description", "beschreibung", "descripcion", "descrizione", "descricao", "opis",
    ),
    c.CATEGORY: (),
    c.BRAND: (
        "brand", "brandname", "productbrand", "itembrand", "manufacturer", "maker", "vendor", "marke", "hersteller",
        "marque", "fabricant", "marca", "fabricante", "produttore", "merk", "fabrikant", "marka", "producent",
    ),
    c.IMAGE_URL: (
        "imageurl", "imagelink", "imagesrc", "image", "images", "picture", "pictureurl", "img", "imgurl", "thumbnail",
        "photo", "imageurll", "imageurlm", "imageurls", "featuredimage", "bild", "bildurl", "photourl", "imagen",
        "immagine", "afbeelding", "imagem", "zdjecie",
    ),
    c.AVAILABLE: (
        "available", "availability", "instock", "isinstock", "stockstatus", "isavailable", "active", "isactive",
        "status", "productstatus", "published", "enabled", "inventory", "inventoryquantity", "variantinventoryqty",
        "stocklevel", "stockquantity", "qtyinstock", "saleable", "issaleable", "verfuegbar", "verfugbar",
        "verfugbarkeit", "verfuegbarkeit", "lieferbar", "lagerbestand", "lagerstand", "bestand", "stock", "stockqty",
        "quantityinstock", "availablequantity", "quantityonhand", "onhand", "disponible", "disponibilite",
        "enstock", "disponibilidad", "disponibile", "disponibilita", "giacenza", "existencias",
        "beschikbaar", "beschikbaarheid", "opvoorraad",
        "voorraad", "disponivel", "disponibilidade", "estoque", "dostepny", "dostepnosc", "stan", "stanmagazynowy",
        "aktiv", "actif", "activo", "attivo", "actief", "ativo", "aktywny", "visible", "sichtbar",
    ),
}  # fmt: skip
"""Field to the names of its columns; those of categories are told by `is_category`."""

_SAYS_LITTLE = frozenset(
    ("id", "name", "title", "type", "value", "amount", "key", "code", "nr", "number", "label", "slug")
)
"""Last parts of paths that mean something by the object they are in."""

_TYPES = re.compile(r":(token|float|token_seq|float_seq)$|(\.\$(oid|date|number\w+))+$|\.(S|N|BOOL)$")
"""Types behind a name, as RecBole, MongoDB and DynamoDB write them."""

_LANGUAGE = re.compile(r"(?:en|de|fr|es|it|nl|pt|pl)(?:[-_][A-Za-z]{2})?")
"""Last parts of paths that say in which language a text is."""

_WRAPPERS = frozenset((
    "properties", "property", "attributes", "data", "payload", "eventproperties", "params", "body", "node", "fields",
    "record", "source", "value", "context", "event", "traits", "ecommerce", "details", "object",
))  # fmt: skip
"""Objects around the values of one row, which say nothing of what they are."""

_OTHERS = frozenset(
    ("parent", "related", "similar", "bundle", "master", "seller", "store", "agent", "employee", "staff")
)
"""Words of a header that make an id that of something else."""

CATALOGUE_ID = ("id", "oxid")
"""Names of the id of the item in a catalogue."""

ROW_ID = ("id", "rowid", "index", "eventid", "transactionid", "orderid", "invoiceno", "invoice", "_id")
"""Names of a number for the row, or the order; `id` names the item in a catalogue and the user among customers."""

ORDER_TOTALS = frozenset((
    "total", "subtotal", "ordertotal", "grandtotal", "totalamount", "amount", "gesamt", "summe", "montanttotal",
    "totale", "totaal", "suma", "valortotal", "importetotal",
))  # fmt: skip
"""Names of money that may be of a whole order: the price of a line goes before."""

_SURROUNDINGS = frozenset(("device", "geo", "page", "campaign", "context", "trafficsource", "app", "appinfo", "webinfo",
                           "browser", "privacyinfo", "library", "screen", "os", "network", "referrer"))  # fmt: skip
"""Objects around an event that tell nothing of the item."""

ATTRIBUTES = frozenset((
    "age", "agegroup", "ageband", "agerange", "gender", "sex", "country", "countrycode", "region", "state", "city",
    "zip", "zipcode", "zipcodeprefix", "pincode", "postcode", "postalcode", "location", "segment", "customersegment",
    "usersegment", "membership", "membershiptype", "clubmemberstatus", "fashionnewsfrequency", "income", "incomerange",
    "incomedesc", "maritalstatus", "occupation", "customerstate", "customercity", "loyaltytier", "loyaltylevel",
    "customergroup", "customertype", "usertype", "alter", "altersgruppe", "geschlecht", "land", "plz", "bundesland",
    "pays", "sexe", "ville", "pais", "ciudad", "sexo", "edad", "paese", "citta", "sesso", "eta", "leeftijd",
    "geslacht", "stad", "idade", "cidade", "kraj", "plec", "wiek", "miasto",
))  # fmt: skip
"""Names of columns of the events that may tell something of the user."""

_TIME_WORD = re.compile(
    r"date|time|timestamp|datum|zeit|fecha|hora|heure|jour|data|giorno|tijd|dag|czas|godzina|dzien|moment|tag|day|when|ts|"
    r"at|on|utc|horodatage|epoch|month|year|dt|eingang|created|purchased|ordered|bought"
)
_LESS_LIKELY = re.compile(
    r"birth|dob|geburt|naissance|nacimiento|nascita|geboorte|nascimento|urodz|updat|modif|deliver|ship|fulfil|estimat|expir|"
    r"valid|cancel|refund|return|limit|answer|last|change|aender|ander|liefer|versand|livr|entreg|consegn|lever|dostaw|release|"
    r"launch|start|end|approved|carrier|until|insert|load|etl|process"
)
NEVER_A_TIME = re.compile(
    r"birth|dob|geburt|naissance|nacimiento|nascita|geboorte|nascimento|urodz|release|publi[cs]|anno|expir"
)


@lru_cache(maxsize=4096)
def simple(header: str) -> str:
    """A header without case, accents, blanks, punctuation and RecBole's type: "Customer ID", "customer_id:token" and
    "customerId" agree. Of a path such as `properties.product_id` or `items[].item_id`, the last part."""
    return "".join(plain_words(last_part(header)))


@lru_cache(maxsize=4096)
def last_part(header: str) -> str:
    """What a path says of its value: of `items[].item_id` the last part; of `product.id` and `user.data.id`, whose last
    part says little, the object that it is of as well. A point beside a blank is none of a path."""
    plain = _TYPES.sub("", header.strip())
    parts = [x for x in re.split(r"(?<=[^\s.])(?:\[\])?\.(?=[\w$@])", plain) if x]
    if len(parts) > 1 and _LANGUAGE.fullmatch(parts[-1]):
        parts = parts[:-1]
    if len(parts) > 1 and says_little(parts[-1]):
        owner = next((x for x in parts[-2::-1] if "".join(plain_words(x)) not in _WRAPPERS), "")
        return f"{owner.removesuffix('s')} {parts[-1]}"
    return parts[-1] if parts else plain


def says_little(part: str) -> bool:
    """Whether a name means something by what it belongs to alone: `id`, `Bezeichnung`, `centAmount`."""
    return "".join(plain_words(part)).removeprefix("cent") in _SAYS_LITTLE or header_words.says_little(part)


def rank(header: str, field: str) -> int | None:
    """The place of a header among the names of a field, 0 the likeliest; None where it is none of them."""
    name, last = simple(header), last_part(header)
    if "." in header and field not in (c.USER, c.TIMESTAMP, c.EVENT) and simple(header.split(".")[0]) in _SURROUNDINGS:
        return None
    if field == c.CATEGORY:
        return 0 if is_category(name) or field_of(last) == c.CATEGORY else None
    place = _places(field).get(name)
    if place is None and field_of(last) == field:
        return len(KNOWN[field]) + without_tax(last)
    if place is None and field in (c.USER, c.ITEM):
        return _rank_of_end(last, field)
    return place


def _rank_of_end(header: str, field: str) -> int | None:
    """The place of an id whose header begins with a word that is not known, such as `ti_sku` or `Klaviyo Profile
    ID`."""
    n = _words_before_id(header, field)
    return len(KNOWN[field]) + n if n else None


def _words_before_id(header: str, field: str) -> int:
    """How many words stand before the known name of an id."""
    found = plain_words(header)
    if any(word in _OTHERS for word in found):
        return 0
    for n in range(1, len(found)):
        rest = found[n:]
        if "".join(rest) in _places(field) and (rest[-1] in _IDS or rest[-1].endswith(("id", "sku"))):
            return n
    return 0


def first_words(header: str) -> tuple[str, ...]:
    """The words before the name of an item's id, which say nothing: `ti` of `ti_sku`; none where the whole is known."""
    last = last_part(header)
    if _places(c.ITEM).get(simple(header)) is not None or field_of(last) == c.ITEM:
        return ()
    return tuple(plain_words(last)[: _words_before_id(last, c.ITEM)])


def rank_after(words: Sequence[str], header: str, field: str) -> int | None:
    """The place of what follows some words in a header, such as `ti` in `ti_name`."""
    found = plain_words(last_part(header))
    if not words or tuple(found[: len(words)]) != tuple(words):
        return None
    return rank("_".join(found[len(words) :]), field)


def time_rank(header: str) -> int:
    """How likely a column that holds times tells when an event was, from its name: the lower, the likelier."""
    place = rank(header, c.TIMESTAMP)
    if place is not None:
        return place
    if NEVER_A_TIME.search(simple(header)):
        return 900
    like_one = any(_TIME_WORD.fullmatch(word) for word in plain_words(header)) or bool(
        re.search(r"date|time|datum|zeit|fecha|data|stamp", simple(header))
    )
    return 200 + (0 if like_one else 100) + (200 if _LESS_LIKELY.search(simple(header)) else 0)


def is_time_name(header: str) -> bool:
    """Whether a header has a word for a time in it."""
    return time_rank(header) in range(200, 300) or rank(header, c.TIMESTAMP) is not None


@lru_cache(maxsize=1)
def _all() -> frozenset[str]:
    return frozenset(name for names in KNOWN.values() for name in names) | frozenset(CATEGORY_WORDS) | ATTRIBUTES


@lru_cache(maxsize=32)
def _places(field: str) -> Mapping[str, int]:
    return {name: place for place, name in reversed(list(enumerate(KNOWN[field])))}


def ids_as_in(headers: Sequence[str], part: str) -> int:
    """Of the ids of users and of items, how many some headers name, or do not name, as files of a part do: events have
    both, a catalogue and customers one; 0 where they name none."""
    named = [any(rank(x, field) is not None for x in headers) for field in (c.USER, c.ITEM)]
    wanted = {"items": [False, True], "users": [True, False]}.get(part, [True, True])
    return sum(x == y for x, y in zip(named, wanted, strict=True)) if any(named) else 0


def is_known_header(text: str) -> bool:
    """Whether a cell reads like the name of a column."""
    name = simple(text)
    return bool(name) and (name in _all() or is_category(name) or name in ROW_ID or field_of(text) is not None)
