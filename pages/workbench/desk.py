"""What the sections of the Shopper page share: the open finder, stored things, and small renders."""

from collections.abc import Callable, Sequence

import streamlit as st

from pages import shared
from recsys.errors import InsiderError
from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import Rules
from recsys.services.search.user_search import UserSearch
from recsys.services.workbench.rule_sets import OFF, RuleSets
from recsys.services.workspace import Workspace
from recsys.views import shopper

AS_SERVED = "as served"


@st.cache_resource(max_entries=2, show_spinner=False)
def _finder(_home: Workspace, model_id: str) -> UserSearch:
    try:
        dataset = _home.dataset_of(model_id)
    except InsiderError:
        dataset = None
    return UserSearch(_home.load(model_id).trained, dataset)


@st.cache_data(max_entries=4, show_spinner=False)
def choices(model_id: str, _live: Recommender) -> tuple[dict[str, list[str]], list[str]]:
    """Values of every attribute, and names of the categories, of one model."""
    return shopper.attribute_values(_live), shopper.category_names(_live)


def finder(home: Workspace) -> UserSearch:
    """The finder over the live model."""
    return _finder(home, home.load().model.id)


def rules_in_force(home: Workspace, chosen: str | None) -> Rules | None:
    """The rules that a choice on the page stands for."""
    return RuleSets(home.database).asked(None if chosen in (None, AS_SERVED) else chosen)


def rule_choices(home: Workspace) -> list[str]:
    """What can be chosen: as served, off, or a name."""
    return [AS_SERVED, OFF, *RuleSets(home.database).names()]


def buttons(ids: Sequence[str], key: str, choose: Callable[[str], None]) -> None:
    """A button for each row of a table that is drawn on a canvas, which a keyboard cannot reach into."""
    with st.expander("Open one with a button"), st.container(horizontal=True, gap="xsmall"):
        for user in ids:
            st.button(shared.plain(user), key=f"{key}_{user}", on_click=choose, args=(user,), type="tertiary")


def attempt(action: Callable[..., object], *args: object, done: str = "") -> bool:
    """Do something that may be refused; say how it went."""
    try:
        action(*args)
    except InsiderError as error:
        shared.problem(error)
        return False
    if done:
        st.toast(shared.plain(done), icon=":material/check:")
    return True


def change(action: Callable[..., object], *args: object) -> None:
    """Do something that changes what the page shows, and show it anew; a refusal stays to be read."""
    if attempt(action, *args):
        st.rerun()
