"""The tour: a slim card above the page while it is on, and the ways into it on Home."""

import streamlit as st

from pages import shared
from recsys.errors import InsiderError
from recsys.views import tour
from recsys.views.tour import Standing, Step

# On a phone the buttons stand below the text, and everything moves up a little, so that the page stays in view.
STYLE = """<style>
.st-key-tour { border-left: 4px solid light-dark(#0E6B52, #3DBB92); padding: 0.5rem 0.8rem; }
.st-key-tour p { font-size: 0.875rem; }
[data-testid="stMainBlockContainer"]:has(.st-key-tour) { padding-top: 4.5rem; }
@media (max-width: 640px) {
  .st-key-tour { flex-direction: column; align-items: stretch; gap: 0.5rem; }
  .st-key-tour > * { flex: none; width: 100%; }
}
</style>"""
PARAMETER = "tour"
"""In the link: the step where the tour stands."""

state = st.session_state
# state.tour: the name of that step, also when the tour was left; state.touring: whether it is on;
# state.tour_moves: a button was pressed that leads to its page.


def go(name: str) -> None:
    """Callback: to this step."""
    state.tour, state.touring, state.tour_moves = name, True, True


def leave() -> None:
    """Callback: the tour is off, and Home can go on with it."""
    _off()
    shared.say_after_rerun("Home goes on with the tour when you like.", ":material/tour:")


def finish() -> None:
    """Callback: the tour is over."""
    _off()
    state.pop("tour")
    shared.say_after_rerun("That was the tour. Home offers it again.", ":material/tour:")


def _off() -> None:
    state.touring = False
    st.query_params.pop(PARAMETER, None)


def _standing(name: str) -> Standing:
    live = shared.workspace().load()
    return tour.standing(tour.steps(shared.workspace(), shared.example_shopper(live.model.id)), name)


def card(page: str) -> None:
    """Draw the card where the tour is on; `page` as in its address. Call it before the page runs.

    Slides are shown without it. Where nothing is live, or what is live is damaged, the page says so.
    """
    with st.container():  # of its own: bound widgets leave the link when what stands above them comes or goes
        _follow_the_link()
        if not state.get("touring") or page == "present":
            return
        try:
            found = _standing(state.tour)
        except InsiderError:
            return
        _follow_the_buttons(page, found.step)
        _draw(page, found)


def _follow_the_link() -> None:
    """The step that the link names counts, except right after a button; while the tour is on, the link names one."""
    asked = st.query_params.get(PARAMETER)
    if asked and "tour_moves" not in state:
        state.tour, state.touring = asked, True
    elif state.get("touring") and asked != state.tour:
        st.query_params[PARAMETER] = state.tour


def _follow_the_buttons(page: str, step: Step) -> None:
    """After a button of the tour: the page of the step, with its widgets as the step wants them."""
    if "tour_moves" not in state:
        return
    if step.page != page:
        state.tour_arrives = True
        st.switch_page(f"{step.page}.py", query_params={PARAMETER: step.name})
    state.update(step.values)
    if state.pop("tour_arrives", False):
        st.query_params.update(step.link)  # widgets that come with the page write their link only when they change
    del state.tour_moves


def _draw(page: str, found: Standing) -> None:
    step = found.step
    here = step.page == page
    st.html(STYLE)
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small", key="tour"):
        title = f"**Step {found.place} of {found.of} · {shared.plain(step.title)}**"
        with st.container(width="stretch"):
            if here:
                st.markdown(f"{title}  \n{shared.plain(f'{found.note} {step.text}')}")
            else:
                st.markdown(f"{title}  \n{shared.plain(f'{found.note} The tour waits while you look around.')}")
        with st.container(horizontal=True, width="content", gap="xsmall"):
            if not here:
                st.button("Go on with the tour", type="primary", on_click=go, args=(step.name,), key="tour_here")
            else:
                if found.back:
                    st.button("Back", on_click=go, args=(found.back.name,), key="tour_back",
                              help=f"Back to step {found.place - 1}, {found.back.title}")  # fmt: skip
                if found.next:
                    st.button(f"Next: {found.next.title}", type="primary", on_click=go, args=(found.next.name,),
                              key="tour_next")  # fmt: skip
                else:
                    st.button("Finish the tour", type="primary", on_click=finish, key="tour_finish")
            st.button("Leave the tour", type="tertiary", on_click=leave, key="tour_leave")


def offer() -> None:
    """The ways into the tour, on Home."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if state.get("touring"):
            return
        if "tour" not in state:
            st.button(f"Take the tour (about {tour.MINUTES} minutes)", icon=":material/tour:", type="primary",
                      on_click=go, args=(tour.FIRST,), key="tour_take")  # fmt: skip
            shared.describe("A shopper, why, what if, rules and their price, the map, a training, what goes live.")
            return
        found = _standing(state.tour)
        st.button("Go on with the tour", icon=":material/tour:", type="primary", on_click=go,
                  args=(found.step.name,), key="tour_resume")  # fmt: skip
        st.button("Start again", icon=":material/restart_alt:", on_click=go, args=(tour.FIRST,), key="tour_again")
        shared.describe(f"{found.note} You left it at step {found.place} of {found.of}, {found.step.title}.".strip())
