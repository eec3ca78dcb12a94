"""The notebook of the docs: its cells run in their order, in under twenty lines, and give what they say."""

import json
from pathlib import Path

import pandas as pd
import pytest

from recsys.settings import PROJECT_ROOT

CELLS = json.loads((PROJECT_ROOT / "docs" / "notebook.ipynb").read_text())["cells"]
CODE = ["".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"]


def test_the_notebook_runs_from_the_first_cell_to_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT_ROOT / "docs")
    monkeypatch.setenv("INSIDER_HOME", str(tmp_path))
    names: dict[str, object] = {}
    shown = []
    for source in CODE:
        *before, last = source.rstrip().split("\n")
        exec(compile("\n".join(before), "notebook", "exec"), names)
        try:
            shown.append(eval(compile(last, "notebook", "eval"), names))
        except SyntaxError:  # the last line of a cell is a statement, so it shows nothing
            exec(compile(last, "notebook", "exec"), names)
    tables = [x for x in shown if isinstance(x, pd.DataFrame)]
    assert {"model", "popular", "ease"} <= set(tables[0].index)
    assert tables[1].set_index("metric").loc["ndcg", "verdict"] in ("better", "worse", "cannot tell")
    assert tables[2]["fold"].max() == 2
    assert len(tables[3]) == 15
    assert len(shown[-1]) == 3


def test_it_is_short() -> None:
    assert sum(len([line for line in source.split("\n") if line.strip()]) for source in CODE) < 20
