"""Gradient profiles in the store: thinned as they come (`rnncore.thinning`), found by their step."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncore.codec import decode_profile
from rnncore.records import FloatArray
from rnncore.runs.settings import Settings
from rnncore.runs.store.database import ANY_STEP, Connection, marks
from rnncore.thinning import Row, Size, Thinner, size_of

_FIRST_PROFILES = ("hidden_grad_norm", "cell_grad_norm", "direct_grad_norm")  # columns of their own in version 0.1.0
_COLUMNS = f"step, content, layers, timesteps, {', '.join(_FIRST_PROFILES)}"


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The profiles of one step, (L, T) float32 each by name; none where they are damaged."""

    step: int
    arrays: Mapping[str, FloatArray]

    @property
    def size(self) -> Size:
        """What thinning looks at; that of a profile without any gradient where it is damaged."""
        return size_of(self.arrays.get("hidden_grad_norm", [0.0]), self.arrays.get("sequence_count"))


class ProfileRecorder:
    """Writes the profiles of one run; steps that have been recorded before are skipped."""

    def __init__(self, db: Connection, key: int, settings: Settings) -> None:
        """Pick run `key` up where the store has it."""
        self._key, self._settings = key, settings
        self._stored = profile_rows(db, key)
        self._step = self._stored[-1].step if self._stored else 0
        self._number = self._stored[-1].number + 1 if self._stored else 0
        self._thinner: Thinner | None = None

    def add(self, db: Connection, profiles: Sequence[tuple[int, bytes]]) -> None:
        """Store sealed profiles (step, `rnncore.codec.encode_profile`) and delete what is thinned out for them."""
        inserts: list[tuple[Any, ...]] = []
        deletes: list[tuple[int, int]] = []
        for step, blob in profiles:
            if step > self._step:
                arrays = decode_profile(blob)
                hidden = arrays["hidden_grad_norm"]
                row = Row(self._number, step, *size_of(hidden, arrays.get("sequence_count")))
                inserts.append((self._key, *row, *hidden.shape, blob))
                deletes += [(self._key, number) for number in self._thin(row, len(blob))]
                self._step, self._number = step, self._number + 1
        db.executemany(
            "INSERT INTO profiles (run, number, step, norm, reach_low, reach_high, layers, timesteps, content)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            inserts,
        )
        db.executemany("DELETE FROM profiles WHERE run = ? AND number = ?", deletes)

    def _thin(self, row: Row, size: int) -> list[int]:
        if self._thinner is None:
            affordable = self._settings.max_profile_mb * 2**20 // size
            self._thinner = Thinner(min(self._settings.max_profile_rows, affordable), self._stored)
            self._stored = []
        return self._thinner.add(row)


def profile_rows(db: Connection, key: int, since: int = 0) -> list[Row]:
    """Return what thinning looks at of each profile of run `key` after a step, in their order."""
    rows = db.execute(
        "SELECT number, step, norm, reach_low, reach_high FROM profiles WHERE run = ? AND step > ? ORDER BY step",
        (key, since),
    ).fetchall()
    if not rows or rows[0][3] is not None:
        return list(map(Row._make, rows))
    old = [step for _, step, _, low, _ in rows if low is None]  # version 0.1.0 did not note the reach
    reaches = {profile.step: profile.size[1:] for profile in read_profiles(db, key, since, old[-1])}
    return [Row(*row[:3], *(reaches[row[1]] if row[3] is None else row[3:])) for row in rows]


def read_profiles(
    db: Connection, key: int, since: int = 0, until: int = ANY_STEP, at_most: int | None = None
) -> list[Profile]:
    """Return the profiles of run `key` with since < step <= until, at most so many of them."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM profiles WHERE run = ? AND step > ? AND step <= ? ORDER BY step LIMIT ?",
        (key, since, until, -1 if at_most is None else at_most),
    )
    return [_profile(row) for row in rows]


def read_numbered(db: Connection, key: int, numbers: Sequence[int]) -> list[Profile]:
    """Return the profiles of run `key` with these numbers, in the order of their steps."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM profiles WHERE run = ? AND number IN ({marks(numbers)}) ORDER BY step", (key, *numbers)
    )
    return [_profile(row) for row in rows]


def shown_profile(db: Connection, key: int, step: int | None = None) -> Profile | None:
    """Return the profile that stands for a step of run `key`; None where the run has none.

    That is the one stored nearest to it, of two equally near ones the earlier; for no step (None) the newest that has
    a finite number in it. Figures and sentences of a step both speak of this one, under its own step number.
    """
    newest = None
    for profile in _nearest_first(db, key, ANY_STEP if step is None else step):
        if profile.arrays:
            if step is not None or np.isfinite(profile.arrays["hidden_grad_norm"]).any():
                return profile
            newest = newest or profile
    return newest


def _nearest_first(db: Connection, key: int, step: int) -> Iterator[Profile]:
    query = f"SELECT {_COLUMNS} FROM profiles WHERE run = ? AND step"
    before = db.execute(f"{query} <= ? ORDER BY step DESC", (key, step))
    after = db.execute(f"{query} > ? ORDER BY step", (key, step))
    low, high = next(before, None), next(after, None)
    while low or high:
        if low and (high is None or step - low[0] <= high[0] - step):
            yield _profile(low)
            low = next(before, None)
        elif high:
            yield _profile(high)
            high = next(after, None)


def _profile(row: Sequence[Any]) -> Profile:
    step, content, layers, timesteps, *first = row
    try:
        if content is not None:
            return Profile(step, decode_profile(content))
        arrays = zip(_FIRST_PROFILES, first, strict=True)
        return Profile(
            step,
            {name: np.frombuffer(blob, np.float32).reshape(layers, timesteps) for name, blob in arrays if blob},
        )
    except ValueError:  # of DamagedBlob or of a length that is not L T
        return Profile(step, {})
