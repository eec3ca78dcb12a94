"""Draws a page anew when it becomes dark or light while it is open, where colours were chosen for one of the two."""

import streamlit as st

SCRIPT = """
let told = null;

export default function ({ data, parentElement, setTriggerValue }) {
  const element = parentElement.host ?? parentElement;
  const look = () => {
    const context = document.createElement("canvas").getContext("2d");
    context.fillStyle = getComputedStyle(element).getPropertyValue("--st-background-color").trim();
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(context.fillStyle.slice(at, at + 2), 16));
    const now = red + green + blue < 384 ? "dark" : "light";
    if (now === data.drawn) told = null;
    else if (now !== told) {
      told = now;
      setTriggerValue("changed", now);
    }
  };
  const every = setInterval(look, 500);
  return () => clearInterval(every);
}
"""


def drawn_anew(drawn: str | None) -> None:
    """Run the page again when it no longer looks as it was drawn for.

    Args:
        drawn: "light" or "dark"; None where the browser has not said so.
    """
    if drawn is None:
        return
    show = st.components.v2.component("insider_theme", html="<span></span>", js=SCRIPT)
    show(key="theme_drawn", data={"drawn": drawn}, on_changed_change=lambda: None, height=1)
