"""Which runs a request is about: an id says so, which may do everything, or a watch key, which may only look."""

from typing import Any

from cachetools import LRUCache
from starlette.requests import Request

from dashboard.server.http import ID, NOT_FOUND, ApiError
from rnncore.runs.active import RunStatus
from rnncore.runs.store.keys import WATCH_KEY, watch_key
from rnncore.runs.store.store import Store, StoredRun

_known: LRUCache[str, str] = LRUCache(4096)  # the ids of watch keys: neither ever changes


def key_in(request: Request, name: str = "run") -> str:
    """Return the id or watch key in the address; ApiError 404 for what cannot be one."""
    value = str(request.path_params[name])
    if not is_key(value):
        raise ApiError(404, NOT_FOUND)
    return value


def is_key(text: str) -> bool:
    """Tell whether a text can be an id or a watch key."""
    return bool(ID.fullmatch(text) or WATCH_KEY.fullmatch(text))


def watches(key: str) -> bool:
    """Tell whether a key is one that may only look."""
    return WATCH_KEY.fullmatch(key) is not None


def runs_at_key(store: Store, key: str) -> list[StoredRun]:
    """Return the runs that an id or a watch key stands for: those of a group in their order, or the one run."""
    return store.watched(key) if watches(key) else store.named(key)


def id_of(store: Store, key: str) -> str:
    """Return the id of the run that an id or a watch key stands for; an id as it is, whether there is such a run.

    Raises ApiError 404 for a watch key of no run.
    """
    if not watches(key):
        return key
    found = _known.get(key) or store.id_of(key)
    if found is None:
        raise ApiError(404, NOT_FOUND)
    _known[key] = found
    return found


def known_id(store: Store, key: str) -> str:
    """Return the id that a key stands for, the key itself where there is no such run."""
    try:
        return id_of(store, key)
    except ApiError:
        return key


def watch_address(address: str) -> str:
    """Return an address (ids and watch keys with commas between them) with watch keys alone."""
    return ",".join(each if watches(each) else watch_key(each) for each in address.split(","))


def status_json(status: RunStatus, key: str, group: str | None = None) -> dict[str, Any]:
    """Return a run's status for who has asked by `key`; a watch key is told no id, no note and nothing of other runs.

    group: the group's watch key, where it was asked by that.
    """
    fields = status.to_json()
    if not watches(key):
        return fields
    own = watch_key(status.run.id)
    return fields | {"id": own, "watch": own, "group": group, "group_watch": group, "note": "", "files": []}
