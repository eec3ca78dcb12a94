"""One word for each thing, and what it means: used by all pages, their hover texts, the API and the docs."""

from collections.abc import Mapping

GLOSSARY: Mapping[str, str] = {
    "shopper": "A person, or a household with one card, whose purchases are known; `user` in files, commands and the "
    "API.",
    "product": "What the shop sells; one entry of the catalogue; `item` in files, commands and the API.",
    "event": "What a shopper did with a product at one moment: a purchase, a view, a cart.",
    "purchase": "An event in which a shopper bought a product.",
    "dataset": "The purchases, products and shoppers that a model learns from.",
    "training": "One run of learning. It has a number, which is the same on every page, and gives a model.",
    "model": "What a training gives: it ranks all products for each shopper. It has an id, and a name if you give one.",
    "live": "The live model is the one that answers now, on the pages and through the API.",
    "promote": "To make a model live.",
    "accuracy": "How near the top of a list of ten the products stand that shoppers then bought for the first time "
    "(NDCG@10): 0 is none, 1 is perfect.",
    "catalogue coverage": "Share of all products that stand in the list of at least one shopper.",
    "regularisation": "A pull of what is learned towards zero, so that single purchases count less.",
    "list": "The products that one shopper is shown, best first; ten unless something else is said.",
    "discover": "Products that the shopper had never bought.",
    "buy again": "Products that the shopper had bought before.",
    "bestsellers": "The products that most shoppers bought; as a method: everybody is shown these. `popular` in the "
    "API.",
    "popular lately": "The same, counting only what was bought in the last weeks.",
    "simple method": "A usual way to recommend without our model, fitted to the same purchases and judged on the same "
    "shoppers.",
    "test set": "Purchases that are kept out of the training, to judge the model by.",
    "validation set": "Purchases that are kept out of learning, to choose settings by; not those of the test set.",
    "interval": "Where the true value lies, in 95 of 100 cases.",
    "noise": "How far two trainings lie apart that differ only in what is random. A smaller difference is none.",
    "popularity dial": "How much it counts that a product is bought by many. Less of it shows rarer products.",
    "expectation": "What the list of a chosen shopper must show, or must not.",
    "rule set": "What a merchandiser decides about lists: pin, hide, push up or down.",
}


def meaning(word: str) -> str:
    """What a word of the glossary means."""
    return GLOSSARY[word].replace("`", "")


def as_markdown() -> str:
    """All of it as a list in Markdown, for the docs and the page of the API."""
    return "\n".join(f"- **{word}**: {text}" for word, text in GLOSSARY.items())
