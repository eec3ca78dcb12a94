"""Fitting the baselines: the settings of each are chosen on the validation period, as for models."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from recsys.dataset.dataset import Interactions
from recsys.dataset.decay import age_in_days, faded, ones
from recsys.dataset.splitting import Split, some_of
from recsys.errors import InvalidInput
from recsys.evaluation.evaluate import ndcg_at_k
from recsys.models import baselines
from recsys.models.base import Scorer
from recsys.models.baselines import als, ease

Which = Literal["none", "popular", "all"]
"""Which baselines: none but bestsellers, those that count popularity, or every one."""

HALF_LIVES = (14.0, 30.0, 60.0, 120.0)
SINCE = ("first", "last")
"""Popular lately may count when people first had an item, or when they last did."""

MOST_WORK = 4e10
"""Multiplications by which one fit of ALS or EASE may be repeated to choose its settings; a larger fit keeps them."""

QUICK_ITERATIONS = 8
"""Iterations of ALS while its settings are chosen."""

QUICK_PAIRS = 100_000_000
"""Pairs of items of one user that neighbourhood methods count while their settings are chosen."""

MOST_JUDGED = 1000
"""More users of the validation period than this are sampled where a setting is chosen."""

Settings = Mapping[str, float]


@dataclass(frozen=True)
class _Method:
    """A baseline with settings that are chosen on validation.

    Attributes:
        fit: gives the scorer for interactions and settings.
        start: the settings to begin with; those without a ladder are kept.
        ladders: for each setting that is chosen, its values in order, one setting after the other.
        quick: settings that make a fit cheap while the others are chosen.
        work: multiplications of one such fit, about; None where `quick` bounds it.
    """

    fit: Callable[..., Scorer]
    start: Settings
    ladders: Mapping[str, tuple[float, ...]]
    quick: Settings = field(default_factory=dict)
    work: Callable[[sparse.csr_matrix, Settings], float] | None = None


_POWERS = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0, 30_000.0, 100_000.0)
_METHODS: Mapping[str, _Method] = {
    "item_knn": _Method(
        baselines.ItemKNN.fit,
        {"neighbours": 100, "shrinkage": 10.0},
        {"shrinkage": (0.0, 3.0, 10.0, 30.0, 100.0, 300.0), "neighbours": (25, 50, 100, 200, 400)},
        {"most": QUICK_PAIRS},
    ),
    "user_knn": _Method(
        baselines.UserKNN.fit,
        {"neighbours": 200, "shrinkage": 10.0},
        {"neighbours": (25, 50, 100, 200, 400, 800, 1600), "shrinkage": (0.0, 3.0, 10.0, 30.0, 100.0)},
    ),
    "rp3beta": _Method(
        baselines.RP3Beta.fit,
        {"alpha": 1.0, "beta": 0.4, "neighbours": 200},
        {"beta": (0.0, 0.2, 0.4, 0.6, 0.8, 1.0), "alpha": (0.5, 0.75, 1.0, 1.3, 1.7)},
        {"most": QUICK_PAIRS},
    ),
    "als": _Method(
        baselines.ALS.fit,
        {"factors": 16, "regularisation": 1.0, "alpha": 1.0, "iterations": 15},
        {"factors": (4, 8, 16, 32, 64, 128), "regularisation": _POWERS, "alpha": (0.3, 1.0, 3.0, 10.0, 30.0)},
        {"iterations": QUICK_ITERATIONS},
        lambda x, settings: als.work(x, int(settings["factors"]), QUICK_ITERATIONS),
    ),
    "ease": _Method(
        baselines.EASE.fit,
        {"regularisation": 1000.0},
        {"regularisation": _POWERS},
        work=lambda x, _: float(min(x.shape)) ** 3 + float(min(x.shape)) * x.nnz,
    ),
    "slim": _Method(
        baselines.SLIM.fit,
        {"regularisation": 100.0, "neighbours": 60},
        {"regularisation": _POWERS},
        {"most": QUICK_PAIRS // 4},
    ),
}  # fmt: skip


def check_which(which: str) -> Which:
    """The same, or InvalidInput."""
    if which not in get_args(Which):
        raise InvalidInput(f"Baselines {which!r}; there are: {', '.join(get_args(Which))}.")
    return cast(Which, which)


def fitted_baselines(
    split: Split,
    items: pd.DataFrame,
    category_levels: tuple[str, ...],
    *,
    which: Which = "all",
    seed: int = 0,
    on_step: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[str, Scorer, Mapping[str, Any]]]:
    """Every baseline that the data allow, fitted to the training period, one after the other.

    Yields:
        Its name, the scorer, and what was chosen for it on the validation period: the half-life of "popular_lately",
        the category level of "popular_in_categories", the settings of the others; "note" says what was cut down to
        keep work and memory in bounds. A scorer may be forgotten before the next one is asked for.

    Args:
        on_step: called with each name before it is fitted.
    """
    period, pairs = split.training, ones(split.training)
    on_step("popular")
    yield "popular", baselines.Popular.fit(pairs), {}
    if which == "none":
        return
    on_step("popular_lately")
    scorer: Scorer
    lately = choose_popular_lately(split)
    if lately is not None:
        scorer = baselines.Popular.fit(faded(period, split.test_start, *lately))
        yield "popular_lately", scorer, {"half_life_days": lately[0], "since": lately[1]}
    level = choose_category_level(split, items, category_levels)
    if level is not None:
        on_step("popular_in_categories")
        yield (
            "popular_in_categories",
            baselines.PopularInCategories.fit(pairs, codes_of(items, level)),
            {"level": level},
        )
    days = age_in_days(period, split.test_start)
    recency = (1 - days / max(float(days.max(initial=0.0)), 1.0)).astype(np.float32)
    yield "own_frequency", baselines.OwnFrequency.fit(period.counts, recency), {}
    if which == "popular":
        return
    for name in methods_for(pairs):
        on_step(name)
        chosen, note = choose_settings(name, split)
        fitted = _METHODS[name].fit(pairs, **chosen)
        notes = "; ".join(x for x in (note, getattr(fitted, "note", "")) if x)
        yield name, fitted, chosen | ({"note": notes} if notes else {})


def fitted_with(
    name: str, period: Interactions, now: pd.Timestamp, items: pd.DataFrame, chosen: Mapping[str, Any]
) -> Scorer:
    """A baseline fitted to any period with settings that were chosen before, as `fitted_baselines` names them.

    Args:
        now: the end of the period; NaT without times.
    """
    pairs = ones(period)
    if name == "popular_lately":
        return baselines.Popular.fit(faded(period, now, chosen["half_life_days"], chosen["since"]))
    if name == "popular_in_categories":
        return baselines.PopularInCategories.fit(pairs, codes_of(items, chosen["level"]))
    if name in _METHODS:
        return _METHODS[name].fit(pairs, **{setting: x for setting, x in chosen.items() if setting != "note"})
    return baselines.Popular.fit(pairs)


def methods_for(interactions: sparse.csr_matrix) -> tuple[str, ...]:
    """Names of the methods with settings; SLIM takes the place of EASE where that does not fit into the memory."""
    return tuple(x for x in _METHODS if x != ("ease" if ease.left_out(interactions) else "slim"))


def choose_settings(name: str, split: Split) -> tuple[dict[str, float], str]:
    """The settings of a method with the best NDCG@10 on the validation period, after learning from the fit period.

    One setting after the other, its values are climbed from where it starts as long as that helps.

    Returns:
        The settings, and what was not tried because it takes too long, in words.
    """
    method, pairs = _METHODS[name], ones(split.fit)
    later = some_of(split.validation.counts, MOST_JUDGED)
    found: dict[tuple[float, ...], float] = {}
    chosen, dear = dict(method.start), set[str]()

    def worth(settings: dict[str, float]) -> float:
        key = tuple(settings.values())
        if key not in found:
            if method.work is not None and method.work(pairs, settings) > MOST_WORK:
                dear.add(", ".join(f"{x} {settings[x]:g}" for x in method.ladders))
                return -1.0
            scorer = method.fit(pairs, **{**settings, **method.quick})
            found[key] = ndcg_at_k(scorer, split.fit.counts, later) or 0.0
        return found[key]

    for setting, ladder in method.ladders.items():

        def worth_of(value: float, setting: str = setting) -> float:
            return worth(chosen | {setting: value})

        chosen[setting] = climbed(ladder, chosen[setting], worth_of)
    if dear:
        return chosen, f"not tried, as it takes too long on these data: {'; '.join(sorted(dear))}"
    return chosen, ""


def climbed(ladder: Sequence[float], start: float, worth: Callable[[float], float]) -> float:
    """The value that is better than its neighbours on the ladder, going up or down from `start` while that helps."""
    place = list(ladder).index(start)
    best = worth(start)
    for step in (1, -1):
        moved = False
        while 0 <= place + step < len(ladder) and (next_one := worth(ladder[place + step])) > best:
            place, best, moved = place + step, next_one, True
        if moved:
            break
    return ladder[place]


def choose_popular_lately(split: Split) -> tuple[float, str] | None:
    """Half-life in days and since which event ("first" or "last"), by validation NDCG@10; None without times."""
    if split.kind != "time":
        return None
    options = {
        (half_life, since): baselines.Popular.fit(faded(split.fit, split.validation_start, half_life, since))
        for half_life in HALF_LIVES
        for since in SINCE
    }
    return _best(options, split)


def choose_category_level(split: Split, items: pd.DataFrame, levels: tuple[str, ...]) -> str | None:
    """The category level in which popularity foretells most, by validation NDCG@10; None without categories."""
    pairs = ones(split.fit)
    return _best({x: baselines.PopularInCategories.fit(pairs, codes_of(items, x)) for x in levels}, split)


def codes_of(items: pd.DataFrame, level: str) -> NDArray[np.int64]:
    """(n_items,) a number for each name on a category level; every missing name counts as one more category."""
    codes, names = pd.factorize(items[level].astype(object), sort=True)
    return np.where(codes < 0, len(names), codes).astype(np.int64)


def _best(options: Mapping[Any, Scorer], split: Split) -> Any:
    """The name of the option with the best validation NDCG@10, the first among equals; None without options."""
    if not options:
        return None
    later = some_of(split.validation.counts, MOST_JUDGED)
    found = {name: ndcg_at_k(scorer, split.fit.counts, later) or 0.0 for name, scorer in options.items()}
    return max(found, key=found.__getitem__)
