"""Why an item is recommended: its score taken apart into parts that add up to it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys import answer_documents
from recsys import columns as c
from recsys.models.features import IDENTITY, WORDS
from recsys.models.model import Model
from recsys.models.segment_popularity import Popular


@dataclass(frozen=True)
class Reason:
    """One part of a score.

    Attributes:
        kind: item, category, brand, number, words, user, bias, history or rule.
        name: in words.
        value: the part, in score units when `additive`; otherwise a measure of its own (cosine, count).
        additive: whether the additive reasons of an item, this one among them, sum to its score.
    """

    kind: str
    name: str
    value: float
    additive: bool

    def to_dict(self) -> answer_documents.Reason:
        """Ready for JSON."""
        return {"kind": self.kind, "name": self.name, "value": self.value, "additive": self.additive}


@dataclass(frozen=True)
class UserVector:
    """A user as the model sees them, in parts.

    Attributes:
        vector: (components,), the whole user embedding.
        bias: the user's own bias.
        attributes: for each attribute that is known, its part of `vector`; the rest comes from the history.
        popular: what is scored by instead, where there is nothing to make a vector of.
    """

    vector: NDArray[np.float32]
    bias: float
    attributes: tuple[tuple[str, NDArray[np.float32]], ...] = ()
    popular: Popular | None = None


def vector_of_user(model: Model, user: int) -> UserVector:
    """The trained embedding of a known user, with the part that each attribute has in it."""
    return vector_of_weights(
        model, dict(zip(*model.user_features.row(user), strict=True)), model.user_embeddings[user],
        float(model.user_biases[user]),
    )  # fmt: skip


def vector_of_weights(model: Model, weights: dict[int, float], vector: NDArray[np.float32], bias: float) -> UserVector:
    """A user embedding in parts, given the weights of the user features in it."""
    features = model.user_features
    parts = tuple(
        (f"{features.kinds[f]}: {features.values[f]}", np.float32(weight) * model.lightfm.user_embeddings[f])
        for f, weight in weights.items()
        if features.kinds[f] != IDENTITY
    )
    return UserVector(vector, bias, parts)


def reasons_for(model: Model, item: int, user_vector: UserVector) -> list[Reason]:
    """Split `user_vector.vector · item_embeddings[item] + item_biases[item] + user_vector.bias` exactly.

    With p the user embedding, p_a the part of attribute a in it, w_f, q_f and b_f the weight, embedding and bias of
    item feature f:

        score = Σ_f w_f q_f · (p - Σ_a p_a)     one reason for each item feature: the item itself, category, brand,
                                                band of numbers; one for all words together
              + Σ_a p_a · Σ_f w_f q_f           one reason for each user attribute
              + Σ_f w_f b_f + user bias         popularity, and the user's own level

    Where popularity in the user's segment is the score, its own parts are the reasons.
    """
    if user_vector.popular is not None:
        return _popular_reasons(user_vector.popular, item)
    features = model.item_features
    numbers, weights = features.row(item)
    rest = user_vector.vector - sum((part for _, part in user_vector.attributes), np.zeros_like(user_vector.vector))
    reasons, words = [], dict[str, float]()
    for feature, weight in zip(numbers, weights, strict=True):
        kind, name = str(features.kinds[feature]), str(features.values[feature])
        value = float(weight * (model.lightfm.item_embeddings[feature] @ rest))
        if kind == IDENTITY:
            reasons.append(Reason("item", "this product itself", value, True))
        elif kind == WORDS:
            words[name] = value
        elif kind in model.category_levels or kind == c.BRAND:
            reasons.append(Reason("brand" if kind == c.BRAND else "category", name, value, True))
        else:
            reasons.append(Reason("number", f"{kind}: {name}", value, True))
    if words:
        named = ", ".join(sorted(words, key=lambda word: -abs(words[word])))
        reasons.append(Reason("words", f"words: {named}", sum(words.values()), True))
    for name, part in user_vector.attributes:
        reasons.append(Reason("user", name, float(model.item_embeddings[item] @ part), True))
    reasons.append(Reason("bias", "liked by everybody", float(model.item_biases[item]), True))
    reasons.append(Reason("bias", "this shopper's general level", user_vector.bias, True))
    return reasons


def _popular_reasons(popular: Popular, item: int) -> list[Reason]:
    segment = [Reason("user", popular.segment, float(popular.own[item]), True)] if popular.segment else []
    return [
        *segment,
        Reason("bias", "liked by everybody", float(popular.all[item]), True),
        Reason("bias", "this shopper's general level", 0.0, True),
    ]


def similar_from_history(model: Model, item: int, history: NDArray[np.int64], most: int = 3) -> list[Reason]:
    """The items of the history that lie nearest to `item` in the model (cosine): not additive."""
    if len(history) == 0:
        return []
    vectors = model.item_embeddings[history]
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(model.item_embeddings[item])
    cosine = np.divide(vectors @ model.item_embeddings[item], lengths, out=np.zeros(len(history)), where=lengths > 0)
    nearest = np.argsort(-cosine, kind="stable")[:most]
    titles = model.items[c.TITLE]
    return [Reason("history", str(titles.iloc[history[i]]), float(cosine[i]), False) for i in nearest if cosine[i] > 0]
