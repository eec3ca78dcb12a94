"""What `import recsys` offers beside the app: fit, evaluate, compare and cross-validate in a few lines of Python."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any, overload

import pandas as pd

from recsys import columns as c
from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import Split, leave_k_out, make_split, split_again, time_split
from recsys.errors import InvalidInput
from recsys.evaluation.benchmark import benchmark_of, category_codes, judge, judge_baselines
from recsys.evaluation.documents import EvaluationDocument
from recsys.evaluation.evaluate import PER_USER
from recsys.evaluation.evaluate import evaluate as evaluate_scorer
from recsys.evaluation.significance import compare as compare_evaluations
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.hyperparameters import preset as preset_named
from recsys.progress import OnProgress
from recsys.recommend.recommender import Recommender
from recsys.recommend.results import Answer, Lane
from recsys.recommend.rules import Rules
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.storage.store import Store

MOST_FOLDS = 20


@dataclass(frozen=True)
class FittedModel(Recommender):
    """A model that answers, and the data it was trained on.

    Attributes:
        dataset_source: gives the dataset; it is read when it is first asked for.
    """

    dataset_source: Callable[[], Dataset] | None = field(default=None, kw_only=True)

    @property
    def dataset(self) -> Dataset:
        """The data that the model was trained on.

        Raises:
            InvalidInput: the stored dataset has changed since.
        """
        if self.dataset_source is None:
            raise InvalidInput(f"Model {self.model.id!r} came without its dataset.")
        return self.dataset_source()

    @property
    def id(self) -> str:
        """Name of the version."""
        return self.model.id

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Metrics on the test period, in the form of `recsys.evaluate`."""
        return self.manifest.metrics

    @overload
    def recommend(
        self,
        user_id: str,
        k: int = 10,
        lane: Lane = "discover",
        category: str | Sequence[str] | None = None,
        explain: bool = False,
        rules: Rules | None = None,
    ) -> Answer: ...
    @overload
    def recommend(
        self,
        user_id: list[str] | tuple[str, ...] | pd.Series | pd.Index,
        k: int = 10,
        lane: Lane = "discover",
        category: str | Sequence[str] | None = None,
        explain: bool = False,
        rules: Rules | None = None,
    ) -> pd.DataFrame: ...
    def recommend(
        self,
        user_id: Any,
        k: int = 10,
        lane: Lane = "discover",
        category: str | Sequence[str] | None = None,
        explain: bool = False,
        rules: Rules | None = None,
    ) -> Answer | pd.DataFrame:
        """The k best items for one user, or for many.

        Args:
            user_id: one id, or a sequence of ids (list, Series, array).
            k, lane, category, explain, rules: as in `Recommender.recommend`.

        Returns:
            For one user an `Answer`; for many a DataFrame `user_id, rank, item_id, score`, rank from 1, users in the
            order given.

        Raises:
            NotFound: a user that neither the model nor the log knows; it is named.
            InvalidInput: k outside 1..1000, or an unknown lane.
        """
        if isinstance(user_id, str) or not hasattr(user_id, "__iter__"):
            return super().recommend(str(user_id), k, lane, category, explain, rules)
        answers = [super(FittedModel, self).recommend(str(x), k, lane, category, False, rules) for x in user_id]
        return pd.DataFrame(
            [(x.user, item.rank, item.item_id, item.score) for x in answers for item in x.items],
            columns=[c.USER, "rank", c.ITEM, "score"],
        )

    def save(self, home: str | PathLike[str] | None = None) -> str:
        """Store the model and its dataset in a home, whole or not at all; gives the id of the version.

        The version is not live: `python -m recsys models promote ID`, or the Models page.

        Args:
            home: folder to store in; `INSIDER_HOME` by default.

        Raises:
            InvalidInput: another dataset is stored there under this name.
            StorageProblem: the folder cannot be written.
        """
        store = Store(Settings.from_environment(home).home)
        dataset = self.dataset
        if dataset.name not in store.datasets():
            store.save_dataset(dataset)
        elif store.load_dataset(dataset.name).fingerprint != dataset.fingerprint:
            raise InvalidInput(
                f"Another dataset is stored as {dataset.name!r} in {store.home}. "
                "Give yours another name: Dataset.from_pandas(..., name=...)."
            )
        if self.model.id not in store.models():
            store.save_model(self.trained)
        return self.model.id


def load(model_id: str = "live", home: str | PathLike[str] | None = None) -> FittedModel:
    """A stored model version, ready to answer.

    Args:
        model_id: id of the version, or "live".
        home: folder it is stored in; `INSIDER_HOME` by default. Events come from the database of
            `INSIDER_DATABASE_URL` where that is set, else from the file in the folder.

    Raises:
        NoModel, NotFound, Corrupted: from `recsys.errors`, each with what to do.
    """
    workspace = Workspace(Settings.from_environment(home))
    found = workspace.load(model_id)
    return FittedModel(
        found.model,
        found.map,
        found.activity,
        narrow=found.narrow,
        dataset_source=lambda: workspace.dataset_of(found.model.id),
    )


def fit(
    dataset: Dataset,
    preset: str = "default",
    *,
    seed: int = 0,
    on_progress: OnProgress = lambda _: None,
    **settings: Any,
) -> FittedModel:
    """Train a model on a dataset, in this process. Nothing is stored: `model.save()` does that.

    Args:
        preset: "fast", "default" or "best".
        seed: seed of everything random.
        settings: hyperparameters that differ from the preset, for instance `components=64`; all of them are the fields
            of `recsys.Hyperparameters`.

    Raises:
        InvalidInput: an unknown preset or hyperparameter, a value outside its range, or nothing to learn from.
        Diverged: the training did not settle.
    """
    from recsys.training.train import train

    model = train(dataset, _recipe(preset, settings), seed=seed, on_progress=on_progress)
    return FittedModel(model, dataset_source=lambda: dataset)


def evaluate(model: Recommender, dataset: Dataset, k: int = 10, baselines: bool = False) -> EvaluationDocument:
    """Metrics of a model on its test period, which it has not learned from, each with a 95% interval.

    Args:
        dataset: the one the model was trained on.
        k: length of the lists.
        baselines: judge the simple methods beside it, not bestsellers alone.

    Returns:
        What `python -m recsys evaluate --json` prints: `["lanes"]["discover"]["model"]["ndcg"]["value"]` and so on.

    Raises:
        InvalidInput: the model was trained on other data.
    """
    trained = model.trained
    trained.check_dataset(dataset)
    split = split_again(dataset, trained.manifest.split)
    against = judge_baselines(split, trained.items, trained.category_levels, k=k) if baselines else None
    return judge(trained, dataset, k=k, baselines=against)


def compare(a: Recommender, b: Recommender, dataset: Dataset, k: int = 10) -> pd.DataFrame:
    """Two models on the same shoppers and purchases, paired user by user.

    Args:
        a, b: models trained on `dataset` with the same test period.

    Returns:
        One row for each metric: `metric, a, b, difference, low, high, p_value, verdict, users`. `difference` is a
        minus b with its 95% interval (bootstrap); the verdict on a is that of the paired randomisation test.

    Raises:
        InvalidInput: one was trained on other data, or they have different test periods.
    """
    first, second = a.trained, b.trained
    for model in (first, second):
        model.check_dataset(dataset)
    split = split_again(dataset, first.manifest.split)
    if split_again(dataset, second.manifest.split).describe() != split.describe():
        raise InvalidInput(
            f"Models {first.id!r} and {second.id!r} have different test periods; train both with the same split."
        )
    codes = category_codes(first.items, first.category_levels)
    found = [
        evaluate_scorer(model, split.training.counts, split.judged, k=k, categories=codes, popularity=first.popularity)
        for model in (first, second)
    ]
    rows = []
    for metric in PER_USER:
        if metric not in found[0].values:
            continue
        paired = compare_evaluations(found[0], found[1], metric)
        means = [float(x.values[metric].mean()) if len(x.users) else float("nan") for x in found]
        rows.append((metric, *means, paired.difference, paired.low, paired.high, paired.p_value, paired.verdict))
    columns = ["metric", "a", "b", "difference", "low", "high", "p_value", "verdict"]
    return pd.DataFrame(rows, columns=columns).assign(users=len(found[0].users))


def cross_validate(
    dataset: Dataset,
    preset: str = "default",
    folds: int = 3,
    *,
    k: int = 10,
    seed: int = 0,
    baselines: bool = False,
    **settings: Any,
) -> pd.DataFrame:
    """Train and judge on several test periods, each one earlier than the one before: is a figure more than one month?

    The first fold ends with the data; every further fold ends where the test period of the one before it begins, and
    sees nothing later. Data without times are split at random with another seed for each fold.

    Args:
        folds: how many, 1 to 20.
        baselines: judge every simple method in each fold, not bestsellers alone.
        settings: hyperparameters that differ from the preset.

    Returns:
        One row for each fold and method: `fold, test_start, test_end, users, method` and the mean of each metric.

    Raises:
        InvalidInput: the data are too short for so many folds; says how many fit.
    """
    if not 1 <= folds <= MOST_FOLDS:
        raise InvalidInput(f"folds is {folds}; choose 1 to {MOST_FOLDS}.")
    recipe = _recipe(preset, settings)
    from recsys.training.train import train

    rows = []
    for number, (part, split) in enumerate(_folds(dataset, folds), start=1):
        model = train(part, recipe, seed=seed, split=split)
        against = judge_baselines(split, model.items, model.category_levels, k=k) if baselines else None
        lane = benchmark_of(model, split, k=k, baselines=against).lanes["discover"]
        for name, judged in lane.items():
            means = {metric: part_of["value"] for metric, part_of in judged.summary().items()}
            rows.append({
                "fold": number, "test_start": split.test_start, "test_end": split.end, "users": len(judged.users),
                "method": name, **means,
            })  # fmt: skip
    return pd.DataFrame(rows)


def _folds(dataset: Dataset, folds: int) -> list[tuple[Dataset, Split]]:
    first = make_split(dataset)
    if first.kind != "time":
        return [(dataset, leave_k_out(dataset, seed=number)) for number in range(folds)]
    day = pd.Timedelta(days=1)
    test_days = (first.end - first.test_start) / day
    validation_days = (first.test_start - first.validation_start) / day
    found = [(dataset, first)]
    while len(found) < folds:
        part, split = found[-1]
        events = part.events[part.events[c.TIMESTAMP] < split.test_start].reset_index(drop=True)
        earlier = replace(part, events=events, notes={k: v for k, v in part.notes.items() if k != "split_end"})
        try:
            found.append((earlier, time_split(earlier, test_days=test_days, validation_days=validation_days)))
        except InvalidInput as error:
            raise InvalidInput(
                f"Dataset {dataset.name!r} is too short for {folds} folds of {test_days:.0f} days each; "
                f"{len(found)} fit: folds={len(found)}."
            ) from error
    return found


def _recipe(preset: str, settings: Mapping[str, object]) -> Hyperparameters:
    base = preset_named(preset)
    return Hyperparameters.from_dict({**base.to_dict(), **settings}) if settings else base


__all__ = ["Dataset", "FittedModel", "compare", "cross_validate", "evaluate", "fit", "load"]
