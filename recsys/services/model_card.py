"""A model card: one HTML file that holds everything about a version and needs nothing else to be read."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from recsys.dataset.splitting import held_out, split_again
from recsys.errors import InsiderError, InvalidInput
from recsys.evaluation.benchmark import benchmark_of
from recsys.evaluation.documents import Metrics
from recsys.evaluation.segments import Segment, segments
from recsys.models.manifest import Lineage, ModelManifest
from recsys.progress import OnProgress, Progress
from recsys.services.promotion_preview import Row, preview
from recsys.services.workspace import Workspace
from recsys.storage.baseline_cache import baselines_of
from recsys.storage.model_names import ModelNames
from recsys.utils import formatting as fmt
from recsys.utils import palette

STYLE = """
:root{color-scheme:light dark;--ink:#16211d;--soft:#5b6a64;--line:#d9e0dd;--paper:#fff;--brand:#0f6b50}
@media(prefers-color-scheme:dark){:root{--ink:#e7eeeb;--soft:#9fb0a9;--line:#33413c;--paper:#121816;--brand:#4fc3a0}}
body{font:16px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:2rem auto;
padding:0 1rem}h1{margin:0;font-size:1.7rem}h2{margin:2.2rem 0 .6rem;font-size:1.15rem;color:var(--brand)}
p.soft{color:var(--soft);margin:.2rem 0}table{border-collapse:collapse;width:100%;font-size:.93rem}
th,td{text-align:left;padding:.35rem .7rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}div.wide{overflow-x:auto}
svg{max-width:100%;height:auto}svg text{fill:var(--soft);font:12px system-ui,sans-serif}
"""


def report(workspace: Workspace, model_id: str = "live", *, on_progress: OnProgress = lambda _: None) -> str:
    """The model card of a version as HTML: data, recipe, metrics beside baselines, segments, learning curve, limits.

    Raises:
        NotFound, NoModel, Corrupted: from `workspace.load`.
    """
    on_progress(Progress("Reading the model", 0.05))
    model = workspace.load(model_id).trained
    manifest = model.manifest
    name = ModelNames(workspace.database).given(model.id)
    try:
        dataset = workspace.dataset_of(model.id)
        split = split_again(dataset, manifest.split)
        on_progress(Progress("Fitting and judging the simple methods", 0.15))
        found = benchmark_of(model, split, baselines=baselines_of(workspace.store, dataset, split))
        discover = found.lanes["discover"]
        judged: Mapping[str, Any] = found.document()
        problem = ""
        on_progress(Progress("Measuring the segments", 0.6))
        groups = segments(model, split, discover["model"], discover["popular"])
    except (InsiderError, InvalidInput) as error:
        judged, problem, groups = manifest.metrics, str(error), []
    on_progress(Progress("Comparing with the live model", 0.75))
    lineage = manifest.lineage or Lineage()
    facts = [
        ("Name", name),
        ("Model", model.id + (" (live)" if model.id == workspace.live_id() else "")),
        ("Trained", f"{manifest.created} in {fmt.duration(manifest.seconds)}, seed {model.seed}"),
        ("Training", lineage.training),
        ("Asked for by", lineage.source),
        ("Live at that time", lineage.parent),
        ("Libraries", manifest.code_version),
        ("Fingerprint of the data", manifest.fingerprint),
        ("Checksum of the model", workspace.store.model_manifest(model.id).checksum),
    ]
    body = [
        f"<h1>{escape(name or f'Model {model.id}')}</h1>",
        f"<p class=soft>Model card, written {datetime.now(UTC):%d %b %Y, %H:%M} UTC</p>",
        "<h2>What it is</h2>",
        "<p>Ranks products for each shopper by what shoppers bought: a LightFM model, the sum of vectors of a "
        "shopper's and a product's features. It is meant for recommendations in a shop, and for nothing that decides "
        "about people.</p>",
        _facts(facts),
        "<h2>Data</h2>",
        _facts(_data(workspace, manifest)),
        "<h2>Recipe</h2>",
        _facts((fmt.label(name), _text(value)) for name, value in model.recipe.to_dict().items()),
        f"<p class=soft>Stopped at {manifest.epochs} epochs, the best on the validation set.</p>",
        _curve(manifest.curve),
        "<h2>How good it is</h2>",
        f"<p>{escape(_judged_on(manifest, judged))}</p>",
        *([f"<p>{escape(problem)} The figures are those of its training.</p>"] if problem else []),
        *(_lane(lane, methods, judged["k"]) for lane, methods in judged["lanes"].items()),
        *_segments(groups),
        *_against_live(workspace, model.id),
        "<h2>Limits</h2>",
        "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in _limits(model, manifest)) + "</ul>",
    ]
    return (
        f"<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>Model {escape(model.id)}</title><style>{STYLE}</style></head><body>{''.join(body)}</body></html>"
    )


def _data(workspace: Workspace, manifest: ModelManifest) -> list[tuple[str, Any]]:
    split = manifest.split
    known: list[tuple[str, Any]] = [("Dataset", manifest.dataset)]
    try:
        stored = workspace.store.dataset_manifest(manifest.dataset)
    except InsiderError as error:
        known.append(("Note", str(error)))
    else:
        summary, notes = stored["summary"], stored["notes"]
        known += [
            ("Source", notes.get("source")),
            ("About", notes.get("about")),
            ("Shoppers", fmt.number(summary["users"])),
            ("Products", fmt.number(summary["items"])),
            ("Events", fmt.number(summary["events"])),
        ]
    known += [
        ("Held out", held_out(split)),
        ("Validation from", split.validation_start),
        ("Test from", split.test_start),
        ("Pairs", f"{split.training_pairs:,} to learn from, {split.test_pairs:,} to judge by"),
    ]
    return known


def _judged_on(manifest: ModelManifest, judged: Any) -> str:
    return (
        f"Judged on {fmt.number(judged['users'])} shoppers, on {held_out(manifest.split)}; "
        f"lists of {judged['k']}. "
        "95% bootstrap intervals in brackets. Baselines learned from the same purchases."
    )


def _lane(lane: str, methods: Mapping[str, Metrics], k: int) -> str:
    title = {"discover": "Products not bought before", "again": "Products bought before"}.get(lane, lane)
    names = list(methods)
    rows = [
        [measure.title, *(fmt.interval(methods[m].get(name, {}), is_share=measure.share) for m in names)]
        for name, measure in fmt.measures(k).items()
        if any(name in methods[m] for m in names)
    ]
    return f"<h3>{escape(title)}</h3>" + _table(["", *(fmt.label(m) for m in names)], rows)


def _segments(found: Sequence[Segment]) -> list[str]:
    if not found:
        return []
    lines = [
        [
            f"{fmt.label(x.kind)}: {x.name}", measures[x.measure].title, fmt.number(x.users),
            fmt.interval({"value": x.value, "low": x.low, "high": x.high}, is_share=measures[x.measure].share),
            fmt.measured(x.popular, is_share=measures[x.measure].share), x.verdict,
        ]
        for measures in [fmt.measures()] for x in found
    ]  # fmt: skip
    headings = ["Segment", "Measure", "Shoppers", "Model", "Popular", "Against popular"]
    return ["<h2>Segments</h2>", "<p class=soft>Products not bought before; verdicts of the paired test.</p>",
            _table(headings, lines)]  # fmt: skip


def _against_live(workspace: Workspace, model_id: str) -> list[str]:
    live, before = workspace.store.live()
    other = next((x for x in before if x in workspace.store.models()), None) if model_id == live else live
    if other is None:
        return []
    try:
        found = preview(workspace, model_id, live_id=other)
    except InsiderError as error:
        return [f"<h2>Against {escape(other)}</h2><p>{escape(str(error))}</p>"]
    parts = [f"<h2>Against {escape(other)}{' (live)' if other == live else ', which was live before'}</h2>"]
    if found.note:
        parts.append(f"<p>{escape(found.note)}</p>")
    if found.measures:
        parts.append(_rows(found.measures, "Metric"))
        if found.segments:
            parts += ["<h3>NDCG@10 by segment</h3>", _rows(found.segments, "Segment")]
        parts.append(f"<p class=soft>{fmt.share(found.kept or 0, 0)} of a shopper's list is the same in both.</p>")
    return parts


def _rows(rows: Sequence[Row], title: str) -> str:
    lines = []
    for row in rows:
        said = row.texts()
        name = row.name if title == "Metric" else f"{row.group}: {row.name}"
        change = f"{said['difference']} ({said['interval']})"
        lines.append([name, fmt.number(row.users), said["live"], said["candidate"], change, row.verdict])
    return _table([title, "Shoppers", "Other", "This", "Difference", ""], lines)


def _limits(model: Any, manifest: ModelManifest) -> list[str]:
    counts = model.history.counts
    silent = int((counts.indptr[1:] == counts.indptr[:-1]).sum())
    limits = [
        "Purchases show what people bought from what they saw: what was never shown looks unloved.",
        f"{silent:,} of {counts.shape[0]:,} shoppers had bought nothing in the period it learned from; their lists "
        "come from their attributes, or are what everybody gets.",
        f"It shows {fmt.share(_coverage(manifest))} of all products in somebody's first ten.",
        "A training with another seed gives somewhat other lists: see the noise floor on the Runs page.",
        f"Figures are about {held_out(manifest.split)}; they say nothing about sales caused by showing products.",
    ]
    if model.user_attributes:
        known = ", ".join(fmt.label(name).lower() for name in model.user_attributes)
        limits.append(f"It may use what is known of shoppers ({known}); see the segments for whom it serves less well.")
    return limits


def _coverage(manifest: ModelManifest) -> float:
    found: float | None = manifest.measured().get("coverage", {}).get("value")
    return found or 0.0


def _curve(points: Sequence[Mapping[str, float]]) -> str:
    """The learning curve as a drawing without scripts."""
    if len(points) < 2:
        return ""
    values, wide, high = [point["ndcg"] for point in points], 560, 150
    low, top = min(values), max(values)
    spread = (top - low) or 1.0
    xy = [
        (40 + number * (wide - 60) / (len(values) - 1), 15 + (high - 45) * (top - value) / spread)
        for number, value in enumerate(values)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in xy)
    best = max(range(len(values)), key=values.__getitem__)
    return (
        f"<svg viewBox='0 0 {wide} {high}' role=img aria-label='NDCG@10 on the validation set by epoch'>"
        f"<polyline points='{line}' fill=none stroke='{palette.OURS}' stroke-width=2.5 />"
        f"<circle cx={xy[best][0]:.1f} cy={xy[best][1]:.1f} r=6 fill=none stroke='{palette.OURS}' />"
        f"<text x=40 y={high - 5}>epoch {points[0]['epoch']:g}</text>"
        f"<text x={wide - 70} y={high - 5}>epoch {points[-1]['epoch']:g}</text>"
        f"<text x={min(xy[best][0] + 10, wide - 150):.0f} y={xy[best][1] + 16:.0f}>best {top:.4f}</text></svg>"
        "<p class=soft>NDCG@10 on the validation set after each epoch.</p>"
    )


def _facts(pairs: Iterable[tuple[str, Any]]) -> str:
    return _table(None, [[name, str(value)] for name, value in pairs if value not in (None, "")])


def _table(headings: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> str:
    head = "" if headings is None else "<tr>" + "".join(f"<th>{escape(text)}</th>" for text in headings) + "</tr>"
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<div class=wide><table>{head}{lines}</table></div>"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return fmt.decimal(value) if isinstance(value, float) else f"{value}"
