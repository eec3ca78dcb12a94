"""Settings from the environment. Read once per process, by whoever starts the work."""

import os
from dataclasses import dataclass
from pathlib import Path

from recsys.errors import InvalidInput

PROJECT_ROOT = Path(__file__).resolve().parent.parent
DEFAULT_HOME = PROJECT_ROOT / "data" / "store"


@dataclass(frozen=True)
class Settings:
    """Where things are kept and who may write.

    Attributes:
        home: folder of datasets, models, logs (`INSIDER_HOME`).
        database_url: SQLAlchemy URL of runs, live pointer history and events (`INSIDER_DATABASE_URL`).
        api_key: key that writes through the API must carry (`INSIDER_API_KEY`), or None.
        scheduler: address of a Dask scheduler (`INSIDER_SCHEDULER`), or None for local processes.
    """

    home: Path
    database_url: str
    api_key: str | None = None
    scheduler: str | None = None

    @classmethod
    def from_environment(cls, home: str | os.PathLike[str] | None = None) -> "Settings":
        """Read the environment; `home`, when given, goes before `INSIDER_HOME`."""
        folder = Path(home or os.environ.get("INSIDER_HOME") or DEFAULT_HOME).expanduser().absolute()
        if folder.exists() and not folder.is_dir():
            raise InvalidInput(f"INSIDER_HOME is {folder}, which is a file; point it at a folder.")
        default_url = f"sqlite:///{folder / 'insider.sqlite'}"
        url = os.environ.get("INSIDER_DATABASE_URL") if home is None else None
        return cls(
            home=folder,
            database_url=url or default_url,
            api_key=os.environ.get("INSIDER_API_KEY") or None,
            scheduler=os.environ.get("INSIDER_SCHEDULER") or None,
        )
