"""Runs that are sick in a known way, and healthy ones: what the doctor is tried on (`make test-doctor`).

A case's `first` are the kinds of finding of which one must come first; a healthy run must list `learning` first and no
cause. The sick ones are what people report who ask why their recurrent network does not learn.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Config = dict[str, Any]
SEEDS = (0, 1, 2)
LEARNING = frozenset({"learning"})


@dataclass(frozen=True)
class Case:
    """A run and what must be found first; write: makes the file that it learns from, given the path."""

    name: str
    config: Config
    first: frozenset[str]
    write: Callable[[Path], None] | None = None

    def in_folder(self, folder: Path, seed: int) -> Config:
        """Return the configuration with a seed, its file written to a folder."""
        config = {**self.config, "seed": seed}
        if self.write is not None:
            path = folder / f"{''.join(filter(str.isalnum, self.name))}.csv"
            if not path.exists():
                self.write(path)
            config["data"] = {"kind": "upload", "files": [{"file": str(path)}], **config.get("data", {})}
        return config


def task(name: str, **fields: Any) -> Config:
    return {"kind": "task", "task": name, **fields}


def config(
    data: Config | None = None, steps: int = 300, lr: float = 0.005, optimizer: str = "adam", **more: Any
) -> Config:
    model = {
        name: more.pop(name)
        for name in ("cell", "hidden_size", "num_layers", "nonlinearity", "readout")
        if name in more
    }
    found = {"steps": steps, "model": model, "optimizer": {"name": optimizer, "learning_rate": lr}, **more}
    return found if data is None else {"data": data, **found}


def sick(name: str, kinds: str, settings: Config, write: Callable[[Path], None] | None = None) -> Case:
    return Case(name, settings, frozenset(kinds.split()), write)


def healthy(name: str, settings: Config, write: Callable[[Path], None] | None = None) -> Case:
    return Case(name, settings, LEARNING, write)


# ---- files ----


def series(values: Callable[[np.random.Generator], NDArray[np.float64]]) -> Callable[[Path], None]:
    """Return what writes a series as a table of one column."""

    def write(path: Path) -> None:
        rows = values(np.random.default_rng(7))
        path.write_text("value\n" + "".join(f"{value:.6g}\n" for value in rows))

    return write


def labelled(
    count: int,
    length: int,
    label: Callable[[np.random.Generator, NDArray[np.float64]], Any],
    values: Callable[[np.random.Generator, int], NDArray[np.float64]],
) -> Callable[[Path], None]:
    """Return what writes sequences with a label each, in long form."""

    def write(path: Path) -> None:
        rng = np.random.default_rng(11)
        rows = ["id,t,x,label"]
        for number in range(count):
            x = values(rng, length)
            word = label(rng, x)
            rows += [f"s{number},{t},{value:.6g},{word}" for t, value in enumerate(x)]
        path.write_text("\n".join(rows) + "\n")

    return write


def ar(
    rng: np.random.Generator, count: int, share: float, scale: float = 1.0, level: float = 0.0
) -> NDArray[np.float64]:
    noise = rng.normal(size=count)
    found = np.empty(count)
    now = 0.0
    for place in range(count):
        now = share * now + noise[place]
        found[place] = now
    return found * scale + level


def wave(rng: np.random.Generator, count: int, scale: float = 1.0, level: float = 0.0) -> NDArray[np.float64]:
    t = np.arange(count)
    return (np.sin(t / 5) + 0.5 * np.sin(t / 11) + 0.1 * rng.normal(size=count)) * scale + level


SERIES = {"layout": "series"}
LONG = {"layout": "long", "id": "id", "time": "t", "features": ["x"], "targets": ["label"]}
