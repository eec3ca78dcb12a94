"""Small shops whose truth is known, for tests: preferences are planted, so a model that learns must find them."""

import numpy as np
import pandas as pd

from recsys.dataset.dataset import Dataset

DEPARTMENTS = ("Bakery", "Dairy", "Drinks", "Garden")
AGES = ("19-24", "25-44", "45+")


def planted_shop(name: str = "small", *, n_users: int = 120, n_items: int = 160, seed: int = 0) -> Dataset:
    """Shoppers who like one department (told by their age, mostly) and buy favourites again; 200 days of events.

    The last item of each department never sells: it is known by its categories alone. One shopper in ten has no age.
    """
    rng = np.random.default_rng(seed)
    department = np.arange(n_items) % len(DEPARTMENTS)
    taste = rng.integers(0, len(DEPARTMENTS), n_users)
    appeal = rng.pareto(1.5, n_items) + 0.2
    appeal[-len(DEPARTMENTS) :] = 0.0
    start = np.datetime64("2024-01-01T08:00:00")
    rows = []
    for user in range(n_users):
        chance = appeal * np.where(department == taste[user], 8.0, 1.0)
        chance /= chance.sum()
        favourites = rng.choice(n_items, size=4, replace=False, p=chance)
        for _ in range(int(rng.integers(25, 60))):
            item = rng.choice(favourites) if rng.random() < 0.3 else rng.choice(n_items, p=chance)
            rows.append((user, item, start + np.timedelta64(int(rng.integers(0, 200 * 86400)), "s")))
    events = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])
    events["user_id"] = events["user_id"].map(lambda u: f"u{u:03d}")
    events["item_id"] = events["item_id"].map(lambda i: f"{i:05d}")
    events["value"] = rng.uniform(1, 9, len(events)).round(2)
    items = pd.DataFrame(
        {
            "item_id": [f"{i:05d}" for i in range(n_items)],
            "title": [f"{DEPARTMENTS[d]} product {i}" for i, d in enumerate(department)],
            "department": [DEPARTMENTS[d] for d in department],
            "shelf": [f"{DEPARTMENTS[d]} shelf {i // 4 % 5}" for i, d in enumerate(department)],
            "brand": [("Store brand", "National brand")[i % 2] for i in range(n_items)],
            "price": rng.uniform(1, 9, n_items).round(2),
        }
    )
    users = pd.DataFrame(
        {
            "user_id": [f"u{u:03d}" for u in range(n_users)],
            "age": [None if u % 10 == 0 else AGES[t % len(AGES)] for u, t in enumerate(taste)],
        }
    )
    return Dataset.from_raw(
        name,
        events,
        items=items,
        users=users,
        category_levels=("department", "shelf"),
        user_attributes=("age",),
        notes={"source": "generated", "about": "A small shop with planted preferences."},
    )


def checkerboard(n: int = 20) -> Dataset:
    """Even users have all even items, odd users all odd ones; each lacks the item of its own number until the end.

    That withheld diagonal must rank first among what a user has not had. The item after it comes in the validation
    period, so that there is something to choose epochs by.
    """
    pairs = [(u, i) for u in range(n) for i in range(n) if u % 2 == i % 2 and i not in (u, (u + 2) % n)]
    start = np.datetime64("2024-01-01")
    rows = [(f"{u:03d}", f"{i:03d}", start + np.timedelta64((u * n + i) % 90, "D")) for u, i in pairs]
    held_out = [(f"{u:03d}", f"{u:03d}", start + np.timedelta64(170, "D")) for u in range(n)]
    between = [(f"{u:03d}", f"{(u + 2) % n:03d}", start + np.timedelta64(130, "D")) for u in range(n)]
    return Dataset.from_raw(
        "checkerboard", pd.DataFrame(rows + between + held_out, columns=["user_id", "item_id", "timestamp"])
    )
