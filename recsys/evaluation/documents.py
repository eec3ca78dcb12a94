"""How evaluations are written down, as JSON holds them: `evaluate --json`, manifests and quality reports."""

from collections.abc import Mapping
from typing import TypedDict

from recsys.evaluation.significance import Verdict

Measured = dict[str, float | None]
"""A mean as `{"value", "low", "high"}`: the ends of its 95% interval are left out where it has none, and None like the
value where nobody could be judged."""

Metrics = dict[str, Measured]
"""By metric: "ndcg", "precision", ..."""


class ComparisonDocument(TypedDict):
    """A `significance.Comparison`."""

    metric: str
    difference: float
    low: float
    high: float
    p_value: float
    verdict: Verdict
    users: int


class WithoutHistory(TypedDict):
    """Shoppers of whom nothing was known: the model, and what every simple method shows there ("fallback")."""

    users: int
    methods: dict[str, Metrics]
    comparison: ComparisonDocument


class BenchmarkDocument(TypedDict):
    """A `benchmark.Benchmark`: `lanes` and `comparisons` by lane and method.

    `users` are those with a history who had something new in the period. Every method is judged by its own ranking,
    without the cap that a served list has on products that differ in nothing but their size: "near_duplicates" says so.
    """

    k: int
    users: int
    lanes: dict[str, dict[str, Metrics]]
    comparisons: dict[str, dict[str, ComparisonDocument]]
    chosen: dict[str, Mapping[str, float | str]]
    left_out: dict[str, str]
    without_history: WithoutHistory | None
    near_duplicates: str


class EvaluationDocument(BenchmarkDocument):
    """What `evaluate --json` prints: the benchmark of a stored model on the period held out of its training."""

    model: str
    dataset: str
    split: Mapping[str, object]


class HealthDocument(TypedDict):
    """Health checks, worst first: each with its "name", "state" and "sentence"."""

    worst: str
    checks: list[dict[str, str]]


class SegmentDocument(TypedDict):
    """A `segments.Segment`."""

    kind: str
    name: str
    measure: str
    users: int
    value: float
    low: float
    high: float
    popular: float
    verdict: Verdict
    examples: list[str]


class NoiseDocument(TypedDict):
    """A `seed_variance.Noise`."""

    seeds: int
    ndcg: list[float]
    spread: float
    overlap: float


class ColdItems(TypedDict):
    """NDCG@10 of lists of products that were kept out of a training; `level` is the category level that
    "popular_in_categories" does best with."""

    held_out: int
    users: int
    level: str | None
    methods: Metrics
    comparison: ComparisonDocument | None


class ColdUsers(TypedDict):
    """NDCG@10 for shoppers who were kept out of a training, `known` of their latest products told (None: all).

    "trained" is the stored model's own embedding of the same shoppers, which did learn from them.
    """

    known: int | None
    users: int
    methods: Metrics
    comparison: ComparisonDocument


class ColdStart(TypedDict):
    """What a model shows for products and to shoppers that it has not learned from."""

    items: ColdItems
    users: list[ColdUsers]


class QualityReport(TypedDict):
    """Everything that is found out about one version, as it is stored with it."""

    model: str
    dataset: str
    fingerprint: str
    made: str
    split: Mapping[str, object]
    evaluation: BenchmarkDocument
    segments: list[SegmentDocument]
    noise: NoiseDocument
    health: HealthDocument
    cold_start: ColdStart
