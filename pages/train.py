"""Train: turn the dials, watch the model learn, hold it against the live one, promote it or go back."""

import streamlit as st

from pages import promoting, shared
from pages.training import recipe, run
from recsys.views import train

# Small curves below the dials; on wide screens the run stays in view while the dials scroll.
STYLE = """<style>
.small-curve { margin: -0.4rem 0 0.4rem; font-size: 0.78rem; opacity: 0.85; }
.small-curve img { display: block; width: 100%; height: 44px; }
.small-curve figcaption { display: flex; justify-content: space-between; gap: 0.5rem; }
.small-curve b { font-weight: 600; text-align: center; }
@media (min-width: 900px) {
  [data-testid="stColumn"]:has(.st-key-run_panel) {
    position: sticky; top: 4rem; align-self: flex-start; max-height: calc(100vh - 5rem); overflow-y: auto;
  }
}
</style>"""

home = shared.workspace()

if not home.datasets() and not train.trainings(home) and home.live_id() is None:
    shared.waiting_panel()
    st.stop()

st.html(STYLE)
st.title("Train", anchor=False)
promoting.live_line(train.live_words(home))
left, right = st.columns([5, 6], gap="medium")
with left, st.container(border=True, gap="small"):
    st.header("Recipe", anchor=False)
    if home.datasets():
        recipe.show(home)
    else:
        st.caption("There are no data to learn from any more. What was trained stays; import data to train again.")
        st.page_link("data.py", label="Data", icon=":material/database:")
with right, st.container(border=True, gap="small", key="run_panel"):
    left_to_do = run.nothing
    shown = train.run_to_show(home, st.session_state.get("run"))
    if shown is None:
        st.header("Nothing trained from this page yet", anchor=False)
        st.caption("Press Train: the model learns in the background and appears here, beside the live one.")
    else:
        left_to_do = run.show(home, shown)
        run.others(home, shown)
recipe.all_sent()
left_to_do()
