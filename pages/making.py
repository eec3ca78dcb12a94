"""What takes a while: how far it is, what was worked out once, and files with the way to save them."""

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import streamlit as st

from pages import shared
from recsys.errors import InsiderError
from recsys.progress import OnProgress, Progress
from recsys.utils import formatting as fmt

T = TypeVar("T")
KEPT = 30
"""So many results does a visitor keep."""


def told(progress: Progress, seconds: float) -> str:
    """What is done now, since when, and about how long it still takes."""
    said = f"{progress.step} · {fmt.duration(seconds)} so far"
    if 0.1 < progress.fraction < 1 and seconds > 1:
        said += f" · about {fmt.duration(seconds / progress.fraction * (1 - progress.fraction))} left"
    return said


class Bar:
    """A bar that shows how far something is, while the page waits for it."""

    def __init__(self, step: str) -> None:
        self._since = time.monotonic()
        self._place = st.empty()
        self(Progress(step, 0.0))

    def __call__(self, progress: Progress) -> None:
        text = told(progress, time.monotonic() - self._since)
        self._place.progress(min(progress.fraction, 1.0), text=shared.plain(text))

    def done(self) -> None:
        """Take the bar away."""
        self._place.empty()


@contextmanager
def waiting(step: str) -> Iterator[Bar]:
    """While the page waits: what is done, a clock that goes on by itself, and a bar with what is left."""
    with st.spinner(shared.plain(step), show_time=True):
        bar = Bar(step)
        try:
            yield bar
        finally:
            bar.done()


def once(key: Hashable, step: str, make: Callable[[OnProgress], T]) -> T:
    """What `make` gives: with its progress in view the first time, for the same visitor from memory after that.

    Args:
        key: all that the result depends on.
    """
    memory: dict[Hashable, T] = st.session_state.setdefault("worked_out", {})
    if key not in memory:
        with waiting(step) as bar:
            memory[key] = make(bar)
        for oldest in list(memory)[:-KEPT]:
            del memory[oldest]
    return memory[key]


def download(
    label: str, make: Callable[[OnProgress], bytes | str], file_name: str, mime: str, *, key: str, icon: str,
    about: object = None, help: str = "", width: str = "content",
) -> None:  # fmt: skip
    """A button that makes a file with its progress in view, and becomes the button that saves it.

    Args:
        about: what the file is about; when it changes, the file is to be made anew.
    """
    kept = f"made_{key}"
    made = st.session_state.get(kept)
    if made is not None and made[0] != about:
        made = st.session_state.pop(kept) and None
    place = st.empty()
    if made is None:
        if not place.button(label, key=f"make_{key}", icon=icon, help=help or None, width=width):  # type: ignore[arg-type]  # a literal
            return
        with place.container():
            try:
                with waiting(f"Making {file_name}") as bar:
                    made = about, make(bar)
            except InsiderError as error:
                shared.problem(error)
                return
        st.session_state[kept] = made
    place.download_button(
        f"Save {file_name}", made[1], file_name, mime, on_click="ignore", key=f"save_{key}",
        icon=":material/download:", type="primary", width=width,  # type: ignore[arg-type]  # a literal
    )  # fmt: skip
