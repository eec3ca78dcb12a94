"""The dashboard's frame: navigation, and a readable message for every error that is meant to be read."""

from pathlib import Path

import streamlit as st

from pages import back, frame, shared, tour, visitor
from recsys.errors import InsiderError

ASSETS = Path(__file__).parent / "assets"

st.set_page_config(page_title="Insider", page_icon=ASSETS / "favicon.svg", layout="wide")
st.logo(ASSETS / "insider.svg", size="medium")
# What this button of Streamlit's tables writes is run by a spreadsheet where a title begins with "="; our own buttons
# (recsys.services.export) write such a title as text.
st.html("<style>[data-testid='stElementToolbarButton']:has([aria-label^='Download as CSV']) { display: none }</style>")

visitor.check()
shared.say_what_was_done()
page = st.navigation(
    [
        st.Page(
            "home.py",
            title="Home",
            icon=":material/home:",
            default=True,
            help="What is live, how good it is, and from which data.",
        ),
        st.Page(
            "shopper.py",
            title="Shopper",
            icon=":material/shopping_basket:",
            help="One shopper: what they bought, what the model recommends, and why.",
        ),
        st.Page(
            "item.py",
            title="Product",
            icon=":material/sell:",
            help="One product: who buys it, what is like it, and to whom it would be recommended.",
        ),
        st.Page(
            "data.py",
            title="Data",
            icon=":material/database:",
            help="Which datasets there are and what is in them; bring your own.",
        ),
        st.Page(
            "train.py",
            title="Train",
            icon=":material/tune:",
            help="Train another model, watch it learn, compare it with the live one, promote it.",
        ),
        st.Page(
            "runs.py",
            title="Runs",
            icon=":material/stacked_line_chart:",
            help="Every training; some of them side by side; what all of them teach.",
        ),
        st.Page(
            "models.py",
            title="Models",
            icon=":material/inventory_2:",
            help="Stored versions: what each would change, promote, go back, delete; who did what.",
        ),
        st.Page(
            "quality.py",
            title="Quality",
            icon=":material/verified:",
            help="How good the model is beside simple methods, for whom it works and for whom it does not.",
        ),
        st.Page(
            "map.py", title="Map", icon=":material/scatter_plot:", help="All products, placed as the model sees them."
        ),
        st.Page(
            "present.py", title="Present", icon=":material/slideshow:", help="Slides for a meeting, and as one file."
        ),
    ],
    position="top",
)

st.set_page_config(page_title=f"{page.title} · Insider", page_icon=ASSETS / "favicon.svg", layout="wide")
frame.add()
back.restore()
tour.card(page.url_path)
try:
    page.run()
except InsiderError as error:
    shared.problem(error)
