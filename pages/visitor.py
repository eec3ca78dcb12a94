"""Who is in front of the dashboard, by Streamlit: signed in through OpenID Connect, or known by their connection.

That is settled when a session begins and carried along with it: a browser that hangs up while a script runs takes its
headers with it, and becomes nobody else by that.
"""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages import shared
from recsys import access
from recsys.errors import InvalidInput


def _visitor() -> access.Visitor | None:
    """Whoever is in front of the script that runs; None for a program that is no script of the dashboard."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return None
    seen = _seen()
    if seen is None:
        settled = access.sessions.of(context.session_id)
        return settled or access.without_sign_in(None, open_to_all=access.open_to_all())
    access.sessions.settle(context.session_id, seen)
    return seen


def _seen() -> access.Visitor | None:
    """Who it is by what is known just now; None when the connection is gone and nobody signs in."""
    roles = access.roles_from_environment()
    if roles:
        known = getattr(st.user, "is_logged_in", False) and st.user.get("email_verified") is not False
        found = access.signed_in(str(st.user.get("email") or ""), roles) if known else None
        return found or access.Visitor("viewer", "You are not signed in.")
    marked = st.context.headers.get(access.HEADER)
    return access.without_sign_in(marked, open_to_all=access.open_to_all()) if access.is_marked(marked) else None


def check() -> None:
    """Let the visitor in, or ask them to sign in and end the page there."""
    access.ask_with(_visitor)
    try:
        roles = access.roles_from_environment()
        _visitor()
    except InvalidInput as error:
        shared.problem(error)
        st.stop()
    if not roles:
        return
    _, middle, _ = st.columns([1, 2, 1])
    if not getattr(st.user, "is_logged_in", False):
        with middle, st.container(border=True):
            st.title("Sign in", icon=":material/lock:", anchor=False)
            st.markdown("This dashboard is for people with a role.")
            if st.button("Sign in", type="primary", width="stretch"):
                try:
                    st.login()
                except Exception:
                    st.error("The sign-in is not set up: .streamlit/secrets.toml needs [auth]; see docs/security.md.")
        st.stop()
    email = str(st.user.get("email") or "")
    if st.user.get("email_verified") is False or access.signed_in(email, roles) is None:
        with middle, st.container(border=True):
            st.title("No access", icon=":material/block:", anchor=False)
            st.markdown(shared.plain(f"{email or 'This account'} has no role here. Ask an administrator for one."))
            st.button("Sign out", on_click=st.logout)
        st.stop()
