"""Settings from the environment. Read once per process, by whoever starts the work."""

import os
from dataclasses import dataclass
from pathlib import Path

from recsys.errors import InvalidInput

PROJECT_ROOT = Path(__file__).resolve().parent.parent
IS_CHECKOUT = (PROJECT_ROOT / "app.py").is_file()
APP_ROOT = PROJECT_ROOT if IS_CHECKOUT else PROJECT_ROOT / "recsys" / "_app"
"""Where `app.py` and the pages lie: in a checkout beside the package, in an installed package within it."""
DATA_FOLDER = (PROJECT_ROOT if IS_CHECKOUT else Path.cwd()) / "data"
DEFAULT_HOME = DATA_FOLDER / "store"
COUNTERS = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable with the folder in which the processes of one server keep their counters; the metrics library
reads it when it is imported."""

MOST_ALIKE = 1
"""So many products that differ in nothing but their size stand in one list where nothing else is set."""

ROUGH_RUNS = 16
"""Quick trainings after a dataset's first one where nothing else is set."""


@dataclass(frozen=True)
class Settings:
    """Where things are kept and who may write.

    Attributes:
        home: folder of datasets, models, logs (`INSIDER_HOME`).
        database_url: SQLAlchemy URL of runs, the audit log and events, and of what is live where it is a server
            (`INSIDER_DATABASE_URL`).
        api_key: key that writes through the API must carry (`INSIDER_API_KEY`), or None.
        import_folder: folder below which the dashboard may read files of the server (`INSIDER_IMPORT_FOLDER`), or None
            for `data`.
        upload_limit: megabytes that a file uploaded on the Data page may have (`INSIDER_UPLOAD_LIMIT`, 2000).
        upload_total: megabytes that all files uploaded and not yet imported may have together
            (`INSIDER_UPLOAD_TOTAL`, 4000).
        most_alike: how many products that differ in nothing but their size stand in one list of new products; 0 for any
            number (`INSIDER_MOST_ALIKE`, 1).
        scheduler: address of a Dask scheduler (`INSIDER_SCHEDULER`), whose workers write `batch --out FOLDER` and make
            the passes of ALS in trainings; without it that is done here.
        cors_origins: origins whose pages may call the API from a browser (`INSIDER_CORS_ORIGINS`, by commas).
        rate_limit: requests a second for each key or address (`INSIDER_RATE_LIMIT`); 0 for any number.
        answer_cache_bytes: memory for answers that are given again until something changes (`INSIDER_ANSWER_CACHE_MB`).
        request_log: whether the server writes one line of JSON for every request (`INSIDER_REQUEST_LOG=1`).
        max_jobs: how many trainings and searches may run at once; the others wait (`INSIDER_MAX_JOBS`, 1).
        rough_runs: how many quick trainings with one dial turned each follow a dataset's first training, in the
            background and at low priority, so that the dials of the Train page show what they do
            (`INSIDER_ROUGH_RUNS`, 16); 0 for none.
        hosts: names under which the server may be called, beside localhost and addresses in numbers
            (`INSIDER_HOSTS`, by commas); empty for any.
        trust_loopback: whether programs and browsers of this machine may write without a key although the server is
            reachable from other machines (`INSIDER_TRUST_LOOPBACK=1`): not with a proxy on this machine.
        people_sign_in: whether `INSIDER_ROLES` is set.
        base_path: path below which a proxy shows the server (`INSIDER_BASE_PATH`), e.g. `/insider`; empty for the root.
        keep_models: how many versions stay after a training; None keeps all (`INSIDER_KEEP_MODELS`).
    """

    home: Path
    database_url: str
    api_key: str | None = None
    scheduler: str | None = None
    import_folder: str | None = None
    upload_limit: int = 2000
    cors_origins: tuple[str, ...] = ()
    rate_limit: float = 0.0
    answer_cache_bytes: int = 64_000_000
    request_log: bool = False
    max_jobs: int = 1
    keep_models: int | None = None
    hosts: tuple[str, ...] = ()
    trust_loopback: bool = False
    people_sign_in: bool = False
    base_path: str = ""
    upload_total: int = 4000
    most_alike: int = MOST_ALIKE
    rough_runs: int = ROUGH_RUNS

    @classmethod
    def from_environment(cls, home: str | os.PathLike[str] | None = None) -> "Settings":
        """Read the environment; `home`, when given, goes before `INSIDER_HOME`."""
        from recsys.environment import Environment

        found = Environment.read()
        folder = Path(home or found.home or DEFAULT_HOME).expanduser().absolute()
        if folder.exists() and not folder.is_dir():
            raise InvalidInput(f"INSIDER_HOME is {folder}, which is a file; point it at a folder.")
        return cls(
            home=folder,
            database_url=found.database_url or f"sqlite:///{folder / 'insider.sqlite'}",
            api_key=found.api_key,
            scheduler=found.scheduler,
            import_folder=found.import_folder,
            upload_limit=found.upload_limit or cls.upload_limit,
            cors_origins=found.cors_origins,
            rate_limit=found.rate_limit,
            answer_cache_bytes=int(1e6 * found.answer_cache_mb),
            request_log=found.request_log,
            max_jobs=found.max_jobs,
            keep_models=found.keep_models,
            hosts=found.hosts,
            trust_loopback=found.trust_loopback,
            people_sign_in=bool(found.roles.strip(" ;")),
            base_path=found.base_path,
            upload_total=found.upload_total or cls.upload_total,
            most_alike=MOST_ALIKE if found.most_alike is None else int(found.most_alike),
            rough_runs=ROUGH_RUNS if found.rough_runs is None else int(found.rough_runs),
        )
