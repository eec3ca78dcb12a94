"""What the Home page shows: what is live, how good it is, and from which data; and what to wait for before that."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from recsys.dataset.splitting import SplitDescription, timestamp
from recsys.errors import InsiderError
from recsys.evaluation.documents import Metrics
from recsys.services.jobs import ensure_demo, first_model_jobs
from recsys.services.workspace import Workspace
from recsys.storage.jobs import Job
from recsys.storage.model_names import ModelNames
from recsys.utils import formatting as fmt

HEADLINES = ("hit_rate", "precision", "coverage")
AGAINST_POPULAR = ("ndcg", "precision", "recall", "hit_rate", "map", "mrr")


@dataclass(frozen=True)
class Fact:
    """A figure with its name; plain text."""

    label: str
    value: str


@dataclass(frozen=True)
class Headline:
    """A metric of the live model; `against` is the same of bestsellers and of the strongest simple method."""

    title: str
    value: str
    against: str
    meaning: str


@dataclass(frozen=True)
class Ratio:
    """A metric as a multiple of what bestsellers reach, with both intervals on that scale."""

    title: str
    value: float
    low: float
    high: float
    popular_low: float
    popular_high: float
    detail: str


@dataclass(frozen=True)
class HomeView:
    """Everything the Home page says about the live model.

    Attributes:
        name: what the model is called.
        story: how good it is, in words for a meeting.
        beside: the same of bestsellers and of the strongest simple method, and whether the difference can be told.
        judged: on whom and on what.
        evidence: accuracy in figures, for those who ask.
    """

    model_id: str
    name: str
    made: str
    trained_on: str
    story: str
    beside: str
    judged: str
    evidence: str
    headlines: tuple[Headline, ...]
    ratios: tuple[Ratio, ...]
    facts: tuple[Fact, ...]
    origin: str


def overview(workspace: Workspace) -> HomeView:
    """What is live now; NoModel when nothing is."""
    manifest = workspace.load().manifest
    report = workspace.store.load_quality(manifest.id)
    # the report knows every simple method; a first model was judged beside bestsellers alone
    judged = manifest.metrics if report is None else report["evaluation"]
    methods = judged["lanes"]["discover"]
    strongest = _strongest(methods)
    measures = fmt.measures(judged["k"])
    facts, origin = dataset_facts(workspace, manifest.dataset)
    return HomeView(
        model_id=manifest.id,
        name=ModelNames(workspace.database).of(manifest.id),
        made=fmt.ago(manifest.created_at),
        trained_on=manifest.dataset,
        story=_story(methods["model"]),
        beside=_beside(judged, strongest),
        judged=(
            f"Judged on {fmt.number(judged['users'])} shoppers and what they bought for the first time "
            f"{held_out(manifest.split)}; each had a list of {judged['k']}."
        ),
        evidence=_evidence(methods, measures),
        headlines=tuple(_headline(name, measures[name], methods, strongest) for name in HEADLINES),
        ratios=ratios(methods["model"], methods["popular"], measures),
        facts=facts,
        origin=origin,
    )


def of_hundred(metric: Mapping[str, float | None]) -> str:
    """A share as people say it: 0.322 gives "32"; a dash where nothing was measured."""
    value = metric.get("value")
    return fmt.NOTHING if value is None else f"{100 * value:.0f}"


def _strongest(methods: Mapping[str, Any]) -> str | None:
    """The simple method with the highest NDCG; None where bestsellers are the only one."""
    others = {name: x["ndcg"]["value"] or 0.0 for name, x in methods.items() if name != "model"}
    return max(others, key=lambda name: others[name]) if len(others) > 1 else None


def _story(model: Mapping[str, Any]) -> str:
    if model["hit_rate"]["value"] is None:
        return "Nobody has bought anything new yet, so there is nothing to judge by"
    return f"{of_hundred(model['hit_rate'])} of 100 shoppers bought something that we would have shown them"


def _beside(judged: Mapping[str, Any], strongest: str | None) -> str:
    methods = judged["lanes"]["discover"]
    if methods["model"]["hit_rate"]["value"] is None:
        return "A verdict comes with the first purchases after the training."
    said = f"With bestsellers for everybody it would be {of_hundred(methods['popular']['hit_rate'])}"
    if strongest is None or strongest == "popular":
        return f"{said}. It is {_against(judged, 'popular')}."
    title = fmt.method_in_sentence(strongest)
    return (
        f"{said}, with {title}, the strongest simple method, {of_hundred(methods[strongest]['hit_rate'])}. "
        f"It is {_against(judged, 'popular')} and {_against(judged, strongest)}."
    )


def _against(judged: Mapping[str, Any], method: str) -> str:
    """ "43% more accurate than bestsellers", as the paired test has it."""
    title = fmt.method_in_sentence(method)
    verdict = judged["comparisons"]["discover"][method]["verdict"]
    ours, theirs = (judged["lanes"]["discover"][x]["ndcg"]["value"] for x in ("model", method))
    if verdict == "cannot tell" or not theirs:
        return f"as accurate as {title} as far as can be told"
    by = f"{abs(round(100 * (ours / theirs - 1)))}% "
    return f"{by}{'more' if verdict == 'better' else 'less'} accurate than {title}"


def _evidence(methods: Mapping[str, Any], measures: Mapping[str, fmt.Measure]) -> str:
    ours, theirs = (fmt.interval(methods[x]["ndcg"], is_share=False) for x in ("model", "popular"))
    return f"{measures['ndcg'].title} is {ours} against {theirs} with bestsellers; 95% intervals in brackets."


def _headline(name: str, measure: fmt.Measure, methods: Mapping[str, Any], strongest: str | None) -> Headline:
    def value(method: str) -> str:
        return fmt.measured(methods[method].get(name, {}).get("value"), is_share=measure.share)

    against = [f"bestsellers: {value('popular')}"]
    if strongest is not None and strongest != "popular":
        against.append(f"{fmt.method_in_sentence(strongest)}: {value(strongest)}")
    return Headline(measure.title, value("model"), " · ".join(against), measure.meaning)


def ratios(model: Metrics, popular: Metrics, measures: dict[str, fmt.Measure]) -> tuple[Ratio, ...]:
    """Metrics as multiples of those of bestsellers; those that cannot be divided are left out."""
    found = []
    for name in AGAINST_POPULAR:
        ours, theirs = model.get(name, {}), popular.get(name, {})
        base = theirs.get("value")
        ends = (ours.get("value"), ours.get("low"), ours.get("high"), theirs.get("low"), theirs.get("high"))
        known = [end / base for end in ends if base and end is not None]
        if len(known) < len(ends):
            continue
        value, low, high, popular_low, popular_high = known
        is_share = measures[name].share
        detail = f"{fmt.interval(ours, is_share=is_share)} against {fmt.interval(theirs, is_share=is_share)}"
        found.append(Ratio(measures[name].title, value, low, high, popular_low, popular_high, detail))
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
    tries = first_model_jobs(workspace)
    under_way = [run for run in tries if run.active]
    if under_way or tries:
        return (under_way or tries)[0]
    return ensure_demo(workspace)


def progress_words(run: Job) -> str:
    """One line on how far a run is: "pass 3 of at most 20 · about 40 s left"."""
    parts = []
    if run.epoch:
        parts.append(f"pass {run.epoch} of at most {run.epochs}")
    if run.started is not None and run.active:
        parts.append(f"{fmt.duration((datetime.now(UTC) - run.started).total_seconds())} so far")
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
