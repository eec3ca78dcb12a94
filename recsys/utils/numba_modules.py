"""Modules of compiled functions, loaded where they are needed: numba is not imported before."""

import tempfile
from importlib import import_module
from types import ModuleType


def numba_module(name: str) -> ModuleType:
    """A module of this package whose functions numba compiles, once for a machine that has a folder to keep them in."""
    try:
        return import_module(f"recsys.{name}")
    except RuntimeError:  # no folder that numba may keep compiled code in: a read-only container, say
        import numba

        vars(numba.config)["CACHE_DIR"] = tempfile.mkdtemp(prefix="insider-")
        return import_module(f"recsys.{name}")
