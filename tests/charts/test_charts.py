"""Charts: every text of a figure is shown as it is, whatever the data are called, and figures take any theme."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.charts import base, data, quality, shopper
from recsys.utils import palette
from recsys.views.home.overview import Ratio
from recsys.views.quality import SegmentRow
from recsys.views.shopper_history import Timeline
from tests.strategies import PROPERTY

EVIL = "<b>&lt;img src=x onerror=alert(1)>"
"""What Plotly would read as markup: a tag, an entity, an attribute."""

CURVE = [{"epoch": 1, "seconds": 0.1, "ndcg": 0.02}, {"epoch": 2, "seconds": 0.2, "ndcg": 0.03}]


def ratio(title: str) -> Ratio:
    return Ratio(title=title, value=1.2, low=1.1, high=1.3, popular_low=0.9, popular_high=1.1, detail=title)


def mix(names: list[str]) -> pd.DataFrame:
    share = [1 / len(names)] * len(names)
    return pd.DataFrame({"category": names, "history": share, "recommended": share, "shop": share})


FIGURES = {
    "learning_curves": lambda name: base.learning_curves({name: CURVE, f"{name} 2": CURVE}),
    "against_popular": lambda name: base.against_popular([ratio(name)]),
    "category_mix": lambda name: base.category_mix(mix([name, "b"])),
    "score_parts": lambda name: base.score_parts([(name, 0.5), ("b", -0.2)]),
}


def texts(x: Any) -> Iterator[str]:
    """Every text in a figure, however deep."""
    if isinstance(x, str):
        yield x
    elif isinstance(x, dict):
        for part in x.values():
            yield from texts(part)
    elif isinstance(x, (list, tuple)):
        for part in x:
            yield from texts(part)


@pytest.mark.parametrize("name", FIGURES)
def test_names_from_data_are_no_markup(name: str) -> None:
    figure = FIGURES[name](EVIL).to_plotly_json()
    found = list(texts(figure))
    assert not [text for text in found if "<b>" in text or "<img" in text]
    assert any("&lt;b&gt;&amp;lt;img" in text for text in found)


@PROPERTY
@given(st.text(max_size=60))
def test_any_text_can_be_a_name(text: str) -> None:
    for make in FIGURES.values():
        assert isinstance(make(text), go.Figure)


ALIKE = [f"Fluid milk white only, 1 gal, low fat and something · Store brand · no. {n}" for n in range(10)]


def segment(title: str) -> SegmentRow:
    return SegmentRow(title=title, users=9, value=0.1, low=0.0, high=0.2, popular=0.1, verdict="", examples=())


ROWS = {
    "effects": lambda: shopper.effects([(f"{n}", "The same title" if n < 2 else t) for n, t in enumerate(ALIKE)],
                                       [0.3] * 9 + [-0.01], "x"),
    "score_parts": lambda: base.score_parts([(title, 0.1) for title in ALIKE[:9]]),
    "category_mix": lambda: base.category_mix(mix(ALIKE)),
    "segments": lambda: quality.segments([segment(title) for title in ALIKE], "ndcg"),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_things_of_one_shortened_title_have_a_row_each(name: str) -> None:
    figure = ROWS[name]()
    assert len(set(figure.data[-1].y)) == len(figure.layout.yaxis.tickvals) == 10
    assert len(set(figure.layout.yaxis.ticktext)) == 10
    assert max(map(len, figure.layout.yaxis.ticktext)) < 50


def test_negative_numbers_keep_their_sign_and_have_room() -> None:
    figure = ROWS["effects"]()
    assert figure.data[0].text[-1] == "−0.01"
    low, high = figure.layout.xaxis.range
    assert low < -0.01 - 0.1 * (high - low)
    assert base.score_parts([("a", 0.5), ("b", -0.2)]).data[0].text[1] == "−0.20"


def test_names_of_a_tree_of_categories_stay_different() -> None:
    figure = data.category_tree([{"path": ["All", title], "pairs": 1, "items": 1} for title in ALIKE])
    assert len(set(figure.data[0].labels)) == 11


def test_ticks_of_shares_never_read_the_same() -> None:
    assert [base.share_ticks(0.02, high) for high in (0.9, 0.05, 0.022)] == [".0%", ".1%", ".2%"]
    assert [base.value_ticks(0.155, high) for high in (0.2, 0.156, 0.1551, 0.155)] == [".3f", ".4f", ".5f", ".3f"]


def test_a_category_has_one_colour_for_every_shopper() -> None:
    names = [f"Department {n}" for n in range(18)]
    colours = palette.colours_of(names)
    assert len(set(colours.values())) == 18
    weeks = pd.DataFrame({"week": pd.Timestamp("2024-01-01"), "category": names[:3], "purchases": 1, "value": 1.0})
    for shown in (names[:2], names[1:3]):
        figure = shopper.purchases_by_week(Timeline(weeks, tuple(shown), colours, pd.NaT))
        assert {trace.name: trace.marker.color for trace in figure.data} == {name: colours[name] for name in shown}


@pytest.mark.parametrize("colour", [*palette.CATEGORIES, palette.shade("#E0912F", 0.44), "#767676"])
def test_letters_on_a_colour_can_be_read(colour: str) -> None:
    def luminance(text: str) -> float:
        parts = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
        return sum(weight * x for weight, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    light, dark = sorted((luminance(colour), luminance(palette.ink_on(colour))), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize("name", FIGURES)
def test_figures_take_the_theme_of_the_page(name: str) -> None:
    layout = FIGURES[name]("x").layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == base.CLEAR
    assert layout.font.color is None
    assert layout.height > 0


@pytest.mark.parametrize("name", FIGURES)
def test_axes_with_numbers_have_names(name: str) -> None:
    figure = FIGURES[name]("x")
    numbers = [figure.layout.xaxis] if name != "learning_curves" else [figure.layout.xaxis, figure.layout.yaxis]
    for axis in numbers:
        assert axis.title.text


def test_nothing_to_draw_is_no_crash() -> None:
    base.learning_curves({})
    base.learning_curves({"x": []})
    base.against_popular([])
    base.category_mix(mix(["a"]).head(0))
    base.score_parts([])


def test_the_best_epoch_is_marked() -> None:
    figure = base.learning_curves({"x": [*CURVE, {"epoch": 3, "seconds": 0.3, "ndcg": 0.01}]})
    (mark,) = [trace for trace in figure.data if trace.name == "best so far"]
    assert (list(mark.x), list(mark.y)) == ([2], [0.03])


def test_parts_of_a_score_end_at_their_sum() -> None:
    figure = base.score_parts([("a", 0.5), ("b", -0.2), ("c", 0.1)])
    assert figure.data[0].text[-1] == "0.40"
    assert list(figure.data[0].measure) == ["relative", "relative", "relative", "total"]


def test_colours() -> None:
    assert palette.with_alpha("#1B9974", 0.3) == "rgba(27,153,116,0.3)"
    assert len(set(palette.CATEGORIES)) == len(palette.CATEGORIES) >= 12


def test_names_in_the_tree_of_categories_can_be_read_on_their_colour() -> None:
    tree = [{"path": (f"Department {n}", f"Kind {n}"), "pairs": 10 + n, "items": 3} for n in range(12)]
    (trace,) = data.category_tree(tree).data
    assert list(trace.textfont.color) == [palette.ink_on(colour) for colour in trace.marker.colors]
    assert len(trace.textfont.color) == 24
