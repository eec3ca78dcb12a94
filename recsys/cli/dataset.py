"""The group `dataset`: what is stored, imports, and what is known of each."""

from typing import TYPE_CHECKING, Annotated

import typer

from recsys.cli import console
from recsys.cli.common import Json, open_workspace

if TYPE_CHECKING:
    from recsys.dataset.documents import DatasetSummary, ImportReport

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a dataset.")]
IMPORT_EXAMPLE = "python -m recsys dataset import shop --events orders-*.csv.gz --items products.tsv --min-users 5"


datasets = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


@datasets.command("demo", epilog="Example: python -m recsys dataset demo")
def dataset_demo(as_json: Json = False) -> None:
    """Store the built-in retail data under the name demo."""
    from recsys.services.datasets import import_demo

    console.note("Reading the built-in purchases...")
    _show(import_demo(open_workspace()).summary(), as_json)


@datasets.command("list", epilog="Example: python -m recsys dataset list --json")
def dataset_list(as_json: Json = False) -> None:
    """List the stored datasets."""
    store = open_workspace().store
    found = [store.dataset_manifest(name)["summary"] for name in store.datasets()]
    if as_json:
        console.document({"datasets": found})
    elif not found:
        console.note("No dataset is stored yet. The built-in one: python -m recsys dataset demo")
    else:
        numbers = ("users", "items", "events")
        rows = [
            [d["name"], f"{d['users']:,}", f"{d['items']:,}", f"{d['events']:,}",
             " to ".join(t[:10] for t in d["period"] or ["no times"])]
            for d in found
        ]  # fmt: skip
        console.table(("name", *numbers, "period"), rows, numbers=numbers)


@datasets.command("import", epilog=f"Example: {IMPORT_EXAMPLE}")
def import_(  # long by its options alone: each is one field of the plan
    name: Name,
    events: Annotated[
        list[str] | None,
        typer.Option("--events", metavar="PATH", help="Events: a file, folder, glob or s3://address; repeatable."),
    ] = None,
    items: Annotated[
        list[str] | None, typer.Option("--items", metavar="PATH", help="The catalogue; repeatable.")
    ] = None,
    users: Annotated[
        list[str] | None, typer.Option("--users", metavar="PATH", help="What is known of users; repeatable.")
    ] = None,
    events_sql: Annotated[
        str | None, typer.Option("--events-sql", metavar="QUERY", help="A SELECT for the events, instead of files.")
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            "--database", metavar="URL", envvar="INSIDER_SOURCE_URL", help="SQLAlchemy URL the query goes to."
        ),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="[PART.]FIELD=COLUMN", help="Which column holds a field; FIELD= for none; repeatable."
        ),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option("--weight", metavar="KIND=NUMBER", help="How much a kind of event counts; 0 leaves it out."),
    ] = None,
    min_rating: Annotated[
        float | None, typer.Option("--min-rating", metavar="R", help="Ratings below are left out; middle of the scale.")
    ] = None,
    min_users: Annotated[int, typer.Option("--min-users", metavar="N", help="Leave out items with fewer users.")] = 1,
    min_items: Annotated[int, typer.Option("--min-items", metavar="N", help="Leave out users with fewer items.")] = 1,
    timestamp_format: Annotated[
        str | None, typer.Option("--timestamp-format", metavar="FORMAT", help="strptime format, iso, s, ms, us or ns.")
    ] = None,
    returns: Annotated[
        str, typer.Option("--returns", metavar="cancel|ignore", help="What rows with a negative quantity do.")
    ] = "cancel",
    drop_duplicates: Annotated[
        bool, typer.Option("--drop-duplicates", help="Count rows equal in everything once.")
    ] = False,
    header: Annotated[
        bool | None,
        typer.Option("--header/--no-header", help="Whether the first line names columns."),
    ] = None,
    separator: Annotated[
        str | None, typer.Option("--separator", metavar="CHARS", help="Between fields; found out otherwise.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option("--encoding", metavar="NAME", help="Of text files; found out otherwise.")
    ] = None,
    skip: Annotated[
        int | None, typer.Option("--skip", metavar="N", help="Lines above the header; found out otherwise.")
    ] = None,
    sheet: Annotated[
        str | None, typer.Option("--sheet", metavar="NAME", help="The only sheet of workbooks to read.")
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Store it although catalogue or users have no id of the events.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Store any shop's data: read, checked, and told of in a report."""
    from recsys.ingest.config import ImportPlan, parse_mapping, parse_weights
    from recsys.ingest.pipeline import import_dataset
    from recsys.settings import Settings
    from recsys.storage.store import Store

    plan = ImportPlan(
        name=name,
        events=tuple(events or ()),
        items=tuple(items or ()),
        users=tuple(users or ()),
        events_sql=events_sql,
        database=database if events_sql else None,
        mapping=parse_mapping(mapping or []),
        weights=parse_weights(weights or []),
        min_rating=min_rating,
        min_users=min_users,
        min_items=min_items,
        timestamp_format=timestamp_format,
        returns=returns,  # type: ignore[arg-type]  # checked where it is used
        drop_duplicates=drop_duplicates,
        header=header,
        separator={"\\t": "\t", "tab": "\t"}.get(separator or "", separator),
        encoding=encoding,
        skip=skip,
        sheet=sheet,
        anyway=anyway,
    )
    with console.ProgressOnStderr() as show_progress:
        report = import_dataset(Store(Settings.from_environment().home), plan, show_progress, addresses=True)
    _tell(report, as_json)
    if not as_json:
        console.note(f"Stored as {name}. Train on it: python -m recsys train --dataset {name} --promote")


@datasets.command("show", epilog="Example: python -m recsys dataset show demo")
def show(name: Name, as_json: Json = False) -> None:
    """Describe one dataset: counts, dates, density, repeat rate, categories, what was left out and rejected."""
    from recsys.services.workspace import Workspace

    manifest = Workspace().store.dataset_manifest(name)
    if "report" in manifest:
        _tell(manifest["report"], as_json)
    elif as_json:
        console.document(manifest["summary"])
    else:
        console.dataset(manifest["summary"])


@datasets.command("delete", epilog="Example: python -m recsys dataset delete shop")
def delete(
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Even if the live model was trained on it.")] = False,
    as_json: Json = False,
) -> None:
    """Remove a dataset. That of the live model is kept, unless forced to go."""
    from recsys.services.datasets import delete_dataset
    from recsys.services.workspace import Workspace

    orphans = delete_dataset(Workspace(), name, force=force)
    if as_json:
        console.document({"deleted": name, "models_without_data": orphans})
        return
    console.say(f"Dataset {name} is deleted.")
    if orphans:
        console.note(f"Models trained on it can still answer, but not be evaluated: {', '.join(orphans)}")


def _tell(report: "ImportReport", as_json: bool) -> None:
    from recsys.ingest.report_words import sections

    if as_json:
        console.document(report)
        return
    for section in sections(report):
        console.say()
        console.say(section.title)
        console.facts([(f"  {label}", value) for label, value in section.facts])
    first = report["rejected"]["first"]
    if first:
        console.say()
        console.say(f"The first {len(first)} of {report['rejected']['rows']:,} rejected rows")
        rows = [(x["file"], x["line"], x["reason"], x["value"]) for x in first]
        console.table(("file", "line", "reason", "value"), rows, numbers=("line",))


def _show(summary: "DatasetSummary", as_json: bool) -> None:
    if as_json:
        console.document(summary)
    else:
        console.dataset(summary)
