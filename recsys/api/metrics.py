"""What `/metrics` gives: counters of one API application, and values that are read at each request."""

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.responses import Response

from recsys.errors import InsiderError
from recsys.recommend.recommender import Answer
from recsys.services.workspace import Workspace
from recsys.settings import COUNTERS

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class ApiMetrics:
    """Counters of one API application; where several processes serve, every one of them tells the sum."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        registry = self._registry = CollectorRegistry()
        self._requests = Counter(
            "insider_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "insider_request_seconds", "Time to answer.", ["route"], buckets=BUCKETS, registry=registry
        )
        self._answers = Counter(
            "insider_answers", "Recommendations given, by how the user was known.", ["path", "lane"], registry=registry
        )
        self._asked = Counter("insider_items_asked", "Items asked for (k), summed over answers.", registry=registry)
        self._given = Counter("insider_items_given", "Items given; divided by those asked: fill rate.",
                              registry=registry)  # fmt: skip
        self._events = Counter("insider_events", "Events received, by what became of them.", ["result"],
                               registry=registry)  # fmt: skip
        self._stale = Counter(
            "insider_stale_answers", "Answers given from what was known, while the database could not be read.",
            registry=registry,
        )  # fmt: skip
        self._read_now = _ReadNow(workspace)
        # Looking a counter up takes longer than counting. Labels have few values, so that this stays small.
        self._of_request: Callable[[str, str, int], tuple[Counter, Histogram]] = cache(
            lambda method, route, status: (
                self._requests.labels(method, route, str(status)),
                self._seconds.labels(route),
            )
        )
        self._of_answer: Callable[[str, str], Counter] = cache(self._answers.labels)

    def request(self, method: str, route: str, status: int, seconds: float, *, stale: bool = False) -> None:
        """Count a request that was answered. `stale`: the database could not be read for it."""
        count, time = self._of_request(method, route, status)
        count.inc()
        time.observe(seconds)
        if stale and status < 400:
            self._stale.inc()

    def answer(self, answer: Answer, k: int) -> None:
        """Count an answer to a request for k items."""
        self.answered(answer.path, answer.lane, k, len(answer.items))

    def answered(self, path: str, lane: str, k: int, items: int) -> None:
        """Count an answer of so many items, by its path and lane."""
        self._of_answer(path, lane).inc()
        self._asked.inc(k)
        self._given.inc(items)

    def events(self, accepted: int, duplicates: int) -> None:
        """Count events that were taken, and those that the log had already."""
        self._events.labels("accepted").inc(accepted)
        self._events.labels("duplicate").inc(duplicates)

    def text(self) -> Response:
        """All of it in Prometheus' text format."""
        read_now = CollectorRegistry()
        read_now.register(self._read_now)
        counted = self._registry
        if COUNTERS in os.environ:
            counted = CollectorRegistry()
            MultiProcessCollector(counted)
        else:
            ProcessCollector(registry=read_now)
        return Response(generate_latest(counted) + generate_latest(read_now), media_type=CONTENT_TYPE_PLAIN_0_0_4)


class _ReadNow(Collector):
    """Whether a model is live, how old it is, and how much of the log it has not learned."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        live = GaugeMetricFamily("insider_model_live", "1 while a model is live and can be loaded.")
        age = GaugeMetricFamily("insider_model_age_seconds", "Time since the live model was trained.")
        waiting = GaugeMetricFamily(
            "insider_events_not_learned", "Logged events that came after the live model's training data."
        )
        lag = GaugeMetricFamily("insider_event_lag_seconds", "Age of the oldest of them.")
        database = GaugeMetricFamily("insider_database_up", "1 while the database can be read.")
        try:
            answers = self._workspace.load()
            count, oldest = answers.activity.waiting() if answers.activity is not None else (0, None)
        except InsiderError:
            live.add_metric([], 0)
        else:
            now = datetime.now(UTC)
            live.add_metric([], 1)
            age.add_metric([], (now - answers.manifest.created_at).total_seconds())
            waiting.add_metric([], count)
            lag.add_metric([], (now - oldest.replace(tzinfo=UTC)).total_seconds() if oldest else 0.0)
        database.add_metric([], int(self._workspace.database.failing_since is None))
        return (live, age, waiting, lag, database)
