"""Kinds of events and how much each counts: the one table that imports, the API and training share.

A kind is a word that a shop, a tracker or an analytics tool writes beside an event: `view`, `Product Added`,
`add_to_cart`, `refunded`. Kinds are compared without case, accents, blanks and punctuation, word by word.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from recsys.dataset.order_states import ORDER_WORDS, stands

NOTHING, VIEW, CART, PURCHASE = 0.0, 1.0, 3.0, 5.0
KIND_WEIGHTS = "kind_weights"
"""Where the notes of an imported dataset keep kind to weight, so that events that come later are read alike."""

DEFAULT_WEIGHTS: Mapping[str, float] = {
    **dict.fromkeys((
        "view", "views", "viewed", "click", "clicks", "clicked", "detail", "pv", "impression", "play", "played",
        "listen", "listened", "watch", "watched", "read", "visit", "visited", "select item", "view item",
        "view item list", "pageview", "page view", "page viewed", "screen view", "product viewed", "product clicked",
        "product list viewed", "viewed product", "product view", "item view", "productview", "detail view",
        "item detail page view", "select content", "rating", "rate", "review", "reviewed", "ansicht", "aufruf",
        "klick", "vue", "vista", "clic", "visualizzazione", "weergave", "visualizacao", "wyswietlenie",
        "prod view", "view content", "view list",
    ), VIEW),
    **dict.fromkeys((
        "cart", "carts", "basket", "addtocart", "add to cart", "added to cart", "cart add", "addtobasket",
        "add to basket", "add to bag", "wishlist", "add to wishlist", "favorite", "favourite", "fav", "favorited",
        "collect", "save", "saved", "bookmark", "like", "liked", "product added", "product added to wishlist",
        "cart updated", "thumbs up", "upvote",
        "checkout started", "begin checkout", "started checkout", "initiate checkout",
        "initiated checkout", "checkout step viewed", "checkout step completed", "add payment info",
        "add shipping info", "payment info entered", "warenkorb", "in den warenkorb", "merkliste", "panier",
        "ajout au panier", "carrito", "anadir al carrito", "carrello", "aggiunta al carrello", "winkelwagen",
        "winkelmand", "carrinho", "koszyk", "dodano do koszyka",
        "sc add", "sc view", "view cart", "view basket",
    ), CART),
    **dict.fromkeys((
        "purchase", "purchases", "purchased", "transaction", "transactions", "buy", "buys", "bought", "order",
        "orders", "ordered", "sale", "sales", "sold", "checkout", "conversion", "order completed", "completed order",
        "order placed", "placed order", "order paid", "paid", "ordered product", "checkout completed",
        "completed checkout", "in app purchase", "ecommerce purchase", "product purchased", "item purchased",
        "payment", "payments", "zahlung", "paiement", "pago", "pagamento", "betaling", "platnosc", "subscribe",
        "subscription started", "rent", "rented", "kauf", "gekauft", "bestellung", "bestellt", "achat",
        "commande", "achete", "compra", "comprado", "pedido", "acquisto", "acquistato", "ordine", "aankoop", "gekocht",
        "bestelling", "encomenda", "zakup", "kupiono", "zamowienie",
        "invoice", "receipt", "rechnung", "facture", "factura", "fattura", "factuur", "faktura", "quittung",
        "ecommerce order", "order created", "place an order", "place order", "converted", "checkout complete",
        "checkout success", "complete checkout", "track transaction", "purchase complete",
    ), PURCHASE),
    **dict.fromkeys((
        "removefromcart", "remove from cart", "removefromwishlist", "remove from wishlist", "product removed",
        "product removed from wishlist", "order cancelled", "order refunded", "return", "returns", "refund", "cancel",
        "dislike", "unlike", "thumbs down", "skip", "hide", "not interested",
        "storno", "storniert", "retoure", "ruckgabe", "erstattung", "annulation", "annule", "retour", "remboursement",
        "devolucion", "cancelado", "reembolso", "reso", "rimborso", "annullato", "geannuleerd", "retournering",
        "devolucao", "zwrot", "anulowano", "credit note", "credit memo", "gutschrift", "avoir", "nota de credito",
        "nota di credito", "creditnota", "faktura korygujaca", "korekta",
    ), NOTHING),
}  # fmt: skip
"""Weight of each kind by its usual names; 0 leaves events of the kind out."""

_TAKEN_BACK = frozenset((
    "remove", "removed", "removes", "removal", "cancel", "cancels", "canceled", "cancelled", "cancellation",
    "refund", "refunds", "refunded", "return", "returns", "returned", "dislike", "disliked", "unlike",
    "unliked", "unfavorite", "unfavorited", "unfavourite", "unsave", "unsaved", "delete", "deleted", "decline",
    "declined", "fail", "failed", "chargeback", "void", "voided", "abandon", "abandoned", "rejected",
    "unsubscribe", "unsubscribed", "reverse", "reversed", "downvote", "downvoted", "thumbsdown", "emptied",
    "expired", "skipped", "hidden", "blocked", "reported", "storno", "storniert", "stornierung", "retoure",
    "retourniert", "rucksendung", "ruckgabe", "erstattung", "erstattet", "entfernt", "geloscht", "gekundigt",
    "abgelehnt", "suppression", "supprime", "retire", "retrait", "annulation", "annule", "annulee", "rembourse",
    "remboursement", "retour", "retourne", "devolucion", "devuelto", "reembolso", "reembolsado", "cancelacion",
    "cancelado", "cancelada", "eliminado", "quitado", "retirado", "anulado", "reso", "rimborso", "rimborsato",
    "annullato", "annullamento", "rimosso", "rimozione", "restituito", "eliminato", "geretourneerd",
    "geannuleerd", "annulering", "verwijderd", "terugbetaald", "terugbetaling", "retournering", "devolucao",
    "gutschrift", "devolvido", "cancelamento", "removido", "estorno", "zwrot", "zwrocono", "anulowano", "anulowanie",
    "usuniecie", "usunieto", "error", "denied", "reversal", "abgebrochen", "fehlgeschlagen", "zuruckgegeben",
    "zuruckgesendet", "widerrufen", "abandonne", "abandonnee", "annulees", "remboursee", "retournee", "refuse",
    "refusee", "echec", "erreur", "devuelta", "reembolsada", "rechazado", "rechazada", "fallido", "annullata",
    "rimborsata", "restituita", "rifiutato", "rifiutata", "fallito", "geweigerd", "mislukt", "teruggestuurd",
    "devolvida", "recusado", "recusada", "falhou", "zwrocone", "zwrocony", "anulowane", "anulowany",
    "odrzucone", "odrzucony", "nieudana", "nieudane",
))  # fmt: skip
"""A kind with one of these words takes back what another kind did, whatever stands beside it."""

_UNWANTED = frozenset((
    "dislike", "disliked", "unlike", "unliked", "downvote", "downvoted", "thumbsdown", "hide", "hidden", "blocked",
    "refund", "refunds", "refunded", "return", "returns", "returned", "chargeback", "retoure", "ruckgabe", "erstattung",
    "retour", "remboursement", "devolucion", "reembolso", "reso", "rimborso", "retournering", "devolucao", "zwrot",
))  # fmt: skip
"""A kind with one of these words says that the shopper does not want the product; what is taken out of a cart, or an
order that is cancelled, does not."""

_OF_THE_NAME = (
    (PURCHASE, frozenset((
        "purchase", "purchased", "bought", "converted", "transaction", "sale", "sold", "placed", "kauf", "gekauft",
        "bestellung", "bestellt", "bezahlt", "achat", "achete", "commande", "commandee", "compra", "comprado",
        "comprou", "pedido", "acquisto", "acquistato", "ordine", "ordinato", "aankoop", "gekocht", "besteld",
        "bestelling", "zakup", "kupiono", "zamowienie", "zamowiono",
    ))),
    (CART, frozenset((
        "cart", "basket", "bag", "wishlist", "checkout", "favorite", "favourite", "favorited", "favourited", "added",
        "verlanglijstje",
        "warenkorb", "merkzettel", "merkliste", "wunschliste", "panier", "favoris", "carrito", "favoritos",
        "carrello", "preferiti", "winkelwagen", "winkelmand", "verlanglijst", "carrinho", "koszyk", "koszyka",
        "ulubione", "ulubionych",
    ))),
    (VIEW, frozenset((
        "view", "viewed", "views", "click", "clicked", "impression", "watched", "visited", "seen", "ansicht",
        "angesehen", "aufruf", "aufgerufen", "klick", "geklickt", "consultation", "consulte", "vue", "vu",
        "clic", "visualizacion", "visualizado", "visto", "visita", "visualizzazione", "visualizzato", "bekeken",
        "weergave", "gezien", "geklikt", "visualizacao", "visualizou", "wyswietlenie", "wyswietlono",
        "klikniecie", "odsloniecie",
    ))),
)  # fmt: skip
"""Words that settle the weight of a kind that is in no list as a whole, strongest first."""

_OF_TRACKERS = frozenset(("product", "products", "item", "items", "object", "objects", "ids", "list", "page", "content",
                          "track", "prod", "step", "from", "user"))  # fmt: skip
"""Words that trackers write together with others: `addedToCartObjectIDs`."""

_SHORTEST = 2
_ENDS = ("ansicht", "aufruf", "klick", "warenkorb", "merkzettel", "kauf", "bestellung", "storno", "retoure")
"""Of these, those that German writes at the end of a longer word."""


def plain(kind: str) -> str:
    """A kind without case, accents, blanks and punctuation: `Add to cart` and `add_to_cart` agree."""
    return "".join(_words(kind))


def weight_of(kind: str, given: Mapping[str, float] | None = None) -> tuple[float, bool]:
    """The weight of a kind of event, and whether anybody or anything settles it; 1 otherwise.

    Args:
        given: kind to weight, on top of `DEFAULT_WEIGHTS`.
    """
    wanted = plain(kind)
    for name, weight in (given or {}).items():
        if plain(name) == wanted:
            return weight, True
    found = _known().get(wanted)
    if found is not None:
        return found, True
    words = frozenset(next((end for end in _ENDS if word.endswith(end)), word) for word in words_of(kind))
    if stands(words):
        return PURCHASE, True
    if words & _TAKEN_BACK:
        return NOTHING, True
    for weight, names in _OF_THE_NAME:
        if words & names:
            return weight, True
    return VIEW, False


def is_unwanted(kind: str, given: Mapping[str, float] | None = None) -> bool:
    """Whether a kind of event that weighs nothing says that the shopper does not want the product: a dislike, a return.

    Args:
        given: kind to weight, on top of `DEFAULT_WEIGHTS`.
    """
    told = bool(_UNWANTED & set(_words(kind))) or plain(kind) in ("notinterested", "thumbsdown")
    return told and weight_of(kind, given)[0] == NOTHING


def is_kind(text: str) -> bool:
    """Whether a word is a kind of event known here."""
    return weight_of(text)[1]


@lru_cache(maxsize=1)
def _known() -> Mapping[str, float]:
    return {plain(kind): weight for kind, weight in DEFAULT_WEIGHTS.items()}


def words_of(kind: str) -> frozenset[str]:
    """The words of a kind, and those of words written as one, as `addedtocart` is in lower case."""
    return frozenset(part for word in _words(kind) for part in _parts(word))


@lru_cache(maxsize=4096)
def _parts(word: str) -> tuple[str, ...]:
    """The known words that a longer one is made of, as few as possible; the word itself where it is known or not made
    of such."""
    known = _vocabulary()
    best: dict[int, tuple[str, ...]] = {0: ()}
    for end in range(1, len(word) + 1):
        made = [(*best[n], word[n:end]) for n in best if word[n:end] in known]
        if made:
            best[end] = min(made, key=len)
    return best.get(len(word)) or (word,)


@lru_cache(maxsize=1)
def _vocabulary() -> frozenset[str]:
    """Words that longer ones may be made of: those of three letters or more, and few of two."""
    listed = {word for kind in DEFAULT_WEIGHTS for word in _words(kind)} | _TAKEN_BACK | _UNWANTED | ORDER_WORDS
    found = listed | {word for _, words in _OF_THE_NAME for word in words} | _OF_TRACKERS
    return frozenset(word for word in found if len(word) > _SHORTEST) | {"to", "of", "an", "sc"}


def _words(kind: str) -> list[str]:
    """`order_refunded`, `OrderRefunded` and `Order Refunded` as two words in lower case."""
    text = unicodedata.normalize("NFKD", kind)
    text = "".join(x for x in text if not unicodedata.combining(x)).replace("ł", "l").replace("Ł", "L")
    return re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower())
