"""Writes the sample beside this file: a made-up shop for coffee and tea, whose customers have planted tastes.

python data/make_sample.py
"""

import csv
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "sample"
RANGE = {
    "Coffee": {
        "Filter coffee": ("House Blend", "Morning Roast", "Huehuetenango", "Sidamo", "Decaf Santos", "Kenya AA"),
        "Espresso": ("Bar Italia", "Dark Velvet", "Single Origin Brasil", "Ristretto No. 4", "Decaf Espresso"),
        "Capsules": ("Lungo 10", "Forte 10", "Vanilla 10", "Decaf 10"),
    },
    "Tea": {
        "Black tea": ("Assam Broken", "Darjeeling First Flush", "Earl Grey", "East Frisian Blend", "Ceylon Orange"),
        "Green tea": ("Sencha", "Gunpowder", "Genmaicha", "Jasmine Pearls", "Matcha"),
        "Herbal tea": ("Peppermint", "Camomile", "Rooibos Vanilla", "Ginger & Lemon", "Verbena"),
    },
    "Equipment": {
        "Brewing": ("Hand Filter 02", "French Press 1 l", "Moka Pot", "Tea Pot 0.8 l", "Gooseneck Kettle"),
        "Grinding": ("Hand Grinder", "Burr Grinder", "Cleaning Brush"),
        "Cups": ("Espresso Cup", "Tea Bowl", "Travel Mug", "Glass Cup"),
    },
    "Sweets": {
        "Biscuits": ("Cantuccini", "Shortbread", "Oat Cookies", "Almond Crescents"),
        "Chocolate": ("Dark 70%", "Milk & Sea Salt", "Orange Sticks", "Nut Nougat"),
    },
}
SIZES = {"Coffee": ("250 g", "1 kg"), "Tea": ("100 g", "250 g"), "Equipment": ("",), "Sweets": ("",)}
PRICES = {"Coffee": 9.0, "Tea": 6.5, "Equipment": 24.0, "Sweets": 3.5}
AGES = ("18-29", "30-44", "45-59", "60+")
USERS = 240


def main() -> None:
    rng = np.random.default_rng(7)
    items = [
        (
            department,
            category,
            f"{name}, {size}" if size else name,
            round(PRICES[department] * rng.uniform(0.7, 1.6), 2),
        )
        for department, categories in RANGE.items()
        for category, names in categories.items()
        for name in names
        for size in SIZES[department]
    ]
    ids = [f"{1000 + 7 * n:05d}" for n in range(len(items))]
    departments = list(RANGE)
    of_item = np.array([departments.index(item[0]) for item in items])
    appeal = rng.pareto(3.0, len(items)) + 0.15
    appeal[-2:] = 0.0  # in the catalogue, never sold
    events = []
    users = []
    for user in range(USERS):
        taste = int(rng.choice(len(departments), p=(0.4, 0.35, 0.1, 0.15)))
        age = AGES[int(np.clip(taste + rng.integers(-1, 2), 0, 3))] if rng.random() < 0.85 else ""
        users.append((f"C{user:04d}", age, ("online", "shop")[int(rng.random() < 0.3)]))
        chance = appeal * np.where(of_item == taste, 12.0, 1.0)
        chance /= chance.sum()
        favourites = rng.choice(len(items), size=3, replace=False, p=chance)
        for _ in range(int(rng.integers(6, 24))):
            item = int(rng.choice(favourites)) if rng.random() < 0.3 else int(rng.choice(len(items), p=chance))
            moment = np.datetime64("2025-01-02T08:00:00") + np.timedelta64(int(rng.integers(0, 180 * 86400)), "s")
            steps = ("view", "cart", "purchase")[: int(rng.choice((1, 2, 3), p=(0.45, 0.15, 0.4)))]
            for number, kind in enumerate(steps):
                quantity = int(rng.choice((1, 1, 1, 2, 3))) if kind == "purchase" else 1
                value = round(quantity * items[item][3], 2) if kind == "purchase" else ""
                when = moment + np.timedelta64(90 * number, "s")
                events.append((f"C{user:04d}", ids[item], str(when), kind, quantity, value))
    events.sort(key=lambda event: (event[2], event[0], event[1]))
    FOLDER.mkdir(exist_ok=True)
    write("events.csv", ("user_id", "item_id", "timestamp", "event", "quantity", "value"), events)
    rows = [(ids[n], item[2], item[0], item[1], item[3]) for n, item in enumerate(items)]
    write("items.csv", ("item_id", "title", "department", "category", "price"), rows)
    write("users.csv", ("user_id", "age", "channel"), users)


def write(name: str, header: tuple[str, ...], rows: list[tuple]) -> None:
    with (FOLDER / name).open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
