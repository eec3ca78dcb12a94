"""States of orders in eight languages: which say that an order stands, though some of it may have come back.

Words are without case and accents. A state is read when every word of it is known.
"""

from collections.abc import Set as AbstractSet

_STANDS = frozenset((
    # English
    "complete", "completed", "closed", "fulfilled", "unfulfilled", "shipped", "delivered", "dispatched", "processing",
    "processed", "approved", "confirmed", "invoiced", "succeeded", "success", "successful", "captured", "authorized",
    "authorised", "settled", "pending", "paid", "placed", "created", "submitted", "received", "accepted", "hold",
    "holded", "awaiting", "ready", "transit", "packed", "picked", "preparing", "prepared", "progress", "new", "open",
    # German
    "abgeschlossen", "versandt", "versendet", "verschickt", "geliefert", "ausgeliefert", "zugestellt", "bezahlt",
    "teilbezahlt", "offen", "bearbeitung", "bestatigt", "verpackt", "eingegangen", "bereit", "neu", "wartet",
    "wartend", "erledigt", "abgeholt", "unbezahlt",
    # French
    "expedie", "expediee", "livre", "livree", "paye", "payee", "termine", "terminee", "cours", "traitement",
    "traitee", "accepte", "acceptee", "confirme", "confirmee", "preparation", "prete", "attente", "valide", "validee",
    "nouvelle",
    # Spanish
    "enviado", "enviada", "entregado", "entregada", "pagado", "pagada", "completado", "completada", "proceso",
    "procesando", "preparacion", "confirmado", "confirmada", "pendiente", "aceptado", "aceptada", "nuevo", "recibido",
    # Italian
    "spedito", "spedita", "consegnato", "consegnata", "pagato", "pagata", "completato", "completata", "lavorazione",
    "elaborazione", "evaso", "evasa", "confermato", "confermata", "attesa", "preparazione", "nuovo", "ricevuto",
    "accettato",
    # Dutch
    "verzonden", "geleverd", "betaald", "afgerond", "behandeling", "verwerkt", "verwerking", "bevestigd", "wacht",
    "nieuw", "voltooid", "bezorgd", "ontvangen",
    # Portuguese
    "entregue", "concluido", "concluida", "processamento", "aguardando", "pendente", "aprovado", "aprovada", "novo",
    "recebido", "faturado", "preparacao", "separacao",
    # Polish
    "wyslane", "wyslano", "wyslany", "dostarczone", "dostarczony", "zrealizowane", "zrealizowany", "oplacone",
    "oplacony", "zaplacone", "nowe", "realizacji", "przyjete", "potwierdzone", "oczekuje", "oczekujace", "oczekiwanie",
    "gotowe", "zakonczone", "spakowane", "odebrane",
))  # fmt: skip
"""Words of a state in which the order is one."""

_BESIDE = frozenset((
    "order", "orders", "payment", "payments", "fulfillment", "fulfilment", "shipment", "shipping", "delivery",
    "pickup", "up", "out", "for", "in", "on", "of", "the", "an", "wc", "status", "state", "manual", "verification",
    "required", "review", "ecommerce", "komplett", "vollstandig", "zur", "zahlung", "bestellung", "auftrag",
    "lieferung", "versand", "abholung", "commande", "paiement", "livraison", "en", "de", "du", "la", "au", "pedido",
    "pago", "envio", "entrega", "ordine", "pagamento", "spedizione", "consegna", "di", "bestelling", "betaling",
    "levering", "verzending", "op", "encomenda", "em", "zamowienie", "zamowienia", "platnosc", "platnosci", "na", "w",
    "do", "trakcie", "toku", "wysylki", "checkout",
))  # fmt: skip
"""Words that may stand beside those, and change nothing."""

IN_PART = frozenset((
    "partially", "partial", "partly", "teilweise", "teil", "partiellement", "parcialmente", "parcial", "parzialmente",
    "parziale", "gedeeltelijk", "deels", "czesciowo", "czesciowe",
))  # fmt: skip
"""Words that say that it concerns a part of the order."""

_CAME_BACK = frozenset((
    "refunded", "returned", "cancelled", "canceled", "storniert", "erstattet", "retourniert", "zuruckgesendet",
    "rembourse", "remboursee", "retournee", "annulee", "reembolsado", "reembolsada", "devuelto", "devuelta",
    "rimborsato", "rimborsata", "reso", "terugbetaald", "geretourneerd", "devolvido", "devolvida", "zwrocone",
    "zwrocony",
))  # fmt: skip
"""Words of a state whose order came back; the names of the event itself, such as `refund`, are none of a state."""


ORDER_WORDS = _STANDS | _BESIDE | IN_PART | _CAME_BACK
"""All words of states of orders."""


def stands(words: AbstractSet[str]) -> bool:
    """Whether the words of a kind are a state in which there is an order, all of it or a part."""
    if came_back_in_part(words):
        return True
    plain = words - IN_PART
    return bool(plain & _STANDS) and plain <= _STANDS | _BESIDE


def came_back_in_part(words: AbstractSet[str]) -> bool:
    """Whether the words are a state such as `partially refunded`: what came back of the order is not told."""
    return bool(words & IN_PART) and bool(words & _CAME_BACK) and words - IN_PART - _CAME_BACK <= _BESIDE
