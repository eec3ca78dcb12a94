"""The group `rules`, and the command `expectations`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recsys.cli import console
from recsys.cli.common import Json, open_workspace
from recsys.errors import InvalidInput

if TYPE_CHECKING:
    from recsys.services.workspace import Workspace

rules = typer.Typer(rich_markup_mode=None, help="Rule sets: filters, pins, boosts and variety over the model.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a rule set.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.add_typer(rules, name="rules", epilog="Example: python -m recsys rules --json")
    app.command("expectations", epilog="Example: python -m recsys expectations --model live")(expectations)


@rules.callback(invoke_without_command=True, epilog="Example: python -m recsys rules")
def rules_list(ctx: typer.Context, as_json: Json = False) -> None:
    """List the rule sets, or do something with one."""
    ctx.obj = as_json
    if ctx.invoked_subcommand is not None:
        return
    sets = _sets()
    served = sets.served_names()
    stored = [sets.get(name) for name in [*served, *(name for name in sets.names() if name not in served)]]
    found = [
        {
            "name": each.name, "version": each.version, "served": each.name in served,
            "place": served.index(each.name) + 1 if each.name in served else None, "rules": each.to_dict(),
        }
        for each in stored
    ]  # fmt: skip
    if as_json:
        console.document({"rules": found})
    elif not found:
        console.note("No rule set is stored yet. Make one on the Shopper page, or: python -m recsys rules save")
    else:
        rows = [
            (f"served {f['place']}" if f["served"] else "", f["name"], str(f["version"]), json.dumps(f["rules"]))
            for f in found
        ]
        console.table(("", "name", "version", "rules"), rows, numbers=("version",))


@rules.command("show", epilog='Example: python -m recsys rules show "No garden"')
def rules_show(name: Name, as_json: Json = False) -> None:
    """Print the newest version of a rule set."""
    found = _sets().get(name)
    console.document({"name": found.name, "version": found.version, "rules": found.to_dict()})


@rules.command("save", epilog='Example: python -m recsys rules save "No garden" rules.json')
def rules_save(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="The rules, as `rules show` prints them.")],
    as_json: Json = False,
) -> None:
    """Store a rule set from a file, as a new version."""
    from recsys.recommend.compiled_rules import compile_rules
    from recsys.recommend.rules import Rules

    given = _read(file)
    wanted = Rules.from_dict(given.get("rules", given))
    workspace = open_workspace()
    if workspace.live_id() is not None:
        compile_rules(wanted, workspace.load().model)
    saved = _sets(workspace).save(name, wanted)
    if as_json:
        console.document({"name": saved.name, "version": saved.version})
    else:
        console.say(f"Rule set {saved.name} is stored as version {saved.version}.")


@rules.command("serve", epilog='Example: python -m recsys rules serve Christmas "No garden"')
def rules_serve(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME|off...", help="Names of rule sets, the first to be tried first, or off for none."),
    ],
    as_json: Json = False,
) -> None:
    """Lay rule sets over every answer of the API that does not ask otherwise.

    Each answer follows the first set whose conditions (days, segments, placements) hold.
    """
    from recsys.services.workbench.rule_sets import OFF

    if OFF in names and len(names) > 1:
        raise InvalidInput(f"{OFF!r} means no rules at all; leave it out, or leave the other names out.")
    served = [rules.name for rules in _sets().serve_all([name for name in names if name != OFF])]
    if as_json:
        console.document({"served": served})
    else:
        console.say(f"Served, the first that applies: {', '.join(served)}." if served else "No rules are served.")


@rules.command("undo", epilog="Example: python -m recsys rules undo")
def rules_undo(as_json: Json = False) -> None:
    """Serve what was served before the last change."""
    served = [rules.name for rules in _sets().undo_serving()]
    if as_json:
        console.document({"served": served})
    else:
        console.say(f"Served again: {', '.join(served)}." if served else "No rules are served.")


@rules.command("price", epilog='Example: python -m recsys rules price "No garden" --json')
def rules_price(
    name: Name,
    model: Annotated[str, typer.Option(metavar="ID", help='A model version, or "live".')] = "live",
    as_json: Json = False,
) -> None:
    """Judge every list with and without the rules on what was held out of training."""
    from dataclasses import asdict

    from recsys.views.rule_cost import priced

    workspace = open_workspace()
    found = priced(workspace, model, _sets(workspace).get(name))
    if as_json:
        console.document({"rules": name, **asdict(found.price)})
        return
    console.say(found.sentence)
    rows = [(line.title, line.before, line.value) for line in found.lines]
    console.table(("measure", "without", "with"), rows, numbers=("without", "with"))


@rules.command("delete", epilog='Example: python -m recsys rules delete "No garden"')
def rules_delete(name: Name, as_json: Json = False) -> None:
    """Remove a rule set that is not served."""
    _sets().delete(name)
    if as_json:
        console.document({"deleted": name})
    else:
        console.say(f"Rule set {name} is deleted.")


def expectations(
    model: Annotated[str, typer.Option(metavar="ID", help='A model version, or "live".')] = "live",
    as_json: Json = False,
) -> None:
    """Check every expectation against a version; ends with 1 when an expectation is not met."""
    from recsys.services.workbench.expectations import Expectations

    workspace = open_workspace()
    against = workspace.load() if workspace.live_id() is not None else None
    found = Expectations(workspace.database).check(workspace.load(model), against=against)
    if as_json:
        console.document(
            {
                "model": workspace.load(model).model.id,
                "expectations": [
                    {"name": v.expectation.name, "ok": v.ok, "failures": list(v.failures), "change": v.change}
                    for v in found
                ],
            }
        )
    elif not found:
        console.note("No expectation is saved yet. Save one on the Shopper page, under Expectations.")
    else:
        for verdict in found:
            console.say(f"{'ok  ' if verdict.ok else 'NOT '} {verdict.expectation.name}  {' '.join(verdict.failures)}")
            if verdict.change:
                console.say(f"     against the live model: {verdict.change}")
    if any(not verdict.ok for verdict in found):
        raise typer.Exit(1)


def _read(file: Path) -> dict[str, Any]:
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read as JSON: {error}.") from None
    if not isinstance(given, dict):
        raise InvalidInput(f'{file} must hold one object, for example {{"diversity": 0.3}}.')
    return given


def _sets(workspace: "Workspace | None" = None) -> Any:
    from recsys.services.workbench.rule_sets import RuleSets

    return RuleSets((workspace or open_workspace()).database)
