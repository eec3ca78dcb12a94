"""Writes docs/architecture.md: the packages in the order in which they may import each other, as pyproject.toml has it.

    python -m docs.architecture

A test fails when the page is not what this writes.
"""

import ast
import tomllib
from itertools import pairwise
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
PAGE = FOLDER / "architecture.md"

INTRODUCTION = """\
# Architecture

Written by `python -m docs.architecture` from the import contract in `pyproject.toml`, which `make lint` checks. A
package imports from those below it, never from one above; no modules import each other in a circle; `recsys` never
imports Streamlit; pages never train, read files or touch the database.

```mermaid
flowchart TB
"""

ROADS = """\
One value is handed on along the main road:

    files -> ingest -> Dataset -> splitting -> training -> Model -> storage -> Recommender -> views -> pages

A **job** is a process of its own, started by `services/jobs.py` and run by `services/worker.py`; a page or a server
never trains in its own process. A **training run** is one training as Optuna records it; a **model version** is what
is stored of one. **Live** is the version that answers; `live.json` in the home points to it, or
a row of the table `live` where the database is a server.

## Where to find it

| question | file |
|---|---|
| Where is the dialect of a CSV file guessed? | `recsys/ingest/files/dialect.py` |
| Where is a loss computed? | `recsys/models/engine/kernels.py` |
| Where is a promotion decided? | `recsys/services/promotion.py` (what would change: `promotion_preview.py`) |
| Where does the Shopper page get its history? | `recsys/views/shopper_history.py` |
| Where is an API key checked? | `recsys/api/auth.py` |

Why things are as they are: [adr](adr).
"""


def layers() -> list[list[str]]:
    """The packages of `recsys`, those that see most first; those of one line may not import each other."""
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    return [[name.strip() for name in line.split(":")] for line in contract["layers"]]


def meaning(name: str) -> str:
    """The first sentence of a package's or a module's docstring."""
    folder = ROOT / "recsys" / name
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text())) or ""
    return " ".join(text.split("\n\n")[0].split())


def page() -> str:
    """The whole page."""
    found = layers()
    nodes = ['    pages["app.py, pages/: what people see"]']
    names = ["pages"]
    for number, line in enumerate(found):
        title = "<br/>".join(f"<b>{name}</b>" for name in line) if len(line) == 1 else " · ".join(line)
        nodes.append(f'    layer{number}["{title}"]')
        names.append(f"layer{number}")
    arrows = [f"    {above} --> {below}" for above, below in pairwise(names)]
    rows = ["| package | what it is |", "|---|---|"]
    rows += [f"| `{name}` | {meaning(name)} |" for line in found for name in line]
    return INTRODUCTION + "\n".join([*nodes, *arrows, "```", "", *rows, "", ROADS])


if __name__ == "__main__":
    PAGE.write_text(page())
