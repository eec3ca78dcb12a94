"""Prints how large the package is: modules, lines, folders, untyped documents, long functions.

python -m docs.figures
"""

import ast
import re
from collections import Counter
from pathlib import Path
from statistics import median

PACKAGE = Path(__file__).resolve().parent.parent / "recsys"
LONG = 60
"""Lines of a function above which it is named."""


def folders() -> Counter[str]:
    """Modules by folder, packages themselves not counted."""
    found = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    return Counter(str(path.parent.relative_to(PACKAGE.parent)) for path in found)


def figures() -> dict[str, object]:
    """Everything that is printed, by name."""
    texts = {path: path.read_text() for path in sorted(PACKAGE.rglob("*.py"))}
    lines = {path: len(text.splitlines()) for path, text in texts.items()}
    modules = {path: count for path, count in lines.items() if path.name != "__init__.py"}
    longest = max(modules, key=lambda path: modules[path])
    total = sum(lines.values())
    untyped = sum(len(re.findall(r"dict\[str, Any\]", text)) for text in texts.values())
    functions = [
        f"{path.relative_to(PACKAGE.parent)}:{node.name} ({(node.end_lineno or 0) - node.lineno + 1})"
        for path, text in texts.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno + 1 > LONG
    ]  # fmt: skip
    return {
        "lines": total,
        "modules": len(modules),
        "folders": len(folders()),
        "largest folder": folders().most_common(1)[0],
        "median module": median(modules.values()),
        "longest module": (str(longest.relative_to(PACKAGE.parent)), modules[longest]),
        "dict[str, Any] per 1,000 lines": round(1000 * untyped / total, 2),
        f"functions over {LONG} lines": functions,
    }


if __name__ == "__main__":
    for name, value in figures().items():
        print(f"{name}: {value}")
