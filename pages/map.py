"""Map: all products as the model sees them, a shopper among them, and for any product those truly next to it."""

from datetime import date

import streamlit as st

from pages import making, promoting, shared
from pages.cartography import drawing, names, sections, thumbnails
from recsys.errors import InsiderError
from recsys.item_map import colours, view
from recsys.item_map import scene as map_scene
from recsys.item_map.oddities import KINDS
from recsys.item_map.points import open_map
from recsys.item_map.selection import area_of, ids_in, ids_of
from recsys.item_map.shopper import shopper_on_map
from recsys.item_map.zoom_steps import zoom_steps
from recsys.projection.settings import MapSettings
from recsys.services.jobs import start_map
from recsys.services.workbench.rule_sets import RuleSets

CONFIG = {"scrollZoom": True, "modeBarButtonsToRemove": ["autoScale2d"]}
BELOW = {"selection": "Selection", "odd": "What is odd", "compare": "Compare models", "draw": "Draw anew"}
FORMS = {"png": "image/png", "svg": "image/svg+xml", "html": "text/html"}
PRESENTING = """<style>
[data-testid="stHeader"], .st-key-tour, .st-key-map_tools, .st-key-map_below, .st-key-map_side { display: none; }
[data-testid="stMainBlockContainer"] { padding-top: 1rem !important; }
</style>"""

live = shared.live()
home = shared.workspace()
state = st.session_state

if not home.store.has_map(live.model.id):
    drawing.first(home, live.model.id)
    st.stop()
try:
    item_map = open_map(home, live)
except InsiderError as error:
    st.error(shared.plain(error), title="The map cannot be used", icon=":material/error:")
    if st.button("Draw it again", icon=":material/refresh:"):
        start_map(home, live.model.id)
    drawing.progress(home, live.model.id)
    st.stop()

COLOURINGS = colours.colourings(item_map)
LABELS = {"colour": COLOURINGS, "names": map_scene.NAMES, "below": BELOW, "odd": KINDS}
if "item" not in state:
    better = {key: value for name, labels in LABELS.items() for key, value in shared.by_label(name, labels).items()}
    if better:
        st.query_params.update(better)
        st.rerun()


def picked(scene: map_scene.Scene) -> None:
    """Callback of the map: a click looks at one product, a box or lasso selects some, a double click lets go."""
    marked = state.map["selection"]
    found = ids_of(state.map, item_map.points, scene.drawn)
    if marked["box"] or marked["lasso"] or not found:
        state.selected, state.selected_in, state.below = found, state.picture, "selection"
        state.area = area_of(state.map)
    elif len(found) == 1:
        state.item = found[0]


def forget() -> None:
    """Callback of "Clear search": no product is looked at any more."""
    state.item = ""


def clear_selection() -> None:
    """Callback of "Clear selection"."""
    state.selected, state.area = [], ""
    state.pop("selected_in", None)


head = st.container()
with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="map_tools"):
    query = st.text_input(
        "Find a product", key="item", bind="query-params", width=240, placeholder="Words or a product number",
        icon=":material/search:",
    ).strip()  # fmt: skip
    by = st.selectbox(
        "Colour by", list(COLOURINGS), format_func=COLOURINGS.get, key="colour", bind="query-params", width=190
    )
    who = st.text_input(
        "Shopper on the map", key="shopper", bind="query-params", width=150, placeholder="Number",
        icon=":material/person:",
    ).strip()  # fmt: skip
    with st.popover("View", icon=":material/layers:"):
        regions = st.segmented_control(
            "Names of regions", list(map_scene.NAMES), format_func=map_scene.NAMES.get, default="zoom", required=True,
            key="names", bind="query-params", help="By zoom: large regions on the whole map, small ones close up.",
        )  # fmt: skip
        contours = st.toggle("Contours", key="contours", bind="query-params", help="Lines of equal density.")
        present = st.toggle(
            "Presentation", key="present", bind="query-params", help="The map alone, for a screen on the wall."
        )
        area = st.text_input(
            "Area drawn", key="area", bind="query-params", help="The lasso or box as corners x,y: it is in the link."
        ).strip()  # fmt: skip
    if area and "selected" not in state:  # from the link
        with shared.problems_shown():
            state.selected = ids_in(area, item_map.points)
    with st.popover("Take along", icon=":material/download:"):
        title = st.text_input("Title", "Our products", key="poster_title")
        theme = st.segmented_control("Ground", ["light", "dark"], default="light", required=True, key="poster_theme")
        for form, mime in FORMS.items():
            making.download(
                form.upper(),
                lambda on_progress, form=form: map_scene.take_along(
                    item_map, by, form, title=title, theme=theme, day=date.today(), regions=regions,
                    model=promoting.called(live.model.id), on_progress=on_progress,
                ),
                f"map.{form}", mime, key=form, icon=":material/image:", width="stretch",
                about=(by, title, theme, regions, live.model.id, promoting.called(live.model.id)),
            )  # fmt: skip
    if query:
        st.button("Clear search", icon=":material/close:", on_click=forget)
    if state.get("selected"):
        st.button("Clear selection", icon=":material/close:", on_click=clear_selection)

found = view.find(home, query)
shopper = None
if who:
    try:
        shopper = shopper_on_map(item_map, live, who, state.get("what_if", []), RuleSets(home.database).asked(None))
    except InsiderError as error:
        shared.problem(error)
        state.pop("what_if", None)

if present:
    st.html(PRESENTING)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(shared.plain(title), anchor=False)
        shared.describe(f"Model {promoting.called(live.model.id)} · {view.today()}")
        st.button(
            "Leave", icon=":material/close_fullscreen:", type="tertiary", on_click=lambda: state.update(present=False)
        )
else:
    with head, st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.title("Map", anchor=False, width="content")
        for badge in view.badges(item_map):
            st.badge(
                shared.plain(badge.text), color="green" if badge.good else "orange", help=shared.plain(badge.meaning)
            )

picture = st.container()
with st.container(border=True, gap="small", key="map_below"):
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        below = st.segmented_control(
            "Below", list(BELOW), format_func=BELOW.get, default="selection", required=True, key="below",
            bind="query-params", label_visibility="collapsed",
        )  # fmt: skip
        kind = "wrong"
        if below == "odd":
            kind = st.segmented_control(
                "Kind", list(KINDS), format_func=KINDS.get, default="wrong", required=True, key="odd",
                bind="query-params", label_visibility="collapsed",
            )  # fmt: skip
    chosen = tuple(state.get("selected", []))
    if below == "selection":
        sections.selection(home, item_map, chosen, found.currency)
    elif below == "odd":
        sections.odd(item_map, kind)
    elif below == "compare":
        sections.compare(home, item_map, by, found.currency, chosen)
    else:
        drawing.anew(home, live.model.id, MapSettings.from_dict(item_map.facts.get("settings", {})))

state.picture = (
    by,
    query if found.focus else "",
    who,
    tuple(state.get("what_if", [])),
    regions,
    contours,
    present,
    below,
    kind,
)
step = None
if found.focus is not None:
    steps = {step.key: step for step in zoom_steps(item_map, found.focus.row)}
    titles = {key: shared.plain(step.title) for key, step in steps.items()}
    in_link = st.query_params.get("near") in titles.values()
    if not (state.near in steps if "near" in state else in_link) or state.get("near_to", query) != query:
        state.near = list(steps)[-1]
    state.near_to = query
    near = picture.segmented_control(
        "Look from", list(steps), format_func=titles.__getitem__, key="near", required=True,
        bind="query-params", help="From the whole map over the categories to the product.",
    )  # fmt: skip
    step = steps[near]
stands_out = state.get("selected", []) if state.get("selected_in") != state.picture else []
listed = map_scene.odd_ones(item_map, kind) if below == "odd" and not present else None
scene = map_scene.scene(
    item_map,
    by,
    found,
    shopper=shopper,
    regions=regions,
    contours=contours,
    selected=stands_out,
    step=step,
    listed=[] if listed is None else listed["item_id"].tolist(),
    height=820 if present else 640,
    theme=st.context.theme.type,
)
left, right = picture.columns([1000, 1] if present else [7, 3], gap="small")
with left:
    st.plotly_chart(
        scene.figure,
        key="map",
        on_select=lambda: picked(scene),
        selection_mode=("points", "box", "lasso"),
        config=CONFIG | {"displayModeBar": not present},
        alt=view.summary(item_map.live),
    )
    if scene.note:
        shared.describe(scene.note)
with right, st.container(key="map_side"):
    table = None
    if shopper is not None:
        st.header(shared.plain(f"Shopper {shopper.user_id}"), anchor=False)
        shared.describe(shopper.summary)
        st.multiselect(
            "What if they also bought", view.suggestions(found, shopper, item_map), key="what_if",
            format_func=lambda item: view.title_of(item_map, item), placeholder="Products they were recommended",
            help="Adds these to their history. The cross is their taste, the arrow shows where it would go.",
            filter_mode="contains", select_all=False,
        )  # fmt: skip
        st.page_link("shopper.py", label="Everything about them", icon=":material/shopping_basket:",
                     query_params={"shopper": who}, help="")  # fmt: skip
    if found.focus is not None:
        st.header(shared.plain(found.focus.title), anchor=False)
        shared.describe(found.focus.facts)
        st.page_link("item.py", label="About this product", icon=":material/sell:",
                     query_params={"item": found.focus.item_id}, help="")  # fmt: skip
        st.markdown("**Truly nearest**", help="By the cosine of the embeddings; the picture can only come close.")
        table = found.focus.neighbours
    elif found.products is not None and len(found.products):
        st.markdown("**Which one?**")
        table = found.products
    elif query:
        st.warning(shared.plain(found.note))
    elif shopper is None:
        shared.describe(view.summary(item_map.live))
        st.caption("Click a point, or search, to see what is truly next to it. Scroll to zoom, drag to move; click a "
                   "line of the legend to see that alone.")  # fmt: skip
    if table is not None:
        sections.products(table, len(table) if found.rows is None else len(found.rows))
names.make_room()
thumbnails.show_on_hover()
