"""`python -m benchmarks SUBJECT [--json] [options of the subject]`: one process run measures both sides.

SUBJECT is a module of this folder with a function `run(options: list[str]) -> list[dict]`, each
`{"name", "ours", "theirs", "unit", "ratio", "target", "met", "runs"}`; `theirs`, `ratio`, `target`, `met` may be null.
"""

import importlib
import json
import os
import platform
import sys
from pathlib import Path

HERE = Path(__file__).parent


def machine() -> dict[str, object]:
    """What it was measured on."""
    names = [line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.processor(), "cores": os.cpu_count(), "system": platform.system(),
        "python": platform.python_version(), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def main() -> int:
    subjects = sorted(x.stem for x in HERE.glob("*.py") if not x.stem.startswith("_"))
    arguments = [x for x in sys.argv[1:] if x != "--json"]
    if not arguments or arguments[0] not in subjects:
        print(f"python -m benchmarks SUBJECT [--json]; SUBJECT is one of: {', '.join(subjects)}", file=sys.stderr)
        return 2
    sys.path.insert(0, str(HERE.parent))
    results = importlib.import_module(f"benchmarks.{arguments[0]}").run(arguments[1:])
    if "--json" in sys.argv:
        print(json.dumps({"subject": arguments[0], "machine": machine(), "results": results}, indent=2))
        return 0
    for line in results:
        sides = f"{line['ours']:,.4g} {line['unit']}"
        if line.get("theirs") is not None:
            sides += f"   against {line['theirs']:,.4g}   ratio {line['ratio']:.3g}"
        if line.get("target") is not None:
            sides += f"   target {line['target']:g}: {'met' if line['met'] else 'MISSED'}"
        print(f"{line['name']}: {sides}   ({line['runs']} runs) {line.get('note', '')}".rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
