"""The group `keys`: keys of the API."""

from typing import Annotated, Any

import typer

from recsys.cli import console
from recsys.cli.common import Json

KeyId = Annotated[str, typer.Argument(metavar="ID", help="The middle part of the key: ins_ID_...")]
keys = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


@keys.command("create", epilog="Example: python -m recsys keys create shop --scope read --scope events --rate 200")
def keys_create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is, or what for.")],
    scope: Annotated[
        list[str] | None, typer.Option(metavar="read|events|admin", help="What it may do; repeatable. read by default.")
    ] = None,
    rate: Annotated[float, typer.Option(metavar="N", help="Requests a second; 0: the general limit.")] = 0.0,
    as_json: Json = False,
) -> None:
    """Make a key and print it: this once, it is kept as a hash only."""
    key, text = _keys().create(name, scope or ["read"], rate=rate)
    _print_new(key, text, as_json)


@keys.command("list", epilog="Example: python -m recsys keys list")
def keys_list(as_json: Json = False) -> None:
    """List the keys, those that have ended too; never their secrets."""
    found = _keys().all()
    if as_json:
        console.document({"keys": [key.to_dict() for key in found]})
    elif not found:
        console.note("There is no key: reading is open, writing is for this machine alone.")
    else:
        rows = [
            (key.id, key.name, ", ".join(key.scopes), f"{key.rate:g}" if key.rate else "", key.state,
             f"{key.created:%Y-%m-%d %H:%M}" if key.created else "", f"{key.ends:%Y-%m-%d %H:%M}" if key.ends else "")
            for key in found
        ]  # fmt: skip
        console.table(("key", "name", "may", "per second", "state", "created (UTC)", "ends (UTC)"), rows)


@keys.command("rotate", epilog="Example: python -m recsys keys rotate 1f2e3d4c5b6a --keep-hours 24")
def keys_rotate(
    key_id: KeyId,
    keep_hours: Annotated[float, typer.Option(metavar="N", help="How long the old one goes on counting.")] = 0.0,
    as_json: Json = False,
) -> None:
    """Make a new key like an old one, which ends."""
    key, text = _keys().rotate(key_id, keep_hours=keep_hours)
    _print_new(key, text, as_json)


@keys.command("revoke", epilog="Example: python -m recsys keys revoke 1f2e3d4c5b6a")
def keys_revoke(key_id: KeyId, as_json: Json = False) -> None:
    """End a key now; servers notice within a second."""
    key = _keys().revoke(key_id)
    if as_json:
        console.document(key.to_dict())
    else:
        console.say(f"Key {key.id} ({key.name}) has ended.")


@keys.command("delete", epilog="Example: python -m recsys keys delete 1f2e3d4c5b6a")
def keys_delete(key_id: KeyId, as_json: Json = False) -> None:
    """Forget a key that has ended; when no key is left, reading is open again."""
    found = _keys()
    found.delete(key_id)
    if as_json:
        console.document({"deleted": key_id})
    else:
        console.say(f"Key {key_id} is deleted." + ("" if found.exist() else " No key is left: reading is open."))


def _keys() -> Any:
    from recsys.services.workspace import Workspace
    from recsys.storage.api_keys import ApiKeyStore

    return ApiKeyStore(Workspace().database)


def _print_new(key: Any, text: str, as_json: bool) -> None:
    if as_json:
        console.document({"key": text, **key.to_dict()})
        return
    console.say(text)
    console.note(f"Key {key.id} ({key.name}) may {' and '.join(key.scopes)}. Keep it now: it cannot be shown again.")
