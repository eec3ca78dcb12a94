"""One home, opened: what the pages, the API and the command line all go through."""

import dataclasses
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from recsys import columns as c
from recsys.dataset import demo
from recsys.dataset.dataset import Dataset
from recsys.errors import Corrupted, InsiderError, InvalidInput, NoModel, NotFound
from recsys.models.hyperparameters import PRESETS, Hyperparameters
from recsys.models.model import check_fingerprint
from recsys.progress import OnProgress, Progress
from recsys.recommend.recommender import Recommender
from recsys.services import job_process
from recsys.settings import Settings
from recsys.storage import audit
from recsys.storage.database import Database
from recsys.storage.event_log import EventLog, Mark
from recsys.storage.event_merge import merge_log
from recsys.storage.jobs import Job, JobStore
from recsys.storage.new_entries import with_new_items, with_new_users, with_news
from recsys.storage.store import Store
from recsys.storage.unlearned_events import UnlearnedEvents, mark_of

logger = logging.getLogger("insider")

if TYPE_CHECKING:
    from recsys.dataset.splitting import Split
    from recsys.evaluation.benchmark import Baselines
    from recsys.storage.training_runs import TrainingRuns
    from recsys.training.search import SearchPlan

MODELS_IN_MEMORY = 3
DATASETS_IN_MEMORY = 2
SECONDS_TO_TRY_AGAIN = 10.0

logger = logging.getLogger(__name__)


class Workspace:
    """Datasets, models and runs of one home. Nothing is created until something is written. Safe between threads."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings.from_environment()
        self.store = Store(self.settings.home)
        self.database = Database(self.settings.database_url)
        self.job_store = JobStore(self.database)
        self.event_log = EventLog(self.database)
        self._lock = threading.RLock()
        self._damaged: dict[str, tuple[str, str]] = {}
        self._loading = threading.Lock()
        self._served: tuple[str, bool] | None = None
        self._next: tuple[str, bool] | None = None
        self._models: OrderedDict[tuple[str, bool], Recommender] = OrderedDict()
        self._enlarged: OrderedDict[tuple[str, bool], tuple[int, Recommender]] = OrderedDict()
        self._datasets: OrderedDict[tuple[str, str, Mark], _OpenDataset] = OrderedDict()

    @cached_property
    def training_runs(self) -> "TrainingRuns":
        """Every training of this home and of the searches."""
        from recsys.storage.training_runs import TrainingRuns

        return TrainingRuns(self.settings.database_url)

    # Datasets

    def datasets(self) -> list[str]:
        """Names of the stored datasets."""
        return self.store.datasets()

    def dataset(self, name: str) -> Dataset:
        """A stored dataset with the events of its log so far; NotFound or Corrupted when it cannot be read."""
        self.store.dataset_manifest(name)
        return self._open_dataset(name, self.event_log.head(name)).dataset

    def not_learned(self, name: str) -> int:
        """How many logged events of a dataset came after the training data of the live model."""
        live = self.live_id()
        manifest = self.store.model_manifest(live) if live is not None else None
        mark = mark_of(manifest) if manifest is not None and manifest["dataset"] == name else Mark()
        return self.event_log.waiting(name, mark.events)[0]

    def logged_dataset(self) -> str:
        """Name of the dataset whose log receives events: that of the live model."""
        live = self.live_id()
        return str(self.load().manifest["dataset"] if live is None else self.store.model_manifest(live)["dataset"])

    def import_demo(self) -> Dataset:
        """Store the built-in dataset as `demo`."""
        dataset = demo.load_demo()
        self.store.save_dataset(dataset)
        return dataset

    # Models

    def models(self) -> list[dict[str, Any]]:
        """Stored versions, newest first, without their arrays."""
        live = self.live_id()
        found = []
        for model_id in self.store.models():
            manifest = self.store.model_manifest(model_id)
            kept = (
                "id",
                "dataset",
                "fingerprint",
                "created",
                "recipe",
                "seed",
                "epochs",
                "seconds",
                "metrics",
                "curve",
                "lineage",
                "split",
            )
            found.append(
                {key: manifest.get(key) for key in kept}
                | {"live": model_id == live, "has_map": self.store.has_map(model_id)}
            )
        return sorted(found, key=lambda model: str(model["created"]), reverse=True)

    def live_id(self) -> str | None:
        """Id of the live version, or None."""
        return self.store.live()[0]

    def live_manifest(self) -> dict[str, Any] | None:
        """What is known of the live version without reading its arrays; None where there is none, or it is damaged."""
        live = self.live_id()
        try:
            return None if live is None else self.store.model_manifest(live)
        except InsiderError:
            return None

    def load(self, model_id: str = "live") -> Recommender:
        """Answers from one version; "live" follows the live pointer.

        When a file of the live version was changed, the one that was live before it answers, and a warning names the
        damage; `damaged_live` says so to whoever asks.

        Raises:
            NoModel: nothing is live yet.
            NotFound: no such version.
            Corrupted: a file of it was changed, and for "live" there is no earlier version that is whole.
        """
        if model_id != "live":
            return self._load(model_id)
        wanted, earlier = self.store.live()
        if wanted is None:
            raise NoModel("No model is live yet. Train one, or store the demo: python -m recsys train --promote")
        if wanted in self._damaged:
            return self._load(self._damaged[wanted][0])
        try:
            return self._load(wanted)
        except Corrupted as error:
            for version in earlier:
                try:
                    found = self._load(version)
                except (Corrupted, NotFound):
                    continue
                logger.warning("%s Model %r answers instead.", error, version)
                self._damaged[wanted] = version, str(error)
                return found
            raise

    def damaged_live(self) -> str:
        """What is wrong with the live version and which one answers instead; empty when all is well."""
        live = self.live_id()
        if live is None or live not in self._damaged:
            return ""
        instead, reason = self._damaged[live]
        return f"{reason} Model {instead!r}, which was live before, answers instead: go back to it, or train again."

    def _load(self, wanted: str) -> Recommender:
        key = (wanted, self.store.has_map(wanted))
        with self._lock:
            if key in self._models:
                return self._opened(key)
        with self._loading:
            if key not in self._models:
                model = self.store.load_model(wanted)
                recommender = Recommender(
                    model, self._map_unless_damaged(wanted), UnlearnedEvents(self.event_log, model)
                )
                with self._lock:
                    self._models[key] = recommender
                    self._models.pop((wanted, not key[1]), None)
            with self._lock:
                return self._opened(key)

    def serving(self) -> Recommender | None:
        """Answers that take no loading: from the live version or, while that is being loaded, from the one before it.

        None when there is nothing loaded to answer from.
        """
        live = self.live_id()
        if live is None:
            return None
        if live in self._damaged:
            live = self._damaged[live][0]
        key = (live, self.store.has_map(live))
        with self._lock:
            if key in self._models:
                self._served = key
                return self._opened(key)
            if self._served is None or self._served not in self._models:
                return None
            if self._next != key:
                self._next = key
                threading.Thread(target=self._load_next, daemon=True, name=f"load {live}").start()
            return self._opened(self._served)

    def before_fork(self) -> None:
        """Close what two processes must not share; it is opened again when it is needed."""
        self.event_log.close()
        self.database.close()

    def _load_next(self) -> None:
        try:
            self.load().warm()
        except InsiderError as error:
            logger.error("The new live model cannot be used, the one before it goes on answering: %s", error)
            time.sleep(SECONDS_TO_TRY_AGAIN)
        finally:
            self._next = None

    def _opened(self, key: tuple[str, bool]) -> Recommender:
        self._models.move_to_end(key)
        while len(self._models) > MODELS_IN_MEMORY:
            self._enlarged.pop(self._models.popitem(last=False)[0], None)
        return self._with_new_items(key)

    def _with_new_items(self, key: tuple[str, bool]) -> Recommender:
        """The answers from a loaded model, over its items and those announced since."""
        base = self._models[key]
        version, announced = base.recent.new_items() if base.recent is not None else (0, {})
        if not announced:
            return base
        known = self._enlarged.get(key)
        if known is None or known[0] != version:
            known = (
                version,
                dataclasses.replace(base, model=with_new_items(base.model, announced), as_trained=base.model),
            )
            self._enlarged[key] = known
        return known[1]

    def promote(self, model_id: str, *, who: str = "", note: str = "", instead_of: str | None = "any") -> str:
        """Make a version live, in one step, after checking that it is whole.

        Args:
            who, note: for the audit log; the account of this process by default.
            instead_of: the version this was decided against. When another one is live by now, nothing changes.

        Raises:
            InvalidInput: somebody else promoted another version in the meantime.
        """
        self.load(model_id)
        with self.store.changing_live(), self.database.begin() as connection:
            before = self._live_unless_damaged()
            if instead_of not in ("any", before):
                raise InvalidInput(
                    f"Model {before!r} was made live in the meantime, so {model_id!r} was not: compare the two first."
                )
            audit.write(connection, "promote", model_id, who=who, before=before, note=note)
            self.store.set_live(model_id)
        return model_id

    def rollback(self, *, who: str = "") -> str:
        """Make the version live that was live before; gives its id."""
        self.load(self.store.earlier())
        with self.store.changing_live(), self.database.begin() as connection:
            before = self.live_id()
            model_id = self.store.earlier()
            audit.write(connection, "rollback", model_id, who=who, before=before)
            self.store.roll_back()
        return model_id

    def delete_model(self, model_id: str, *, who: str = "", note: str = "") -> None:
        """Remove a version; the live one is refused."""
        with self.store.changing_live(), self.database.begin() as connection:
            audit.write(connection, "delete", model_id, who=who, note=note)
            self.store.delete_model(model_id)

    def dataset_of(self, model_id: str) -> Dataset:
        """The very data a version was trained on; InvalidInput when they have changed since."""
        return self._same_data(self.store.model_manifest(model_id))

    def evaluate(self, model_id: str = "live", *, k: int = 10, baselines: bool = False) -> dict[str, Any]:
        """Metrics of a version on what was held out of its training, in the form of `evaluate --json`."""
        from recsys.dataset.splitting import split_again
        from recsys.evaluation.benchmark import judge
        from recsys.storage.baseline_cache import baselines_of

        model = self.load(model_id).trained
        data = self._same_data(model.manifest)
        against = baselines_of(self.store, data, split_again(data, model.manifest["split"]), k=k) if baselines else None
        return judge(model, data, k=k, baselines=against)

    # Shoppers and items

    def history(self, user_id: str, *, model_id: str = "live", limit: int | None = None) -> pd.DataFrame:
        """What a user did, most recent first.

        Returns:
            `item_id`, `title`, the category levels, `count`, `first`, `last`, `value`, and `after_cut`: whether the
            first of it lies in the held-out part, so that the model has not learned from it.
        """
        answers = self.load(model_id)
        model = answers.model
        opened = self._open_dataset(model.manifest["dataset"], mark_of(model.manifest))
        dataset = opened.dataset
        pairs = opened.interactions
        news = answers.recent.news(user_id) if answers.recent is not None else None
        known = news is None or user_id in dataset.user_index
        span = pairs.of_user(dataset.user_row(user_id)) if known else slice(0, 0)
        rows = pairs.counts.indices[span]
        table = dataset.items.iloc[rows][[c.ITEM, c.TITLE, *dataset.category_levels]].reset_index(drop=True)
        table[c.COUNT] = pairs.counts.data[span].astype(int)
        table[c.FIRST] = pairs.first[span]
        table[c.LAST] = pairs.last[span]
        table[c.VALUE] = pairs.value[span]
        cut: Any = pd.Timestamp(model.manifest["split"]["test_start"])
        if pd.isna(cut):
            learned = model.history.counts.indices[model.history.of_user(model.user_row(user_id))] if known else []
            table["after_cut"] = ~np.isin(rows, learned)
        else:
            table["after_cut"] = table[c.FIRST] >= cut
        if news is not None:
            table = with_news(table, news, model)
        table = table.sort_values([c.LAST, c.COUNT, c.ITEM], ascending=[False, False, True], ignore_index=True)
        return table if limit is None else table.head(limit)

    def find_users(self, query: str = "", attributes: Mapping[str, str] | None = None, limit: int = 20) -> pd.DataFrame:
        """Users whose id begins with (or else contains) `query` and who have all `attributes`.

        Returns:
            `user_id`, the attributes, `purchases`, `products`, `last`; ids that match from the start come first.
        """
        answers = self.load()
        opened = self._open_dataset(answers.manifest["dataset"], mark_of(answers.manifest))
        table = opened.user_table
        if answers.recent is not None:
            table = with_new_users(table, answers.recent, opened.dataset.user_index, query)
        for name, value in (attributes or {}).items():
            if name not in opened.dataset.user_attributes:
                known = ", ".join(opened.dataset.user_attributes) or "none"
                raise InvalidInput(f"No user attribute {name!r}; there are: {known}.")
            table = table[table[name] == value]
        if query:
            ids = table[c.USER]
            table = table[ids.str.contains(query, regex=False)]
            exact = ~table[c.USER].eq(query)
            begins = ~table[c.USER].str.startswith(query)
            table = table.assign(_exact=exact, _begins=begins).sort_values(["_exact", "_begins"], kind="stable")
            table = table.drop(columns=["_exact", "_begins"])
        return table.head(limit).reset_index(drop=True)

    def find_items(self, query: str = "", limit: int = 20) -> pd.DataFrame:
        """Items whose id is `query` or whose title and categories hold all its words, most popular first.

        Returns:
            `item_id`, `title`, the category levels, `brand`, `price`, `popularity` (how many users have had it).
        """
        model = self.load().model
        keep = [x for x in (c.ITEM, c.TITLE, *model.category_levels, c.BRAND, c.PRICE) if x in model.items]
        table = model.items[keep].assign(popularity=model.popularity)
        matches = np.ones(len(table), dtype=bool)
        for word in query.lower().split():
            matches &= model.search_text.str.contains(word, regex=False).to_numpy(dtype=bool)
        found = table[matches | (table[c.ITEM] == query).to_numpy(dtype=bool)]
        order = np.lexsort((-found["popularity"].to_numpy(), ~(found[c.ITEM] == query).to_numpy(dtype=bool)))
        return found.iloc[order[:limit]].reset_index(drop=True)

    # Runs

    def start_demo(self) -> Job:
        """Store the built-in data and train a first model, in a job of its own."""
        run = self.ensure_demo(even_with_model=True)
        if run is None:
            raise InvalidInput("The demo is being prepared already.")
        return run

    def ensure_demo(self, *, even_with_model: bool = False) -> Job | None:
        """Start the demo job if nothing is live and no such job is under way; the run that was started, or None."""
        if self.live_id() is not None and not even_with_model:
            return None
        run_id = self.job_store.create_unless_active("demo", demo.NAME, PRESETS["default"].to_dict(), promote=True)
        return None if run_id is None else self.launch(run_id)

    def start_training(self, dataset: str, recipe: Hyperparameters, *, seed: int = 0, promote: bool = False) -> Job:
        """Train on a stored dataset, in a job of its own."""
        self.store.dataset_manifest(dataset)
        return self.launch(self.job_store.create("train", dataset, recipe.to_dict(), seed=seed, promote=promote))

    def start_search(self, plan: "SearchPlan") -> Job:
        """Search for a better recipe and train the best one found, in a job of its own."""
        self.store.dataset_manifest(plan.dataset)
        return self.launch(self.job_store.create("search", plan.dataset, plan.to_dict(), seed=plan.seed, promote=False))

    def start_map(self, model_id: str, settings: Mapping[str, Any] | None = None) -> Job:
        """Draw the map of a version, in a job of its own; `settings` as `MapSettings` has them."""
        manifest = self.store.model_manifest(model_id)
        run_id = self.job_store.create(
            "map", manifest["dataset"], dict(settings or {}), seed=manifest["seed"], promote=False, model=model_id
        )
        return self.launch(run_id)

    def start_quality(self, model_id: str) -> Job:
        """Find out how good a version is, beside the baselines and in every segment, in a job of its own."""
        manifest = self.store.model_manifest(model_id)
        run_id = self.job_store.create(
            "quality", manifest["dataset"], {}, seed=manifest["seed"], promote=False, model=model_id
        )
        return self.launch(run_id)

    def run(self, run_id: int) -> Job:
        """One run as it stands now."""
        return self.job_store.get(run_id)

    def runs(self, limit: int = 50) -> list[Job]:
        """The newest runs."""
        return self.job_store.newest(limit)

    def cancel(self, run_id: int) -> None:
        """Ask a run to stop, and its process with it."""
        pid = self.job_store.request_cancel(run_id)
        if pid is not None:
            job_process.stop(pid)

    def train_now(
        self,
        dataset: str,
        recipe: Hyperparameters,
        *,
        seed: int = 0,
        promote: bool = False,
        on_progress: OnProgress | None = None,
        source: str = "Python",
        run: int | None = None,
        baselines: bool = True,
    ) -> Recommender:
        """Train in this process, store the version, and promote it if asked to.

        Args:
            source: who asked for it, for the list of trainings: "page", "command line", "search NAME".
            run: the job that does it.
            baselines: judge it beside every simple method, those that are kept or else fitted now; without, or for very
                large data, beside the most popular products only.
        """
        from recsys.storage.baseline_cache import MOST_EVENTS, baselines_of
        from recsys.training.train import train

        data, live = self.dataset(dataset), self._live_unless_damaged()
        about = {"source": source, "run": run, "parent": live}
        with self.training_runs.recording(dataset, data.fingerprint, recipe, seed=seed, **about) as record:

            def follow(progress: Progress) -> None:
                record.follow(progress)
                if on_progress is not None:
                    on_progress(progress)

            def shelf(split: "Split") -> "Baselines":
                return baselines_of(self.store, data, split)

            wanted = baselines and len(data.events) <= MOST_EVENTS
            model = train(data, recipe, seed=seed, on_progress=follow, baselines=shelf if wanted else None)
            model.manifest["lineage"] = {"training": record.id, **about}  # type: ignore[index]  # not stored yet
            self.store.save_model(model)
            record.done(model.manifest, model.id)
        if promote:
            self.promote(model.id)
        return self.load(model.id)

    def launch(self, run_id: int) -> Job:
        """Start the process of a run that is in the queue."""
        self.job_store.attach(run_id, job_process.launch(run_id, self.settings))
        return self.job_store.get(run_id)

    def _map_unless_damaged(self, model_id: str) -> pd.DataFrame | None:
        """The map of a version; a damaged one must not keep the model from answering."""
        try:
            return self.store.load_map(model_id)
        except Corrupted:
            return None

    def _live_unless_damaged(self) -> str | None:
        try:
            return self.live_id()
        except Corrupted:
            return None

    def _same_data(self, manifest: Mapping[str, Any]) -> Dataset:
        return check_fingerprint(manifest, self._open_dataset(manifest["dataset"], mark_of(manifest)).dataset)

    def _open_dataset(self, name: str, mark: Mark) -> "_OpenDataset":
        """A dataset with its log up to a mark."""
        key = (name, self.store.dataset_manifest(name)["checksum"], mark)
        with self._lock:
            if key not in self._datasets:
                stored = self.store.load_dataset(name)
                self._datasets[key] = _OpenDataset(merge_log(stored, self.event_log, mark))
            self._datasets.move_to_end(key)
            while len(self._datasets) > DATASETS_IN_MEMORY:
                self._datasets.popitem(last=False)
            return self._datasets[key]


@lru_cache(maxsize=4)
def open_workspace(settings: Settings) -> Workspace:
    """The workspace of these settings in this process: dashboard and API share it, and with it the loaded models."""
    return Workspace(settings)


class _OpenDataset:
    """A dataset and what is worked out from it once."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    @cached_property
    def interactions(self) -> Any:
        return self.dataset.interactions()

    @cached_property
    def user_table(self) -> pd.DataFrame:
        pairs = self.interactions
        per_user = pd.DataFrame({"user": np.repeat(np.arange(self.dataset.n_users), np.diff(pairs.counts.indptr)),
                                 "count": pairs.counts.data, "last": pairs.last}).groupby("user")  # fmt: skip
        table = self.dataset.users.copy()
        table["purchases"] = per_user["count"].sum().reindex(range(len(table)), fill_value=0).astype(int)
        table["products"] = np.diff(pairs.counts.indptr)
        table["last"] = per_user["last"].max().reindex(range(len(table)))
        return table
