"""A model card: one HTML file that holds everything about a version and needs nothing else to be read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from recsys.dataset.splitting import held_out, split_again
from recsys.errors import InsiderError, InvalidInput
from recsys.evaluation.benchmark import benchmark_of
from recsys.evaluation.documents import Metrics
from recsys.evaluation.segments import Segment, segments
from recsys.models.manifest import Lineage, ModelManifest
from recsys.models.model import Model
from recsys.progress import OnProgress, Progress, part_of
from recsys.services.model_card.story import Story, story
from recsys.services.promotion_figures import Row
from recsys.services.promotion_preview import preview
from recsys.services.workspace import Workspace
from recsys.storage.baseline_cache import baselines_of
from recsys.storage.model_names import ModelNames
from recsys.utils import formatting as fmt
from recsys.utils import palette

TEMPLATE = "card.html.j2"
WIDE, HIGH = 560, 150
"""Size of the learning curve, in pixels."""

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """A table with its heading; "" for none."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Curve:
    """The learning curve as a drawing without scripts; places in pixels, as text."""

    line: str
    best_x: str
    best_y: str
    label_x: str
    label_y: str
    first: str
    last: str
    best: str
    wide: int = WIDE
    high: int = HIGH
    colour: str = palette.OURS


@dataclass(frozen=True)
class Against:
    """The version beside another one: its heading, and tables or a note that says why there are none."""

    title: str
    note: str = ""
    tables: tuple[Table, ...] = ()
    kept: str = ""


@dataclass(frozen=True)
class Card:
    """Everything that stands on the card, as text."""

    model_id: str
    name: str
    written: str
    facts: Pairs
    data: Pairs
    recipe: Pairs
    stopped: str
    curve: Curve | None
    judged_on: str
    problem: str
    lanes: tuple[Table, ...]
    segments: Table | None
    story: Story
    against: Against | None
    limits: tuple[str, ...]


def report(workspace: Workspace, model_id: str = "live", *, on_progress: OnProgress = lambda _: None) -> str:
    """The model card of a version as HTML: data, recipe, metrics beside baselines, segments, learning curve, limits.

    Raises:
        NotFound, NoModel, Corrupted: from `workspace.load`.
    """
    return html_of(card_of(workspace, model_id, on_progress=on_progress))


def html_of(card: Card) -> str:
    """The card as HTML; whatever comes from people's data is escaped."""
    return _environment().get_template(TEMPLATE).render(card=card)


def card_of(workspace: Workspace, model_id: str = "live", *, on_progress: OnProgress = lambda _: None) -> Card:
    """What stands on the model card of a version; raises as `report`."""
    on_progress(Progress("Reading the model", 0.05))
    model = workspace.load(model_id).trained
    manifest = model.manifest
    judged, groups, problem = _judged(workspace, model, on_progress)
    against = _against_live(workspace, model.id, part_of(on_progress, 0.65, 0.8))
    told = story(workspace, model.id, on_progress=part_of(on_progress, 0.8, 1.0))
    name = ModelNames(workspace.database).given(model.id)
    return Card(
        model_id=model.id,
        name=name,
        written=f"{datetime.now(UTC):%d %b %Y, %H:%M} UTC",
        facts=_known(_facts(workspace, manifest, name)),
        data=_known(_data(workspace, manifest)),
        recipe=_known((fmt.label(name), _text(value)) for name, value in model.recipe.to_dict().items()),
        stopped=manifest.plan.stopped or f"{fmt.plural(manifest.epochs, 'pass')} kept.",
        curve=_curve(manifest.curve),
        judged_on=_judged_on(manifest, judged),
        problem=problem,
        lanes=tuple(_lane(lane, methods, judged["k"]) for lane, methods in judged["lanes"].items()),
        segments=_segments(groups),
        story=told,
        against=against,
        limits=tuple(_limits(model, manifest)),
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


def _judged(
    workspace: Workspace, model: Model, on_progress: OnProgress
) -> tuple[Mapping[str, Any], Sequence[Segment], str]:
    """The benchmark of a version and its segments, or else that of its training and why there is no newer one."""
    try:
        dataset = workspace.dataset_of(model.id)
        split = split_again(dataset, model.manifest.split)
        on_progress(Progress("Fitting and judging the simple methods", 0.15))
        found = benchmark_of(model, split, baselines=baselines_of(workspace.store, dataset, split))
        discover = found.lanes["discover"]
        on_progress(Progress("Measuring the segments", 0.6))
        return found.document(), segments(model, split, discover["model"], discover["popular"]), ""
    except (InsiderError, InvalidInput) as error:
        return model.manifest.metrics, (), str(error)


def _facts(workspace: Workspace, manifest: ModelManifest, name: str) -> list[tuple[str, Any]]:
    lineage = manifest.lineage or Lineage()
    return [
        ("Name", name),
        ("Model", manifest.id + (" (live)" if manifest.id == workspace.live_id() else "")),
        ("Trained", f"{manifest.created} in {fmt.duration(manifest.seconds)}, seed {manifest.seed}"),
        ("Training", lineage.training),
        ("Asked for by", lineage.source),
        ("Live at that time", lineage.parent),
        ("Libraries", manifest.code_version),
        ("Fingerprint of the data", manifest.fingerprint),
        ("Checksum of the model", workspace.store.model_manifest(manifest.id).checksum),
    ]


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


def _lane(lane: str, methods: Mapping[str, Metrics], k: int) -> Table:
    title = {"discover": "Products not bought before", "again": "Products bought before"}.get(lane, lane)
    names = list(methods)
    rows = tuple(
        (measure.title, *(fmt.interval(methods[m].get(name, {}), is_share=measure.share) for m in names))
        for name, measure in fmt.measures(k).items()
        if any(name in methods[m] for m in names)
    )
    return Table(title, ("", *(fmt.label(m) for m in names)), rows)


def _segments(found: Sequence[Segment]) -> Table | None:
    if not found:
        return None
    measures = fmt.measures()
    rows = tuple(
        (
            f"{fmt.label(x.kind)}: {x.name}", measures[x.measure].title, fmt.number(x.users),
            fmt.interval({"value": x.value, "low": x.low, "high": x.high}, is_share=measures[x.measure].share),
            fmt.measured(x.popular, is_share=measures[x.measure].share), x.verdict,
        )
        for x in found
    )  # fmt: skip
    return Table("", ("Segment", "Measure", "Shoppers", "Model", "Popular", "Against popular"), rows)


def _against_live(workspace: Workspace, model_id: str, on_progress: OnProgress) -> Against | None:
    """Beside the live version; for that one, beside the one that was live before it."""
    live, before = workspace.store.live()
    other = next((x for x in before if x in workspace.store.models()), None) if model_id == live else live
    if other is None:
        return None
    title = (
        f"Against {ModelNames(workspace.database).of(other)}{' (live)' if other == live else ', which was live before'}"
    )
    try:
        found = preview(workspace, model_id, live_id=other, on_progress=on_progress)
    except InsiderError as error:
        return Against(title, str(error))
    if not found.measures:
        return Against(title, found.note)
    tables = [_rows("", found.measures, "Metric")]
    if found.segments:
        tables.append(_rows("NDCG@10 by segment", found.segments, "Segment"))
    kept = f"{fmt.share(found.kept or 0, 0)} of a shopper's list is the same in both."
    return Against(title, found.note, tuple(tables), kept)


def _rows(title: str, rows: Sequence[Row], of: str) -> Table:
    lines = []
    for row in rows:
        said = row.texts()
        name = row.name if of == "Metric" else f"{row.group}: {row.name}"
        change = f"{said['difference']} ({said['interval']})"
        lines.append((name, fmt.number(row.users), said["live"], said["candidate"], change, row.verdict))
    return Table(title, (of, "Shoppers", "Other", "This", "Difference", ""), tuple(lines))


def _limits(model: Model, manifest: ModelManifest) -> list[str]:
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


def _curve(points: Sequence[Mapping[str, float]]) -> Curve | None:
    if len(points) < 2:
        return None
    values = [point["ndcg"] for point in points]
    low, top = min(values), max(values)
    spread = (top - low) or 1.0
    xy = [
        (40 + number * (WIDE - 60) / (len(values) - 1), 15 + (HIGH - 45) * (top - value) / spread)
        for number, value in enumerate(values)
    ]
    x, y = xy[max(range(len(values)), key=values.__getitem__)]
    return Curve(
        line=" ".join(f"{x:.1f},{y:.1f}" for x, y in xy),
        best_x=f"{x:.1f}",
        best_y=f"{y:.1f}",
        label_x=f"{min(x + 10, WIDE - 150):.0f}",
        label_y=f"{y + 16:.0f}",
        first=f"{points[0]['epoch']:g}",
        last=f"{points[-1]['epoch']:g}",
        best=f"{top:.4f}",
    )


def _known(pairs: Iterable[tuple[str, Any]]) -> Pairs:
    """What has a value, as text."""
    return tuple((name, str(value)) for name, value in pairs if value not in (None, ""))


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return fmt.decimal(value) if isinstance(value, float) else f"{value}"
