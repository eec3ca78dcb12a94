"""Who is in front of the dashboard, by Streamlit: signed in through OpenID Connect, or known by their address."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages import shared
from recsys import access
from recsys.errors import InvalidInput


def _visitor() -> access.Visitor | None:
    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    roles = access.roles_from_environment()
    if not roles:
        return access.without_sign_in(
            st.context.ip_address, st.context.headers.to_dict(), open_to_all=access.open_to_all()
        )
    known = st.user.is_logged_in and st.user.get("email_verified") is not False
    found = access.signed_in(str(st.user.get("email") or ""), roles) if known else None
    return found or access.Visitor("viewer", "You are not signed in.")


def check() -> None:
    """Let the visitor in, or ask them to sign in and end the page there."""
    access.ask_with(_visitor)
    try:
        roles = access.roles_from_environment()
    except InvalidInput as error:
        shared.problem(error)
        st.stop()
    if not roles:
        return
    _, middle, _ = st.columns([1, 2, 1])
    if not getattr(st.user, "is_logged_in", False):
        with middle, st.container(border=True):
            st.subheader("Sign in", icon=":material/lock:", anchor=False)
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
            st.subheader("No access", icon=":material/block:", anchor=False)
            st.markdown(shared.plain(f"{email or 'This account'} has no role here. Ask an administrator for one."))
            st.button("Sign out", on_click=st.logout)
        st.stop()
