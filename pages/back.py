"""Back and Forward of the browser: one press for each thing that was done, and the view as it was."""

from urllib.parse import parse_qs

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

SHARED = ("shopper", "item")
"""Parameters of the link that fields of several pages are bound to; all of them hold text."""

# Streamlit makes an entry in the history for each parameter that a page writes. Here one is made for each thing that
# somebody does: the first, which the later ones then mend.
SCRIPT = """<script>
(() => {
  if (window.insiderHistory) return;
  window.insiderHistory = true;
  let acted = false;
  for (const name of ["pointerdown", "keydown"]) addEventListener(name, () => { acted = true; }, true);
  addEventListener("popstate", () => { acted = false; }, true);
  const push = history.pushState;
  history.pushState = function (...entry) {
    (acted ? push : history.replaceState).apply(history, entry);
    acted = false;
  };
})();
</script>"""


def restore() -> None:
    """After Back or Forward: the link as it was. Call it before the page reads the link."""
    run = get_script_run_ctx(suppress_warning=True)
    if run is None or not run.is_history_navigation:
        return
    # Of the link that comes back, Streamlit drops what a field of the page before was bound to.
    asked = parse_qs(run.query_string)
    lost = {name: asked[name][-1] for name in SHARED if name in asked and name not in st.query_params}
    if lost:
        st.session_state.update(lost)
        st.query_params.update(lost)
        st.rerun()
