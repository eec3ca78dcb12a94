"""What the Home page shows: what is live, how good it is, and from which data; and what to wait for before that."""

from dataclasses import dataclass
from typing import Any

from recsys.dataset.splitting import SplitDescription, timestamp
from recsys.errors import InsiderError
from recsys.services.jobs import ensure_demo
from recsys.services.workspace import Workspace
from recsys.storage.jobs import Job
from recsys.utils import formatting as fmt

HEADLINES = ("ndcg", "hit_rate", "precision", "coverage")
AGAINST_POPULAR = ("ndcg", "precision", "recall", "hit_rate", "map", "mrr")


@dataclass(frozen=True)
class Fact:
    """A figure with its name; plain text."""

    label: str
    value: str


@dataclass(frozen=True)
class Headline:
    """A metric of the live model beside "most popular"."""

    title: str
    value: str
    against: str
    meaning: str


@dataclass(frozen=True)
class Ratio:
    """A metric as a multiple of what "most popular" reaches, with both intervals on that scale."""

    title: str
    value: float
    low: float
    high: float
    popular_low: float
    popular_high: float
    detail: str


@dataclass(frozen=True)
class HomeView:
    """Everything the Home page says about the live model."""

    model_id: str
    made: str
    trained_on: str
    verdict: str
    evidence: str
    headlines: tuple[Headline, ...]
    ratios: tuple[Ratio, ...]
    facts: tuple[Fact, ...]
    origin: str


def overview(workspace: Workspace) -> HomeView:
    """What is live now; NoModel when nothing is."""
    manifest = workspace.load().manifest
    judged = manifest.metrics
    model, popular = (judged["lanes"]["discover"][name] for name in ("model", "popular"))
    measures = fmt.measures(judged["k"])
    facts, origin = dataset_facts(workspace, manifest.dataset)
    ndcg = {name: fmt.interval(side["ndcg"], is_share=False) for name, side in (("m", model), ("p", popular))}
    return HomeView(
        model_id=manifest.id,
        made=fmt.ago(manifest.created_at),
        trained_on=manifest.dataset,
        verdict=f"{_capital(fmt.change(model['ndcg']['value'], popular['ndcg']['value']))} than most popular",
        evidence=(
            f"{measures['ndcg'].title} is {ndcg['m']} against {ndcg['p']} when everybody is shown the most popular "
            f"products; 95% intervals in brackets. Judged on {fmt.number(judged['users'])} shoppers and what they "
            f"bought for the first time {held_out(manifest.split)}."
        ),
        headlines=tuple(
            Headline(
                measures[name].title,
                fmt.measured(model[name]["value"], is_share=measures[name].share),
                fmt.measured(popular[name]["value"], is_share=measures[name].share),
                measures[name].meaning,
            )
            for name in HEADLINES
        ),
        ratios=ratios(model, popular, measures),
        facts=facts,
        origin=origin,
    )


def ratios(model: dict[str, Any], popular: dict[str, Any], measures: dict[str, fmt.Measure]) -> tuple[Ratio, ...]:
    """Metrics as multiples of "most popular"; those that cannot be divided are left out."""
    found = []
    for name in AGAINST_POPULAR:
        ours, theirs = model.get(name, {}), popular.get(name, {})
        base = theirs.get("value")
        if not base or ours.get("low") is None or theirs.get("low") is None:
            continue
        is_share = measures[name].share
        detail = f"{fmt.interval(ours, is_share=is_share)} against {fmt.interval(theirs, is_share=is_share)}"
        found.append(
            Ratio(
                title=measures[name].title,
                value=ours["value"] / base,
                low=ours["low"] / base,
                high=ours["high"] / base,
                popular_low=theirs["low"] / base,
                popular_high=theirs["high"] / base,
                detail=detail,
            )
        )
    return tuple(found)


def dataset_facts(workspace: Workspace, name: str) -> tuple[tuple[Fact, ...], str]:
    """Counts and period of a stored dataset, and where it comes from; words alone when it cannot be read."""
    try:
        manifest = workspace.store.dataset_manifest(name)
    except InsiderError as error:
        return (), str(error)
    summary = manifest["summary"]
    facts = [
        Fact("Shoppers", fmt.number(summary["users"])),
        Fact("Products", fmt.number(summary["items"])),
        Fact("Purchases", fmt.number(summary["events"])),
        Fact("Period", fmt.period(summary["period"])),
        Fact("Bought again", f"{fmt.share(summary['repeat_rate'], 0)} of what a shopper buys"),
    ]
    names = [f"{fmt.number(n)} by {fmt.label(level).lower()}" for level, n in summary["categories"].items()]
    if names:
        facts.insert(2, Fact("Categories", ", ".join(names)))
    notes = manifest["notes"]
    origin = " ".join(str(notes[key]).rstrip(".") + "." for key in ("about", "source") if notes.get(key))
    return tuple(facts), origin


def first_model_run(workspace: Workspace) -> Job | None:
    """The run that is to bring the first model: one under way, or the last try, or the demo started right now.

    A try that failed is not repeated by itself. None when a model went live in the meantime.
    """
    if workspace.live_id() is not None:
        return None
    tries = [run for run in workspace.job_store.newest() if run.kind == "demo" or (run.kind == "train" and run.promote)]
    under_way = [run for run in tries if run.active]
    if under_way or tries:
        return (under_way or tries)[0]
    return ensure_demo(workspace)


def progress_words(run: Job) -> str:
    """One line on how far a run is: "epoch 3 of at most 20 · about 40 s left"."""
    parts = []
    if run.epoch:
        parts.append(f"epoch {run.epoch} of at most {run.epochs}")
    if run.seconds_left is not None and run.active:
        parts.append(f"about {fmt.duration(run.seconds_left)} left")
    return " · ".join(parts)


def held_out(split: SplitDescription) -> str:
    """What a model was judged on, to end a sentence about what shoppers bought with."""
    if split.kind == "leave-k-out":
        return (
            f"among the up to {fmt.number(split.k or 0)} products of each shopper that were set aside at random, "
            "because the data have no times"
        )
    seconds = (timestamp(split.end) - timestamp(split.test_start)).total_seconds()
    return f"in the {fmt.number(seconds / 86400)} days the model has not seen"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
