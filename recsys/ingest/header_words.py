"""What the words of a header say together, in eight languages: `Código do Cliente` is a number of a customer.

A header is read when every word of it is known; a word that is not known may change the meaning of all others.
"""

import re
import unicodedata
from functools import lru_cache

from recsys import columns as c

_USER, _ITEM, _ID, _NAME, _CATEGORY, _BRAND, _LEVEL, _STOCK, _ALSO = (
    "user", "item", "id", "name", "category", "brand", "level", "stock", "also",
)  # fmt: skip
_PRICE, _QUANTITY, _TOTAL, _AMOUNT, _ORDER, _TAX, _STATED = (
    "price", "quantity", "total", "amount", "order", "tax", "stated",
)  # fmt: skip

_WORDS = {
    _USER: "user customer client visitor household member shopper buyer purchaser account profile person "
    "consumer reviewer subscriber contact cust usr guest kunde kunden besteller benutzer nutzer kaeufer "
    "kaufer mitglied mitglieds debitor debitoren kd utilisateur acheteur membre abonne adherent cliente "
    "clientes usuario comprador socio utente acquirente klant klanten gebruiker koper lid utilizador "
    "klient klienta uzytkownik uzytkownika kupujacy kupujacego nabywca nabywcy odbiorca odbiorcy "
    "kundenkarte kundenkarten tarjeta tessera klantenkaart",
    _ITEM: "item product article sku prod art goods merchandise variant material offer movie film book song "
    "track artikel produkt produkte ware waren produktvariante variante materials produit producto "
    "articulo prodotto articolo produto artigo produktu towar towaru artykul artykulu merceologica "
    "mercadoria",
    _ID: "id uid uuid guid key nr no num number nummer code ref numer numero n cod codigo codice kod reference "
    "referencia riferimento referentie identifiant identificador identificativo identyfikator identifier "
    "kennung kennziffer nro ident matricule symbol ids codes",
    _NAME: "title name titel bezeichnung nom nombre nome naam nazwa libelle description desc descr descripcion "
    "descrizione descricao omschrijving beschrijving opis beschreibung designation intitule kurztext "
    "titulo titolo tytul denominazione denominacion label benennung",
    _PRICE: "price preis prix precio prezzo preco prijs cena vk pvp uvp msrp",
    _QUANTITY: "quantity qty units pieces menge mengen anzahl stuckzahl stueckzahl stuck stueck stk quantite qte "
    "cantidad cant unidades quantita qta pezzi aantal hoeveelheid quantidade qtd qtde ilosc sztuk sztuki "
    "liczba",
    _TOTAL: "total totals totale totaal sum summe gesamt suma razem revenue turnover sales umsatz omzet ricavo "
    "obrot spend paid pago pagado paye payee bezahlt bezahlter gezahlt gezahlter betaald pagato zaplacona zaplacono",
    _AMOUNT: "amount value betrag montant importe importo bedrag valor kwota wartosc wert waarde valore",
    _CATEGORY: "category categories categorie kategorie kategorien categoria categorias kategoria department dept "
    "section aisle family class subclass subcategory genre genres collection warengruppe artikelgruppe "
    "produktgruppe warengruppen hauptwarengruppe rayon famille sousfamille gamme departamento seccion "
    "familia subfamilia reparto famiglia sottofamiglia afdeling productgroep artikelgroep secao dzial "
    "grupa group gruppe gruppo grupo groep groupe type typ tipo rubrik sparte abteilung gatunek rodzaj "
    "subkategorie unterkategorie sottocategoria subcategoria souscategorie podkategoria",
    _BRAND: "brand manufacturer maker vendor marke hersteller marque fabricant marca fabricante produttore merk "
    "fabrikant marka producent producenta",
    _STOCK: "stock available availability visible inventory status bestand lagerbestand lager verfugbar verfuegbar "
    "verfugbarkeit verfuegbarkeit lieferbar disponible disponibilite disponibilidad disponibile disponibilita giacenza "
    "existencias beschikbaar beschikbaarheid voorraad disponivel disponibilidade estoque dostepny dostepnosc "
    "magazynowy",
    _ORDER: "order orders line lines sale transaction purchase invoice receipt ticket pos position row bestell "
    "bestellung bestellungs bestellte auftrag auftrags rechnung rechnungs beleg zeile zeilen verkauf "
    "verkaufs commande commandes vente ligne facture pedido pedidos venta linea factura ordine vendita "
    "riga fattura acquisto bestelling verkoop regel factuur encomenda venda linha fatura compra "
    "zamowienia zamowienie sprzedaz sprzedazy pozycja pozycji faktura faktury",
    _TAX: "tax taxe taxes vat mwst ust iva tva btw steuer impuesto impuestos",
    _STATED: "incl excl inc exc inkl exkl including excluding inclusive gross net brutto netto bruto ht ttc hors "
    "toutes lordo netta neto inbegrepen with without con sin mit ohne avec sans",
    _ALSO: "of the a by in per each de du des d l la le les el los las do da dos das del della dell degli di van "
    "het der die unit unitaire unitario unitaria einzel stuks eenheids jednostkowa jednostkowy eur usd "
    "gbp pln chf brl euro selling current final regular ordered purchased sold facturee commandee pedida "
    "vendida verkaufte besteld invoiced facturada fatturata gefactureerd zamowiona detail details internal interne "
    "intern web shop stuk piece pezzo "
    "pieza sztuke cent cents centimes centimos centavos centesimi grosze groszy pence rappen",
    _LEVEL: "main top sub haupt unter parent root default primary level lvl path tree 1 2 3 4 5 6 7 8 principal "
    "glowna hoofd",
}  # fmt: skip

_ROLES = {word: role for role, words in _WORDS.items() for word in words.split()}
_LINKS = ("", "s", "n", "en", "e")
_COUNT = re.compile(
    r"(number|numero|num|no|nombre|liczba) .*(items|products|articles|units|articulos|productos|articoli|prodotti|"
    r"artigos|produtos|produits|artykulow|produktow)"
)
"""`Number of items`, `Nombre d'articles`: how many, though the words of a number or a name are in it."""

_WITHOUT = frozenset((
    "excl", "exc", "exkl", "excluding", "ht", "hors", "sans", "netto", "net", "netta", "neto", "ohne", "sin", "without",
))  # fmt: skip
_CENTS = frozenset((
    "cent", "cents", "centimes", "centimos", "centavos", "centesimi", "grosze", "groszy", "pence", "rappen",
))  # fmt: skip
_SHORTEST = 3
_ENDS = ("id", "nr", "no")
"""Words of two letters that count within a longer one, at its end."""


@lru_cache(maxsize=4096)
def field_of(header: str) -> str | None:
    """The field that a header names: an id, a title, a category, a brand, a quantity or money; None where it is none of
    these, or holds a word that is not known.

    Args:
        header: as the file has it; of a path, its last part.
    """
    if _COUNT.fullmatch(" ".join(plain_words(header))):
        return c.QUANTITY
    roles = _roles(header)
    said = set(roles) - {_ALSO}
    if _TAX in said and _STATED not in said:
        return None
    plain = said - {_TAX, _STATED}
    if plain - {_LEVEL} <= {_ITEM, _CATEGORY, _ID, _NAME} and _CATEGORY in plain:
        return c.CATEGORY
    of = plain - {_ORDER}
    if of in ({_USER, _ID}, {_ITEM, _ID}):
        noun = next(iter(of - {_ID}))
        apart = roles.index(_ORDER) > roles.index(noun) if _ORDER in said else False
        return None if apart else c.USER if noun == _USER else c.ITEM
    if of <= {_ITEM, _PRICE, _AMOUNT, _QUANTITY} and _PRICE in of:
        return c.PRICE
    if of <= {_ITEM, _QUANTITY, _AMOUNT, _TOTAL} and _QUANTITY in of:
        return c.QUANTITY
    if of <= {_ITEM, _PRICE, _TOTAL, _AMOUNT} and of & {_TOTAL, _AMOUNT}:
        return c.VALUE
    if of == {_ITEM, _NAME}:
        return c.TITLE
    if plain <= {_ITEM, _STOCK, _QUANTITY, _LEVEL, _TOTAL} and _STOCK in plain:
        return c.AVAILABLE
    if plain <= {_ITEM, _BRAND, _NAME} and _BRAND in plain:
        return c.BRAND
    return None


def in_cents(header: str) -> bool:
    """Whether a header says that its money is in hundredths: `price_cents`, `centAmount`."""
    return bool(_CENTS.intersection(plain_words(header)))


def says_little(header: str) -> bool:
    """Whether a header is a word for an id, a name or an amount alone, which is that of whatever it belongs to."""
    return _roles(header) in ((_ID,), (_NAME,), (_AMOUNT,))


def is_code(header: str) -> bool:
    """Whether a header says that it is a number of something, and not of what: `Code`, `Nr.`, `kod`."""
    roles = set(_roles(header))
    return _ID in roles and roles <= {_ID, _ALSO}


def of_order(header: str) -> bool:
    """Whether a header names money of a whole order: `Order total`, `Montant de la commande`."""
    roles = _roles(header)
    return (
        _ORDER in roles and field_of(header) == c.VALUE and not re.search(r"(?i)line|lig|linea|riga|zeile|pos", header)
    )


def without_tax(header: str) -> bool:
    """Whether a header names money before tax: that with tax is what people see."""
    return bool(_WITHOUT.intersection(plain_words(header)))


def plain_words(header: str) -> list[str]:
    """The words of a header in lower case, without accents: `OrderDate`, `order_date` and `Order date` are two."""
    text = unicodedata.normalize("NFKD", header.replace("ß", "ss"))
    text = "".join(x for x in text if not unicodedata.combining(x)).replace("ł", "l").replace("Ł", "L")
    return re.findall(r"[a-z]+|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower())


def _roles(header: str) -> tuple[str, ...]:
    """What each word of a header is; nothing where one is not known."""
    found: list[str] = []
    for word in plain_words(header):
        roles = _of_word(word)
        if not roles:
            return ()
        found += roles
    return tuple(found)


@lru_cache(maxsize=4096)
def _of_word(word: str) -> tuple[str, ...]:
    """What a word is: one known, its plural, or words written as one such as `artikelbezeichnung`."""
    one = _ROLES.get(word) or _ROLES.get(word.removesuffix("s"))
    if one:
        return (one,)
    for n in range(len(word) - 1, 1, -1):
        last = word[n:]
        role = _ROLES.get(last)
        if role is None or (len(last) < _SHORTEST and last not in _ENDS):
            continue
        for link in _LINKS:
            first = word[:n].removesuffix(link)
            if link and not word[:n].endswith(link):
                continue
            before = _of_word(first) if len(first) >= _SHORTEST else ()
            if before:
                return (*before, role)
    return ()
