"""What the Quality page shows: a stored report in words, rows and points, ready to draw."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from recsys.dataset.splitting import SplitDescription, held_out
from recsys.utils import formatting as fmt

if TYPE_CHECKING:
    from recsys.evaluation.documents import BenchmarkDocument, ColdUsers, Metrics, SegmentDocument
    from recsys.services.workspace import Workspace
    from recsys.storage.jobs import Job

LANE_TITLES = {"discover": "Discover", "again": "Buy again"}
NOTHING_FOUND = {
    "discover": "Nobody bought anything new in what was held out.",
    "again": "Nobody bought anything again in what was held out.",
}
VERDICTS = {"better": "better", "worse": "worse", "cannot tell": "cannot be told apart"}
TABLE = ("ndcg", "precision", "recall", "hit_rate", "map", "mrr", "auc", "coverage", "diversity", "novelty", "gini")
KINDS = {"activity": "How much they bought before", "popularity": "How popular the product is",
         "category": "Category of the product"}  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """A value with its 95% interval, as a chart shows it."""

    name: str
    value: float
    low: float
    high: float
    ours: bool
    detail: str


@dataclass(frozen=True)
class SegmentRow:
    """One segment beside bestsellers."""

    title: str
    users: int
    value: float
    low: float
    high: float
    popular: float
    verdict: str
    examples: tuple[str, ...]


@dataclass(frozen=True)
class QualityView:
    """Everything the page says about one model; `verdict`, `evidence`, `lanes`, `bars` and `table` by lane."""

    model_id: str
    verdict: dict[str, str]
    evidence: dict[str, str]
    noise: str
    lanes: dict[str, str]
    bars: dict[str, tuple[Bar, ...]]
    table: dict[str, pd.DataFrame]
    meanings: dict[str, str]
    segments: dict[str, tuple[SegmentRow, ...]]
    segment_measure: dict[str, str]
    health: tuple[tuple[str, str, str], ...]
    frontier: tuple[Mapping[str, float], ...]
    popularity: float
    cold_items: tuple[Bar, ...]
    cold_items_note: str
    cold_users: tuple[tuple[str, float, float, float], ...]
    cold_users_reference: tuple[tuple[str, float], ...]


def view(workspace: "Workspace", model_id: str = "live") -> QualityView | None:
    """The stored report of a version in the form of the page; None while there is no report."""
    model = workspace.load(model_id).model
    report = workspace.store.load_quality(model.id)
    if report is None:
        return None
    evaluation = report["evaluation"]
    lanes = {lane: title for lane, title in LANE_TITLES.items() if lane in evaluation["lanes"]}
    split = SplitDescription.model_validate(report["split"])
    verdicts = {lane: _verdict(evaluation, split, lane) for lane in lanes}
    floor = report["noise"]
    cold = report["cold_start"]
    return QualityView(
        model_id=model.id,
        verdict={lane: verdict for lane, (verdict, _) in verdicts.items()},
        evidence={lane: evidence for lane, (_, evidence) in verdicts.items()},
        noise=(
            f"Noise: {floor['seeds']} trainings of the same recipe that differ only in their seed lie up to "
            f"{floor['spread']:.4f} NDCG@10 apart and share {floor['overlap']:.0%} of their lists. A smaller "
            "difference between two models is no difference."
        ),
        lanes=lanes,
        bars={lane: bars_of(evaluation, lane) for lane in lanes},
        table={lane: _table(evaluation, lane) for lane in lanes},
        meanings={x.title: x.meaning for x in fmt.measures(evaluation["k"]).values()},
        segments=_segments(report["segments"]),
        segment_measure={_kind(x["kind"]): x["measure"] for x in report["segments"]},
        health=tuple((x["state"], x["name"], x["sentence"]) for x in report["health"]["checks"]),
        frontier=model.manifest.frontier,
        popularity=model.recipe.popularity,
        cold_items=_method_bars(cold["items"]["methods"]),
        cold_items_note=(
            f"{fmt.number(cold['items']['held_out'])} products were kept out of a training; judged on the "
            f"{fmt.number(cold['items']['users'])} shoppers who then bought one of them."
        ),
        cold_users=tuple(_point(x) for x in cold["users"]),
        cold_users_reference=tuple(
            (fmt.method(name), float(cold["users"][0]["methods"][name]["value"] or 0))
            for name in ("popular", "trained")
        ),
    )


def report_run(workspace: "Workspace", model_id: str) -> "Job | None":
    """The newest job that assesses this version, or None."""
    return next(iter(workspace.job_store.newest(1, kinds=("quality",), model=model_id)), None)


def _verdict(evaluation: "BenchmarkDocument", split: SplitDescription, lane: str) -> tuple[str, str]:
    methods = evaluation["lanes"][lane]
    others = {name: m["ndcg"]["value"] for name, m in methods.items() if name != "model"}
    if methods["model"]["ndcg"]["value"] is None or not others:
        return "Nothing to judge by", NOTHING_FOUND[lane]
    strongest = max(others, key=lambda name: others[name] or 0.0)
    found = evaluation["comparisons"][lane][strongest]
    title = fmt.method_in_sentence(strongest)
    head = {
        "better": f"Better than every simple method: ahead of {title}, the strongest of them",
        "worse": f"Behind {title}, the strongest simple method",
        "cannot tell": f"As good as {title}, the strongest simple method: no difference that could be told",
    }[found["verdict"]]
    return head, (
        f"NDCG@{evaluation['k']} {fmt.interval(methods['model']['ndcg'], is_share=False)} against "
        f"{fmt.interval(methods[strongest]['ndcg'], is_share=False)}; difference shopper by shopper "
        f"{found['difference']:+.4f} (95% interval {found['low']:+.4f} to {found['high']:+.4f}, p = "
        f"{found['p_value']:.3f}) over {fmt.number(found['users'])} shoppers, on products they had "
        f"{'bought before' if lane == 'again' else 'not bought before'}, {_where(split)}."
    )


def _where(split: SplitDescription) -> str:
    at_random = split.kind == "leave-k-out"
    return f"among {held_out(split)}" if at_random else "in a period that neither had seen"


def bars_of(evaluation: "BenchmarkDocument | Mapping[str, Any]", lane: str) -> tuple[Bar, ...]:
    """The methods of a lane, best first; `evaluation` is a `Benchmark.document`."""
    compared = evaluation["comparisons"][lane]
    details = {
        name: f"this model is {VERDICTS[x['verdict']]} ({x['difference']:+.4f}, p = {x['p_value']:.3f})"
        for name, x in compared.items()
    }
    return _method_bars({name: m["ndcg"] for name, m in evaluation["lanes"][lane].items()}, details)


def _method_bars(metrics: "Metrics", details: dict[str, str] | None = None) -> tuple[Bar, ...]:
    found = [
        Bar(fmt.method(name), value, float(m["low"] or 0), float(m["high"] or 0), name == "model",
            (details or {}).get(name, ""))
        for name, m in metrics.items()
        if (value := m["value"]) is not None
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda bar: -bar.value))


def _table(evaluation: "BenchmarkDocument", lane: str) -> pd.DataFrame:
    measures = fmt.measures(evaluation["k"])
    rows = []
    for name, found in evaluation["lanes"][lane].items():
        row: dict[str, str] = {"Method": fmt.method(name)}
        for metric in TABLE:
            if metric in found:
                row[measures[metric].title] = fmt.measured(
                    found[metric]["value"], is_share=measures[metric].share
                )  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows)


def _segments(found: "list[SegmentDocument]") -> dict[str, tuple[SegmentRow, ...]]:
    kinds: dict[str, list[SegmentRow]] = {}
    for x in found:
        kinds.setdefault(_kind(x["kind"]), []).append(
            SegmentRow(x["name"], x["users"], x["value"], x["low"], x["high"], x["popular"], VERDICTS[x["verdict"]],
                       tuple(x["examples"]))
        )  # fmt: skip
    return {kind: tuple(rows) for kind, rows in kinds.items()}


def _kind(kind: str) -> str:
    return KINDS.get(kind, fmt.label(kind))


def _point(x: "ColdUsers") -> tuple[str, float, float, float]:
    value, low, high = (float(x["methods"]["model"][end] or 0) for end in ("value", "low", "high"))
    return _known(x["known"]), value, low, high


def _known(known: int | None) -> str:
    if known is None:
        return "whole history"
    return {0: "attributes only", 1: "1 product"}.get(known, f"{known} products")
