"""Printing: results on stdout, everything else on stderr, text from data always as text."""

import errno
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from recsys.errors import InsiderError, InvalidInput, NoModel, StorageProblem

if TYPE_CHECKING:
    from recsys.progress import OnProgress, Progress
    from recsys.recommend.recommender import RankedItem

WIDTH_WITHOUT_TERMINAL = 140
DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
DATABASE_IS_FULL = ("disk is full", "disk I/O error")


_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_ABOVE_ASCII = re.compile(r"[\x7f-\x9f]")


def plain(words: str, style: str = "") -> Text:
    """Text for the terminal, which it cannot take for commands: titles and ids may hold anything."""
    return Text(_UNSEEN.sub("\ufffd", words), style=style)


def say(line: str = "") -> None:
    """One line of the result."""
    _console().print(plain(line), soft_wrap=True)


def note(line: str) -> None:
    """One line of progress or advice, on stderr."""
    _console(stderr=True).print(plain(line), soft_wrap=True)


def document(content: Mapping[str, Any]) -> None:
    """The one JSON document of a command."""
    from recsys.utils.json_values import jsonable

    escape = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    text = json.dumps(jsonable(content), indent=2, ensure_ascii=escape, allow_nan=False)
    sys.stdout.write(_ABOVE_ASCII.sub(lambda mark: f"\\u{ord(mark[0]):04x}", text) + "\n")


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[str] = ()) -> None:
    """A table; columns named in `numbers` are set to the right."""
    grid = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        grid.add_column(plain(heading), justify="right" if heading in numbers else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(plain("" if cell is None else str(cell)) for cell in row))
    _console().print(grid)


def facts(pairs: Iterable[tuple[str, object]]) -> None:
    """Names and values, one pair a line."""
    grid = Table.grid(padding=(0, 3, 0, 0))
    for name, value in pairs:
        grid.add_row(plain(name, style="bold"), plain(str(value)))
    _console().print(grid)


def items(found: "Sequence[RankedItem]") -> None:
    """A ranked list."""
    rows = [(x.rank, x.item_id, x.title, " › ".join(x.category), f"{x.score:.4f}") for x in found]
    table(("", "item", "title", "category", "score"), rows, numbers=("", "score"))


def metrics(found: Mapping[str, Any]) -> None:
    """A table for each lane: one row per metric, one column per method, values with their intervals."""
    from recsys.utils import formatting as fmt

    for lane, methods in found["lanes"].items():
        say(f"Lane {lane}, {found['users']:,} users:")
        rows = []
        for name, measure in fmt.measures(found["k"]).items():
            if any(name in method for method in methods.values()):
                cells = [fmt.interval(method.get(name, {}), is_share=measure.share) for method in methods.values()]
                rows.append((measure.title, *cells))
        table(("", *(fmt.method(method) for method in methods)), rows)
    apart = found.get("without_history")
    if apart:
        say(f"Shoppers without a history, {apart['users']:,}, where every simple method shows what is popular lately:")
        ndcg = {name: fmt.interval(x["ndcg"], is_share=False) for name, x in apart["methods"].items()}
        table(("", "NDCG@" + str(found["k"])), [(fmt.method(name), value) for name, value in ndcg.items()])
    for name, why in found.get("left_out", {}).items():
        say(f"{fmt.method(name)} {why}.")


def verdicts(found: Mapping[str, Any]) -> None:
    """A table for each lane: the model against each method, shopper by shopper, and what can be told from it."""
    from recsys.utils import formatting as fmt

    for lane, compared in found["comparisons"].items():
        if not compared:
            continue
        say()
        rows = [
            (fmt.method(name), f"{x['difference']:+.4f}", f"{x['low']:+.4f} to {x['high']:+.4f}",
             f"{x['p_value']:.4f}", x["verdict"])
            for name, x in compared.items()
        ]  # fmt: skip
        headings = (f"{lane}: this model against", f"NDCG@{found['k']} difference", "95% interval", "p", "verdict")
        table(headings, rows, numbers=(headings[1], "p"))
    if found.get("near_duplicates") == "not capped":
        say("Judged by their own rankings: the cap on near-duplicates in a served list is not laid over them.")
    for name, chosen in found.get("chosen", {}).items():
        if note := chosen.get("note"):
            say(f"{fmt.method(name)}: {note}.")


def dataset(summary: Mapping[str, Any]) -> None:
    """What is known of a dataset."""
    notes = summary.get("notes", {})
    facts(
        [
            ("name", summary["name"]),
            ("users", f"{summary['users']:,}"),
            ("items", f"{summary['items']:,} ({summary['items_without_events']:,} without events)"),
            ("events", f"{summary['events']:,} over {summary['pairs']:,} pairs of user and item"),
            ("period", " to ".join(summary["period"] or ["no timestamps in the data"])),
            ("density", f"{summary['density']:.4%}"),
            ("bought again", f"{summary['repeat_rate']:.1%} of pairs"),
            *((f"{level} names", f"{count:,}") for level, count in summary["categories"].items()),
            *((f"{name} known", f"{x['known']:.0%}") for name, x in summary["user_attributes"].items()),
            *((key, text) for key, text in notes.items() if key != "left_out"),
            *((f"left out: {why}", f"{count:,} rows") for why, count in notes.get("left_out", {}).items()),
        ]
    )


class ProgressOnStderr:
    """Shows how far a training is: a bar that moves on a terminal, a line per pass anywhere else."""

    def __enter__(self) -> "OnProgress":
        from rich import progress as rich_progress

        self._bar: rich_progress.Progress | None = None
        self._last = ""
        if sys.stderr.isatty():
            columns = (
                rich_progress.TextColumn("{task.description}", markup=False),
                rich_progress.BarColumn(),
                rich_progress.TaskProgressColumn(),
            )
            self._bar = rich_progress.Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("Starting", total=1.0)
            self._bar.start()
        return self._show

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _show(self, progress: "Progress") -> None:
        line = _progress_line(progress)
        if self._bar is not None:
            self._bar.update(self._task, completed=progress.fraction, description=line)
        elif line != self._last:
            note(f"{progress.fraction:4.0%} {line}")
        self._last = line


def _progress_line(progress: "Progress") -> str:
    from recsys.utils.formatting import duration

    parts = [progress.step]
    if progress.epoch:
        parts.append(f"pass {progress.epoch} of {progress.epochs}")
    if progress.curve:
        parts.append(f"validation NDCG@10 {progress.curve[-1]['ndcg']:.4f}")
    if progress.seconds_left is not None:
        parts.append(f"about {duration(progress.seconds_left)} left")
    return ", ".join(parts)


def exit_code(error: Exception) -> int:
    """2 when the user's input is wrong, 1 for anything else.

    A home that cannot be written is the user's choice of INSIDER_HOME; a disk that is full is not.
    """
    if isinstance(error, StorageProblem):
        full = getattr(error.__cause__, "errno", None) in DISK_IS_FULL or any(x in str(error) for x in DATABASE_IS_FULL)
        return 1 if full else 2
    if isinstance(error, (InvalidInput, NoModel, PermissionError, NotADirectoryError)):
        return 2
    return 1


def explain(error: Exception) -> str:
    """What to print of an error: its own words where they are meant to be read, otherwise as much as is known."""
    if isinstance(error, InsiderError):
        return str(error)
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}. Check INSIDER_HOME and its permissions."
    return (
        f"Unexpected {type(error).__name__}: {error}. This should not happen; "
        "python -X dev -m recsys ... shows where it did."
    )


def _console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else WIDTH_WITHOUT_TERMINAL)
