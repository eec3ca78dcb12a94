"""One home, opened: where the pages, the API and the command line get its parts, its models and its datasets."""

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from recsys.dataset.dataset import Dataset
from recsys.errors import InsiderError
from recsys.models.manifest import ModelManifest
from recsys.models.model import check_fingerprint
from recsys.recommend.recommender import Recommender
from recsys.services.loaders.dataset_loader import DatasetLoader, OpenDataset
from recsys.services.loaders.model_loader import ModelLoader
from recsys.settings import Settings
from recsys.storage.database import Database
from recsys.storage.event_log import EventLog, Mark
from recsys.storage.jobs import JobStore
from recsys.storage.live_row import LiveRow
from recsys.storage.store import Store
from recsys.storage.unlearned_events import mark_of

if TYPE_CHECKING:
    from recsys.storage.trials.training_runs import TrainingRuns


class Workspace:
    """Datasets, models and runs of one home. Nothing is created until something is written. Safe between threads.

    Attributes:
        settings: where the home and its database are.
        store: datasets and models, as files, and what is live: a file too, or a row of a database server.
        database: jobs, the audit log, notes, documents, keys and events.
        job_store: the jobs.
        event_log: events that came after the import.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings.from_environment()
        self.database = Database(self.settings.database_url)
        shared = self.database.sqlite_file() is None
        self.store = Store(self.settings.home, LiveRow(self.settings.home, self.database) if shared else None)
        self.job_store = JobStore(self.database)
        self.event_log = EventLog(self.database)
        self._datasets = DatasetLoader(self.store, self.event_log)
        self._models = ModelLoader(
            self.store, self.event_log, self.dataset_of, most_alike=self.settings.most_alike
        )  # fmt: skip

    @cached_property
    def training_runs(self) -> "TrainingRuns":
        """Every training of this home and of the searches."""
        from recsys.storage.trials.training_runs import TrainingRuns

        return TrainingRuns(self.settings.database_url)

    # Datasets

    def datasets(self) -> list[str]:
        """Names of the stored datasets."""
        return self.store.datasets()

    def dataset(self, name: str) -> Dataset:
        """A stored dataset with the events of its log so far; NotFound or Corrupted when it cannot be read."""
        self.store.dataset_manifest(name)
        return self.open_dataset(name, self.event_log.head(name)).dataset

    def open_dataset(self, name: str, mark: Mark) -> OpenDataset:
        """A stored dataset with the events of its log up to a mark."""
        return self._datasets.open(name, mark)

    def dataset_of(self, model_id: str) -> Dataset:
        """The very data a version was trained on; InvalidInput when they have changed since."""
        manifest = self.store.model_manifest(model_id)
        return check_fingerprint(manifest, self.open_dataset(manifest.dataset, mark_of(manifest)).dataset)

    # Models

    def live_id(self) -> str | None:
        """Id of the live version, or None."""
        return self.store.live()[0]

    def answering_id(self) -> str | None:
        """Id of the version that answers: the live one or, where that is gone or damaged, an earlier one that is whole;
        None where nothing is live. Raises as `load` where none is whole."""
        live = self.live_id()
        return live if live is None or self.live_manifest() is not None else self.load().model.id

    def live_manifest(self) -> ModelManifest | None:
        """What is known of the live version without reading its arrays; None where there is none, or it is damaged."""
        live = self.live_id()
        try:
            return None if live is None else self.store.model_manifest(live)
        except InsiderError:
            return None

    def load(self, model_id: str = "live") -> Recommender:
        """Answers from one version, as `ModelLoader.load`."""
        return self._models.load(model_id)

    def damaged_live(self) -> str:
        """What is wrong with the live version, as `ModelLoader.damaged_live`."""
        return self._models.damaged_live()

    def serving(self) -> Recommender | None:
        """Answers that take no loading, as `ModelLoader.serving`."""
        return self._models.serving()

    def before_fork(self) -> None:
        """Close what two processes must not share; it is opened again when it is needed."""
        self.event_log.close()
        self.database.close()


@lru_cache(maxsize=4)
def open_workspace(settings: Settings) -> Workspace:
    """The workspace of these settings in this process: dashboard and API share it, and with it the loaded models."""
    return Workspace(settings)
