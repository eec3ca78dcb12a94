"""What the frame adds to Streamlit's own: contrast, toasts with a name; on a phone a menu that closes, and cards."""

import streamlit as st

from pages import back

STYLE = """<style>
/* Streamlit writes white on the primary colour, which is a bright one in dark mode, and darker under the pointer. */
[data-testid^="stBaseButton-primary"]:not(:disabled) :is(p, span),
[data-testid="stMultiSelect"] span[title] { color: light-dark(#FFFFFF, #06110D); }
[data-testid^="stBaseButton-primary"]:hover:not(:disabled) :is(p, span) { color: #FFFFFF; }
/* Titles on buttons of a list begin where the others do, also those on two lines. */
.st-key-map_products button, .st-key-map_products button p { text-align: left; justify-content: start; }
/* What `tables.show` draws: columns where there is room for them, else cards. */
@media (max-width: 640px) { [data-testid="stElementContainer"]:has([data-testid="stDataFrame"]) { display: none; } }
@media (min-width: 640.02px) { [class*="st-key-cards_"] { display: none; } }
/* Tabs and choices that do not fit take two lines: nothing scrolls sideways on a phone. */
@media (max-width: 640px) {
  [data-testid="stTabs"] [role="tablist"] { flex-wrap: wrap; height: auto; overflow: visible; }
  [data-testid="stButtonGroup"] :has(> button) { flex-wrap: wrap; overflow: visible; }
}
</style>"""
SCRIPT = """<script>
(() => {
  if (window.insiderMenu) return;
  window.insiderMenu = true;
  document.addEventListener("click", (event) => {
    const phone = window.matchMedia("(max-width: 768px)").matches;
    if (!phone || !event.target.closest('[data-testid="stSidebarNavLink"]')) return;
    // after Streamlit has taken the click itself
    setTimeout(() => document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click(), 50);
  });
  // Streamlit's toasts say that a title names them, and have none: their text is it.
  new MutationObserver(() => {
    for (const toast of document.querySelectorAll('[data-testid="stToast"][aria-labelledby]')) {
      const text = toast.querySelector('[data-testid="stToastText"]');
      if (text) text.id = toast.getAttribute("aria-labelledby");
    }
  }).observe(document.body, { childList: true, subtree: true });
})();
</script>"""


def add() -> None:
    """Add it to the page."""
    st.html(STYLE)
    st.html(SCRIPT + back.SCRIPT, unsafe_allow_javascript=True)  # one element: each would take a gap
