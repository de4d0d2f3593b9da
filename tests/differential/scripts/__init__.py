"""The scripts: each is a function that talks, and names the APIs it speaks in every version that both sides know."""

from typing import NamedTuple

NEWEST = 1 << 15


class Script(NamedTuple):
    """A conversation to be had with either side."""

    name: str
    apis: tuple
    run: object
    door: str
    since: dict


ALL = []


def script(*apis, door="anyone", **since):
    """Registers a function as a script; its docstring says what it finds out.

    `door` is the one for `anyone`, or that for `accounts`, where the talk begins logged in, or as a `stranger`. `since`
    has the first versions of APIs whose older ones it has no use for.
    """

    def register(function):
        ALL.append(Script(function.__name__, apis, function, door, since))
        return function

    return register


def versions(spoken, apis):
    """Every combination that clients of some age would choose: `spoken` are the ranges that both sides know."""
    oldest = min(spoken[api].first for api in apis)
    newest = max(spoken[api].last for api in apis)
    made = (
        {api: min(max(age, spoken[api].first), spoken[api].last) for api in apis} for age in range(oldest, newest + 1)
    )
    return list({tuple(one.values()): one for one in made}.values())


# Each registers its scripts when it is imported.
from . import admin, fetch, groups, hostile, login, metadata, offsets, refusals  # noqa: E402, F401
