"""Kinds of events: the same word weighs the same, however it is written."""

import pytest

from recsys.dataset.event_kinds import is_unwanted, weight_of

WEIGHTS = {
    1.0: ["view", "Product Viewed", "view_item", "product-clicked", "PV", "select_item", "Item Viewed"],
    3.0: ["AddToCart", "add_to_cart", "Product Added", "begin_checkout", "Checkout Started", "wishlist", "fav"],
    5.0: ["Order Completed", "purchase", "Placed Order", "transaction", "ecommerce_purchase", "Kauf", "COMPRA"],
    0.0: ["Product Removed", "remove_from_cart", "Order Cancelled", "refunded", "returned", "Order Refunded", "dislike",
          "payment_failed", "purchase refunded", "Storno", "cart_abandoned"],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "weight"), [(kind, weight) for weight, kinds in WEIGHTS.items() for kind in kinds])
def test_a_kind_weighs_what_it_means(kind, weight):
    assert weight_of(kind) == (weight, True)


def test_an_unknown_kind_is_told_apart_and_a_given_weight_counts():
    assert weight_of("stare") == (1.0, False)
    assert weight_of("Stare!", {"stare": 2.5}) == (2.5, True)
    assert weight_of("order refunded", {"Order_Refunded": 4}) == (4, True)


UNWANTED = ("dislike", "Product Disliked", "thumbs_down", "thumbsdown", "not interested", "Order Refunded", "returned",
            "Rückgabe", "hide")  # fmt: skip
NOT_TOLD = ("remove from cart", "order cancelled", "skip", "view", "purchase")


@pytest.mark.parametrize("kind", [*UNWANTED, *NOT_TOLD])
def test_what_says_that_a_shopper_does_not_want_a_product(kind: str) -> None:
    assert is_unwanted(kind) is (kind in UNWANTED)
    assert not is_unwanted(kind, {kind: 2.0}), "who gives a kind a weight says that it is a like"
