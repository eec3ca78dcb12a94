"""What a link to the Shopper page asks for, and what of it does not exist."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from recsys.errors import InvalidInput
from recsys.recommend.recommender import Recommender, check_k, check_lane
from recsys.utils import formatting as fmt
from recsys.views.shopper import item_of_label
from recsys.views.shopper_history import chosen_level


def link_problems(
    live: Recommender,
    link: Mapping[str, Sequence[str]],
    labels: Mapping[str, Mapping[str, str]] | None = None,
    choices: Mapping[str, Sequence[str]] | None = None,
) -> list[str]:
    """What is wrong with a link to the page, one sentence each; [] when nothing is.

    Args:
        link: the values as they stand in it, by name.
        labels: for a name, what its values are called on the page; a link may use either.
        choices: for a name, what it can be (a persona, a rule set, a model), where that is a list.
    """
    named = {(name, title): value for name, titles in (labels or {}).items() for value, title in titles.items()}
    checks: dict[str, Callable[[str], object]] = {
        "k": lambda text: check_k(_whole(text)),
        "lane": check_lane,
        "category": live.allowed,
        "level": lambda name: chosen_level(live, name),
        "without": lambda item: live.model.item_rows([item_of_label(item)]),
        "plus": lambda item: live.model.item_rows([item_of_label(item)]),
    } | {name: _one_of(fmt.label(name), there) for name, there in (choices or {}).items()}
    found = (
        _refusal(check, named.get((name, text), text)) for name, check in checks.items() for text in link.get(name, ())
    )
    return [message for message in found if message]


def _one_of(what: str, there: Sequence[str]) -> Callable[[str], object]:
    def check(text: str) -> None:
        if text not in there:
            raise InvalidInput(f"{what} {text!r} does not exist (any more); there are: {', '.join(there) or 'none'}.")

    return check


def _whole(text: str) -> Any:
    """The number that a text is; the text itself when it is none."""
    try:
        return int(text)
    except ValueError:
        return text


def _refusal(check: Callable[[str], object], text: str) -> str:
    try:
        check(text)
    except InvalidInput as error:
        return str(error)
    return ""
