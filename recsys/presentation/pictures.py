"""What each slide shows, as plain values and one figure: read from the home at the moment it is asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import plotly.graph_objects as go

from recsys import columns as c
from recsys.charts import base
from recsys.dataset.categories import middle_level
from recsys.errors import InsiderError, NoModel
from recsys.item_map import colours
from recsys.item_map.points import open_map
from recsys.item_map.scene import scene
from recsys.item_map.shopper import shopper_on_map
from recsys.item_map.view import Found
from recsys.presentation.slides import KINDS, Kind, Presentation, Slide
from recsys.services.search.user_history import user_history
from recsys.services.workspace import Workspace
from recsys.storage.model_names import ModelNames
from recsys.utils import formatting as fmt
from recsys.utils import palette
from recsys.views.home.overview import overview

SHOWN = 6
"""Products in each list of a shopper's slide: what can be read from the back of a room."""

TYPICAL = 20
"""Products that the suggested shopper has had, as near as there is one: enough to see what they like."""

COMPARED = ("ndcg", "hit_rate", "precision", "recall", "coverage")


@dataclass(frozen=True)
class Panel:
    """A titled list; each line is a text and a small text beside it."""

    title: str
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Picture:
    """One slide, ready to be drawn.

    Attributes:
        facts: name and value of a few figures, shown large.
        replay: whether the first curve of the figure appears point by point.
        problem: why it cannot show what it should, else "".
    """

    title: str
    text: str = ""
    notes: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    panels: tuple[Panel, ...] = ()
    figure: go.Figure | None = None
    caption: str = ""
    replay: bool = False
    problem: str = ""


def picture_of(workspace: Workspace, slide: Slide, theme: str = "light") -> Picture:
    """What a slide shows now. What stands in its way (a model that was deleted, say) is told in `problem`."""
    try:
        found = _MAKERS[slide.kind](workspace, slide, theme)
    except InsiderError as error:
        found = Picture(KINDS[slide.kind], problem=str(error))
    return replace(found, title=slide.title or found.title, text=slide.text, notes=slide.notes)


def suggested(workspace: Workspace) -> Presentation:
    """A presentation to begin with: the result, a shopper, the map and the last training, as far as there are any.

    Raises:
        NoModel: nothing is live yet.
    """
    live = workspace.load()
    name = live.manifest.dataset
    slides = [
        Slide(kind="words", title="What our recommendations have learned", text=f"From the data “{name}”."),
        Slide(kind="result", notes="Bestsellers: everybody is shown the same ten products; it is the least to beat."),
    ]
    known = live.model.rows_of_users
    if known:
        counts = live.model.history.counts
        typical = sorted(
            known, key=lambda user: abs(int(counts.indptr[known[user] + 1] - counts.indptr[known[user]]) - TYPICAL)
        )
        slides.append(Slide(kind="shopper", shopper=typical[0], notes="Left: what they bought. Right: what is new."))
    if workspace.store.has_map(live.model.id):
        slides.append(Slide(kind="map", notes="Products that the same people buy lie close together."))
    done = [t for t in workspace.training_runs.all(name) if t.state == "done" and len(t.curve) > 1]
    if done:
        slides.append(Slide(kind="training", training=done[0].id))
    return Presentation(slides=tuple(slides))


def _words(workspace: Workspace, slide: Slide, theme: str) -> Picture:
    return Picture(slide.title)


def _result(workspace: Workspace, slide: Slide, theme: str) -> Picture:
    found = overview(workspace)
    return Picture(
        title=found.story,
        facts=tuple((headline.title, headline.value) for headline in found.headlines),
        figure=base.against_popular(found.ratios) if found.ratios else None,
        caption=f"{found.beside} {found.judged}",
    )


def _shopper(workspace: Workspace, slide: Slide, theme: str) -> Picture:
    live = workspace.load()
    history = user_history(workspace, slide.shopper, limit=SHOWN)
    level = middle_level(live.model.category_levels)
    bought = [(str(row[c.TITLE]), str(row[level]) if level else "") for _, row in history.iterrows()]
    shown = [(item.title, middle_level(item.category) or "") for item in live.recommend(slide.shopper, SHOWN).items]
    return Picture(
        title=f"Shopper {slide.shopper}",
        panels=(Panel("They bought, latest first", tuple(bought)), Panel("We recommend", tuple(shown))),
    )


def _map(workspace: Workspace, slide: Slide, theme: str) -> Picture:
    live = workspace.load()
    item_map = open_map(workspace, live)
    by = slide.colour or next(iter(colours.colourings(item_map)))
    person = shopper_on_map(item_map, live, slide.shopper) if slide.shopper else None
    found = scene(item_map, by, Found(None, None, ""), shopper=person, regions="large", contours=True, theme=theme)
    found.figure.update_layout(height=None, autosize=True)
    title = "All products, as shoppers' purchases place them"
    return Picture(
        title=f"Shopper {slide.shopper} among all products" if person else title,
        figure=found.figure,
        caption=f"{found.note} Close together: bought by the same kind of shopper.".strip(),
    )


def _comparison(workspace: Workspace, slide: Slide, theme: str) -> Picture:
    called = ModelNames(workspace.database)
    manifests = [workspace.store.model_manifest(x) for x in (slide.first, slide.second)]
    judged = [manifest.measured() for manifest in manifests]
    measures = fmt.measures(manifests[0].metrics["k"])
    figure = base.blank(420)
    for model_id, figures, colour in zip(
        (slide.first, slide.second), judged, (palette.OTHER, palette.OURS), strict=True
    ):
        names = [name for name in COMPARED if figures.get(name, {}).get("value") and judged[0][name]["value"]]
        figure.add_bar(
            x=[measures[name].title for name in names],
            y=[figures[name]["value"] / judged[0][name]["value"] for name in names],
            name=called.of(model_id),
            marker={"color": colour},
            text=[fmt.measured(figures[name]["value"], is_share=measures[name].share) for name in names],
            textposition="outside",
            hovertemplate="%{x}: %{text}<extra></extra>",
        )
    figure.update_layout(barmode="group")
    figure.update_yaxes(title="The first model is 1 ×", ticksuffix=" ×")
    same = manifests[0]["split"] == manifests[1]["split"] and manifests[0]["fingerprint"] == manifests[1]["fingerprint"]
    caption = "Both were judged on the same shoppers and purchases." if same else (
        "The two were judged on different data or periods, so their figures cannot be compared fairly."
    )  # fmt: skip
    return Picture(f"Model {called.of(slide.second)} beside {called.of(slide.first)}", figure=figure, caption=caption)


def _training(workspace: Workspace, slide: Slide, theme: str) -> Picture:
    if slide.training is None:
        raise NoModel("The slide names no training.")
    training = workspace.training_runs.get(slide.training)
    if not training.curve:
        raise NoModel(f"Training {slide.training} stored no curve.")
    return Picture(
        title=f"Training {slide.training} on “{training.dataset}”, pass by pass",
        figure=base.learning_curves({f"Training {slide.training}": training.curve}, height=420),
        replay=True,
    )


_MAKERS: Mapping[Kind, Callable[[Workspace, Slide, str], Picture]] = {
    "words": _words,
    "result": _result,
    "shopper": _shopper,
    "map": _map,
    "comparison": _comparison,
    "training": _training,
}
