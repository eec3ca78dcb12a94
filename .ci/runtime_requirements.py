"""Prints requirements.txt without what only the tests need, pins and hashes untouched. Used by the Dockerfile.

A package is kept when pyproject.toml's `dependencies` name it, or when a kept package asks for it: `make lock` writes
who asks for what into requirements.txt, as `# via` lines.
"""

import re
import sys
import tomllib
from pathlib import Path

ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==.*(?:\n[ #].*)*\n?", re.MULTILINE)
ASKED_BY = re.compile(r"^    #(?:   | via )(?P<name>\S+)", re.MULTILINE)


def normalised(requirement: str) -> str:
    """`Foo_Bar[extra]>=1` -> `foo-bar`, the form that requirements.txt uses."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    if name is None:
        raise ValueError(f"{requirement!r} does not begin with the name of a package")
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def runtime_requirements(lock: str, direct: list[str]) -> str:
    """The entries of `lock` that `direct` needs, in the order of `lock`.

    Raises:
        ValueError: a direct requirement has no entry.
    """
    entries = {normalised(match["name"]): match[0] for match in ENTRY.finditer(lock)}
    kept = {normalised(requirement) for requirement in direct}
    if missing := sorted(kept - entries.keys()):
        raise ValueError(f"requirements.txt does not pin {', '.join(missing)}: run `make lock`")
    asked_by = {name: {match["name"] for match in ASKED_BY.finditer(entry)} for name, entry in entries.items()}
    while more := {name for name, askers in asked_by.items() if askers & kept} - kept:
        kept |= more
    return "".join(entry for name, entry in entries.items() if name in kept)


def main(folder: Path) -> None:
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    sys.stdout.write(runtime_requirements((folder / "requirements.txt").read_text(), project["dependencies"]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
