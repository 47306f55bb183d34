"""Where a watching program sends its records: the run store of this machine, or a server of the app over HTTP."""

import json
import os
import secrets
import shlex
import subprocess
import sys
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import quote, urlsplit

from pydantic import ValidationError

from rnncore.reading import Reading
from rnncore.records import Record
from rnncore.runs.limits import LimitError
from rnncore.runs.settings import Settings, SettingsError
from rnncore.runs.store.database import StoreFault
from rnncore.runs.store.keys import watch_key
from rnncore.runs.store.lock import StoreError
from rnncore.runs.store.store import Store
from rnncore.runs.trouble import StoreTrouble
from rnncore.runs.watched import Begun, OverError, UnknownWatched, WatchedRuns
from rnncore.runs.watched_forms import Wanted, WatchedModel, WatchedReading, WatchedRecord

ANSWER_S = 10.0  # that a server may take to answer
BODY_BYTES = 200_000  # of one call; a server takes 256 kB
WORKSPACE_FILE = "watching"  # in the data folder
T = TypeVar("T")


class Away(Exception):  # noqa: N818 - it says what is wrong
    """It cannot be reached or written at this moment; it may be later."""


class Refused(Exception):  # noqa: N818 - it says what is wrong
    """It will not take these records, now or later; the message says why."""


class Target(Protocol):
    """What takes a watched model's records. Each method may raise Away or Refused.

    What is kept, and a sign of life, are answered with the readings that the program is asked for.
    """

    def begin(self, model: WatchedModel) -> Begun:
        """Begin the runs of a model."""

    def add(self, run: str, records: Sequence[Record]) -> Sequence[Wanted]:
        """Keep records of a run."""

    def read(self, run: str, reading: Reading) -> None:
        """Keep a reading of a run."""

    def beat(self, group: str) -> Sequence[Wanted]:
        """Give a sign of life."""

    def end(self, group: str, status: str, reason: str) -> None:
        """End the runs."""

    def address(self, group: str) -> str:
        """Return, in words, where they are seen."""

    def close(self) -> None:
        """Let go of what is held."""


class OwnStore:
    """The run store of this machine, which the app shows too."""

    def __init__(self, workspace: str | None) -> None:
        self._workspace = workspace
        self._store: Store | None = None

    def _watched(self) -> WatchedRuns:
        settings = Settings.from_env()
        if self._store is None:
            self._store = Store(settings.store_path)
            self._runs = WatchedRuns(self._store, settings)
        return self._runs

    def _do(self, work: Callable[[WatchedRuns], T]) -> T:
        try:
            return work(self._watched())
        except (StoreFault, StoreError, StoreTrouble, OSError) as error:
            raise Away(str(error).rstrip(".")) from error
        except LimitError as error:
            raise Refused(error.for_scripts()) from error
        except (SettingsError, OverError, UnknownWatched) as error:
            raise Refused(str(error)) from error

    def begin(self, model: WatchedModel) -> Begun:
        """Begin the runs of a model."""

        def work(runs: WatchedRuns) -> Begun:
            return runs.begin(self._workspace or own_workspace(runs.settings.data_dir), model)

        return self._do(work)

    def add(self, run: str, records: Sequence[Record]) -> Sequence[Wanted]:
        """Keep records of a run."""
        return self._do(lambda runs: runs.add(run, records))

    def read(self, run: str, reading: Reading) -> None:
        """Keep a reading of a run, as a server would."""
        form = _form_of(reading)
        self._do(lambda runs: runs.read(run, form.reading()))

    def beat(self, group: str) -> Sequence[Wanted]:
        """Give a sign of life."""
        return self._do(lambda runs: runs.beat(group))

    def end(self, group: str, status: str, reason: str) -> None:
        """End the runs."""
        self._do(lambda runs: runs.end(group, status, reason))

    def address(self, group: str) -> str:
        """Return, in words, where they are seen."""
        return f"type `{view_command()}` in a terminal to see it"

    def close(self) -> None:
        """Close the store."""
        if self._store is not None:
            self._store.close()


class Server:
    """A server of the app. workspace: whose runs they are to be; without one, the first answer brings a new one."""

    def __init__(self, url: str, workspace: str | None) -> None:
        """Raises ValueError for an address that is none."""
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
            raise ValueError(f"server: {url!r} is not an address such as http://localhost:8501")
        self._url, self._workspace, self._page = url.rstrip("/"), workspace, ""

    def begin(self, model: WatchedModel) -> Begun:
        """Begin the runs of a model."""
        answer = self._post("watched", model.model_dump())
        self._workspace, self._page = answer.get("workspace", self._workspace), answer["address"]
        runs = answer["runs"]
        return Begun(answer["group"], tuple(run["id"] for run in runs), tuple(run["label"] for run in runs))

    def add(self, run: str, records: Sequence[Record]) -> Sequence[Wanted]:
        """Keep records of a run, in as many calls as their size needs."""
        texts: list[str] = []
        for record in records:
            text = WatchedRecord.of(record).model_dump_json(exclude_none=True)
            if len(text) > BODY_BYTES:  # a profile of some 10,000 timesteps
                text = WatchedRecord.of(record).model_dump_json(exclude_none=True, exclude={"profile"})
            if texts and sum(map(len, texts)) + len(text) > BODY_BYTES:
                self._send(run, texts)
                texts = []
            texts.append(text)
        return self._send(run, texts)

    def _send(self, run: str, texts: Sequence[str]) -> Sequence[Wanted]:
        return _wanted(self._call(f"watched/{quote(run)}/records", f'{{"records": [{", ".join(texts)}]}}'.encode()))

    def read(self, run: str, reading: Reading) -> None:
        """Keep a reading of a run."""
        self._call(f"watched/{quote(run)}/readings", _form_of(reading).model_dump_json().encode())

    def beat(self, group: str) -> Sequence[Wanted]:
        """Give a sign of life."""
        return _wanted(self._post(f"watched/{quote(group)}/alive", {}))

    def end(self, group: str, status: str, reason: str) -> None:
        """End the runs."""
        self._post(f"watched/{quote(group)}/end", {"status": status, "reason": reason})

    def address(self, group: str) -> str:
        """Return, in words, where they are seen."""
        return self._page or f"{self._url}/?run={watch_key(group)}"

    def close(self) -> None:
        """There is nothing to let go of."""

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._call(path, json.dumps(body).encode())

    def _call(self, path: str, body: bytes) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        if self._workspace:
            headers["X-Workspace"] = self._workspace
        request = urllib.request.Request(f"{self._url}/api/{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
                found = json.loads(answer.read(2**20))
        except urllib.error.HTTPError as error:
            said = _sentence(error)
            raise (Away if error.code in (408, 429) or error.code >= 500 else Refused)(said) from error
        except (OSError, ValueError) as error:
            raise Away(str(error)) from error
        if not isinstance(found, dict):
            raise Refused(f"{self._url} does not answer as the app does")
        return found


def _form_of(reading: Reading) -> WatchedReading:
    """Return a reading as it is sent. Raises Refused for one that cannot be."""
    try:
        return WatchedReading.of(reading)
    except ValueError as error:
        words = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise Refused(words.removeprefix("Value error, ")) from error


def _wanted(answer: dict[str, Any]) -> list[Wanted]:
    """Return what an answer asks for; a server of before asks for nothing, and what is no question is left out."""
    asks, found = answer.get("asks", []), list[Wanted]()
    for each in asks if isinstance(asks, list) else []:
        with suppress(LookupError, TypeError, ValueError, AttributeError):
            chosen = tuple((str(name), int(value)) for name, value in sorted(each["chosen"].items()))
            found.append(Wanted(str(each["run"]), str(each["instrument"]), chosen))
    return found


def _sentence(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read(4096))["error"])
    except (OSError, ValueError, LookupError, TypeError):
        return f"it answered {error.code}"


def view_command() -> str:
    """Return the command that shows the runs of this machine, by the Python of this program, which has the package."""
    command = [sys.executable or "python", "-m", "rnncore", "view"]
    return subprocess.list2cmdline(command) if os.name == "nt" else shlex.join(command)


def own_workspace(data_dir: Path) -> str:
    """Return the workspace of the runs that are watched on this machine; the first time, a new one is kept."""
    place = data_dir / WORKSPACE_FILE
    if not place.exists():
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        keep_workspace(data_dir, secrets.token_urlsafe(16))
    return place.read_text("ascii")


def view_key(workspace: str) -> str:
    """Return what stands in the address by which a browser takes over the runs that are watched on this machine."""
    return urlsafe_b64encode(sha256(b"RNN Gradient Lab: view key\0" + workspace.encode()).digest())[:22].decode()


def keep_workspace(data_dir: Path, workspace: str) -> None:
    """Let the runs that are watched on this machine belong to a workspace from now on."""
    fresh = data_dir / f"{WORKSPACE_FILE}.new-{os.getpid()}"
    fresh.touch(mode=0o600)
    fresh.write_text(workspace, "ascii")
    fresh.replace(data_dir / WORKSPACE_FILE)
