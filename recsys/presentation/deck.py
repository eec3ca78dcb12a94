"""A presentation as one HTML file that needs nothing else: interactive charts, keys, speaker notes, pages to print."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, Template
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from recsys.presentation.pictures import Picture, picture_of
from recsys.presentation.slides import Presentation
from recsys.progress import OnProgress, Progress, silent
from recsys.services.workspace import Workspace

TEMPLATE = "deck.html.j2"


def deck(
    workspace: Workspace, name: str, presentation: Presentation, theme: str = "light", on_progress: OnProgress = silent
) -> str:
    """The presentation as it is now; see `deck_of`."""
    pictures = []
    for place, slide in enumerate(presentation.slides):
        on_progress(Progress(f"Slide {place + 1} of {len(presentation.slides)}", place / len(presentation.slides)))
        pictures.append(picture_of(workspace, slide, theme))
    return deck_of(name, pictures, theme)


def deck_of(name: str, pictures: Sequence[Picture], theme: str = "light") -> str:
    """One HTML document. Everything that comes from people's data is escaped.

    Args:
        name: title of the document.
        pictures: the slides, in order.
        theme: "light" or "dark".
    """
    figures = [None if picture.figure is None else _json(picture) for picture in pictures]
    return _template().render(
        name=name, slides=list(zip(pictures, figures, strict=True)), theme=theme, plotly=Markup(get_plotlyjs())
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True)


def _template() -> Template:
    return _environment().get_template(TEMPLATE)


def _json(picture: Picture) -> Markup:
    """The figure as JSON that cannot end the script element it stands in."""
    assert picture.figure is not None
    text = str(picture.figure.to_json())
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))
