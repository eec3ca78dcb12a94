"""Present: slides for a meeting, arranged here, shown full screen or taken along as one file."""

import streamlit as st

from pages import making, promoting, shared
from recsys.presentation.deck import deck
from recsys.presentation.pictures import suggested
from recsys.presentation.slides import KINDS, Presentation, Presentations, Slide, make_slide

NEW = "New presentation"
HEIGHT = 640

live = shared.live()
home = shared.workspace()
state = st.session_state
shelf = Presentations(home)
theme = "dark" if st.context.theme.type == "dark" else "light"

st.title("Present", anchor=False)
shared.describe(
    "Arrange views for a meeting, show them full screen, or take them along as one file that needs no network."
)


def store(name: str, presentation: Presentation) -> None:
    """Every change: keep it and show it, and say so when it is refused."""
    try:
        kept = shelf.save(name, presentation)
        if state.presentation != kept:  # one that is shown already may not be set again, save in a callback
            state.presentation = kept
    except shared.InsiderError as error:
        state.present_problem = str(error)


def move(name: str, presentation: Presentation, place: int, by: int) -> None:
    """Callback of Earlier and Later; the slide stays open."""
    store(name, presentation.moved(place, by))
    state.open_slide = place + by


def begin(with_suggestion: bool) -> None:
    """Callback of the buttons for a new one."""
    try:
        store(state.new_name, suggested(home) if with_suggestion else Presentation())
    except shared.InsiderError as error:
        state.present_problem = str(error)


def remove(name: str) -> None:
    """Callback of Delete."""
    try:
        shelf.delete(name)
        state.pop("presentation", None)
    except shared.InsiderError as error:
        state.present_problem = str(error)


def fields(kind: str, slide: Slide | None, key: str) -> dict:
    """The widgets of one slide; gives what they hold."""
    values: dict = {"kind": kind}
    values["title"] = st.text_input("Title", slide.title if slide else "", key=f"title_{key}", max_chars=120)
    values["text"] = st.text_area("Text under it", slide.text if slide else "", key=f"text_{key}", height=80)
    if kind in ("shopper", "map"):
        label = "Shopper" if kind == "shopper" else "Shopper on the map (may be empty)"
        values["shopper"] = st.text_input(label, slide.shopper if slide else "", key=f"shopper_{key}")
    if kind == "comparison":
        there = home.store.models()
        for number, (name, label) in enumerate((("first", "Model"), ("second", "Beside model"))):
            chosen = getattr(slide, name) if slide else ""
            options = there if chosen in ("", *there) else [chosen, *there]
            place = options.index(chosen) if chosen else min(number, len(options) - 1)  # two different ones
            values[name] = st.selectbox(label, options, index=place, key=f"{name}_{key}", format_func=promoting.called)
    if kind == "training":
        done = [t.id for t in home.training_runs.all() if t.curve]
        chosen = slide.training if slide else None
        options = done if chosen is None or chosen in done else [chosen, *done]
        values["training"] = st.selectbox(
            "Training", options, index=options.index(chosen) if chosen else 0, key=f"training_{key}"
        ) if options else None  # fmt: skip
    values["notes"] = st.text_area("Speaker notes", slide.notes if slide else "", key=f"notes_{key}", height=80)
    return values


if problem := state.pop("present_problem", ""):
    st.error(shared.plain(problem), icon=":material/error:")

names = shelf.names()
with st.container(horizontal=True, vertical_alignment="bottom"):
    name = st.selectbox("Presentation", [*names, NEW], key="presentation", bind="query-params", width=320)
if name == NEW:
    st.text_input("Name", key="new_name", placeholder="Spring meeting", width=320)
    with st.container(horizontal=True):
        empty = not state.new_name.strip()
        st.button("Begin with a suggestion", type="primary", disabled=empty, on_click=begin, args=(True,))
        st.button("Begin empty", disabled=empty, on_click=begin, args=(False,))
    if empty:
        st.caption(
            "Give it a name first and press Enter. The suggestion shows the result, a shopper, the map and the last "
            "training."
        )
    st.stop()

found = shelf.get(name)
show, arrange = st.tabs([f"Show ({len(found.slides)})", "Arrange"])

with show:
    if not found.slides:
        st.info("There is no slide yet: add one under Arrange.", icon=":material/info:")
    else:
        with making.waiting("Making the slides") as bar:
            document = deck(home, name, found, theme, on_progress=bar)
        st.iframe(document, height=HEIGHT)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.download_button(
                "Take along (HTML)", document, file_name="presentation.html", mime="text/html", on_click="ignore",
                icon=":material/download:",
            )  # fmt: skip
            st.caption(
                "Click into the slides, then use the arrow keys. F: full screen, N: notes. "
                "For a PDF press P: Print, then Save as PDF."
            )

with arrange:
    for place, slide in enumerate(found.slides):
        title = shared.plain(slide.title or KINDS[slide.kind])
        key = f"{name}_{place}_{hash(slide)}"
        twin = found.slides[:place].count(slide)  # the second of two equal slides has a name of its own
        opened = place == state.get("open_slide")
        with st.expander(f"{place + 1}. {title}", opened, key=f"slide_{name}_{hash(slide)}_{twin}", on_change="rerun"):
            values = fields(slide.kind, slide, key)
            with st.container(horizontal=True):
                if st.button("Save", key=f"save_{key}", type="primary"):
                    with shared.problems_shown():
                        store(name, found.changed(place, make_slide(**values)))
                        st.rerun()
                st.button(
                    "Earlier", key=f"up_{key}", icon=":material/arrow_upward:", disabled=place == 0, on_click=move,
                    args=(name, found, place, -1),
                )  # fmt: skip
                st.button(
                    "Later", key=f"down_{key}", icon=":material/arrow_downward:",
                    disabled=place + 1 == len(found.slides), on_click=move, args=(name, found, place, 1),
                )  # fmt: skip
                st.button("Delete slide", key=f"gone_{key}", on_click=store, args=(name, found.without(place)))
    with st.expander("Add a slide", expanded=not found.slides):
        kind = st.selectbox("What it shows", list(KINDS), format_func=KINDS.get, key="new_kind")
        values = fields(kind, None, f"new_{kind}_{len(found.slides)}")
        if st.button("Add", type="primary"):
            with shared.problems_shown():
                store(name, found.with_slide(make_slide(**values)))
                st.rerun()
    st.button("Delete this presentation", icon=":material/delete:", on_click=remove, args=(name,))
