"""What a watching program says of its model and of each step; checked, since it may come from anywhere."""

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from rnncore.key_of import either
from rnncore.on_demand import ON_DEMAND
from rnncore.reading import Panel, Reading
from rnncore.records import FloatArray, Record, number
from rnncore.runs.foreign_readings import check_layers, check_texts
from rnncore.words import visible

MAX_MODULES = 6  # that are shown: as many as a board has room for
MAX_NAME = 100
MAX_PATH, MAX_LAYERS, MAX_UNITS = 300, 64, 1_000_000  # of a module that is shown
MAX_NUMBERS = 100_000  # of a reading
MAX_CELLS = 200_000  # numbers of one profile, layers times timesteps
_NUMBERS = ("learning_rate", "grad_norm", "clip_coef", "update_norm")
KEY = "watched"  # in the config of a watched run, which is none that could be trained


def is_watched(config: Mapping[str, Any]) -> bool:
    """Tell by what is stored in place of a config whether a run trains in a program of its user."""
    return KEY in config


def is_reverse(config: Mapping[str, Any]) -> bool:
    """Tell whether a run is the reverse direction of a watched module."""
    return bool(config.get(KEY, {}).get("reverse", False))


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WatchedModule(_Form):
    """A recurrent module of a watched model. name: in the model, '' where the model is the module."""

    name: str = Field("", max_length=MAX_PATH)
    cell: Literal["rnn", "lstm", "gru"]
    hidden_size: int = Field(ge=1, le=MAX_UNITS)
    num_layers: int = Field(ge=1, le=MAX_LAYERS)
    reverse: bool = False

    @property
    def words(self) -> str:
        """What it is called: 'encoder', 'encoder, reverse'; '' of a model that is the module."""
        return ", ".join(filter(None, (visible(self.name), "reverse" if self.reverse else "")))


class WatchedModel(_Form):
    """A watched model: its name, and its recurrent modules, each direction of a bidirectional one by itself."""

    name: str = Field(min_length=1, max_length=MAX_NAME)
    modules: tuple[WatchedModule, ...] = Field(min_length=1, max_length=MAX_MODULES)

    @field_validator("name")
    @classmethod
    def _readable(cls, name: str) -> str:
        if not (name := visible(name).strip()):
            raise ValueError("a name with visible characters is needed")
        return name

    def labels(self) -> list[str]:
        """Return what the runs are called: the model's name, with the module's where there are several."""
        if len(self.modules) == 1:
            return [self.name]
        return [": ".join(filter(None, (self.name, module.words))) for module in self.modules]

    def config(self, module: WatchedModule) -> dict[str, Any]:
        """Return what stands in place of a config: all that is known, and nothing that is not."""
        model = module.model_dump(include={"cell", "hidden_size", "num_layers"})
        return {KEY: {"name": self.name, "module": module.name, "reverse": module.reverse}, "model": model}


class WatchedProfile(_Form):
    """Gradient profiles of one step, each layers x timesteps little-endian float32 in base64; count: one row."""

    layers: int = Field(ge=1, le=MAX_LAYERS)
    timesteps: int = Field(ge=1, le=MAX_CELLS)
    hidden: str
    direct: str | None = None
    cell: str | None = None
    count: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> "WatchedProfile":
        if self.layers * self.timesteps > MAX_CELLS:
            raise ValueError(f"{self.layers} layers x {self.timesteps} timesteps are above the {MAX_CELLS:,} allowed")
        for name in ("hidden", "direct", "cell", "count"):
            text, rows = getattr(self, name), 1 if name == "count" else self.layers
            if text is not None:
                _numbers(name, text, rows, self.timesteps)
        return self

    def arrays(self) -> dict[str, FloatArray]:
        """Return the profiles by the names that records have for them."""
        found = {
            "hidden_grad_norm": _numbers("hidden", self.hidden, self.layers, self.timesteps),
            "direct_grad_norm": self.direct and _numbers("direct", self.direct, self.layers, self.timesteps),
            "cell_grad_norm": self.cell and _numbers("cell", self.cell, self.layers, self.timesteps),
        }
        if self.count is not None:
            found["sequence_count"] = np.repeat(_numbers("count", self.count, 1, self.timesteps), self.layers, axis=0)
        return {name: array for name, array in found.items() if isinstance(array, np.ndarray)}

    @classmethod
    def of(cls, record: Record) -> "WatchedProfile | None":
        """Return the profiles of a record, None where it has none."""
        hidden = record.hidden_grad_norm
        if hidden is None:
            return None
        layers, timesteps = hidden.shape
        others = {"direct": record.direct_grad_norm, "cell": record.cell_grad_norm}
        texts = {name: _text(array) for name, array in others.items() if array is not None}
        if record.sequence_count is not None:
            texts["count"] = _text(record.sequence_count[0])
        return cls(layers=layers, timesteps=timesteps, hidden=_text(hidden), **texts)


class WatchedRecord(_Form):
    """One step of a watched model; None for what is not known, "Infinity" or "NaN" for what is not finite."""

    model_config = ConfigDict(ser_json_inf_nan="strings")

    step: int = Field(ge=1, le=2**53)
    elapsed_s: float = Field(ge=0, allow_inf_nan=False)
    loss: float | None = None
    learning_rate: float | None = None
    grad_norm: float | None = None
    clip_coef: float | None = None
    update_norm: float | None = None
    profile: WatchedProfile | None = None

    def record(self) -> Record:
        """Return it as a run's record, with NaN for what is not known and inf for what is not finite."""
        known: dict[str, Any] = {name: number(getattr(self, name)) for name in _NUMBERS}
        arrays: Any = self.profile.arrays() if self.profile else {}
        loss = number(self.loss)
        return Record(step=self.step, epoch=0, train_loss=loss, elapsed_s=self.elapsed_s, **known, **arrays)

    @classmethod
    def of(cls, record: Record) -> "WatchedRecord":
        """Undo `record`."""
        known = {name: value for name in _NUMBERS if not math.isnan(value := getattr(record, name))}
        loss = None if math.isnan(record.train_loss) else record.train_loss
        return cls(step=record.step, elapsed_s=record.elapsed_s, loss=loss, profile=WatchedProfile.of(record), **known)


class WatchedArray(_Form):
    """Numbers of a reading: little-endian float64 in base64, in C order."""

    shape: tuple[Annotated[int, Field(ge=0, le=MAX_NUMBERS)], ...] = Field(max_length=2)
    values: str

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return them. Raises ValueError."""
        count = math.prod(self.shape)
        if count > MAX_NUMBERS:
            raise ValueError(f"{name}: {count:,} numbers are above the {MAX_NUMBERS:,} allowed")
        return _decoded(name, self.values, 8 * count, "<f8").reshape(self.shape)


class WatchedReading(_Form):
    """A reading of an instrument, see `rnncore.reading.Reading`, whose arrays are in a form of their own here."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")

    instrument: str = Field(max_length=60)
    step: int = Field(ge=1, le=2**53)
    arrays: dict[Annotated[str, Field(max_length=60)], WatchedArray] = Field(default={}, max_length=40)
    panels: tuple[Panel, ...] = Field(default=(), max_length=8)
    said: tuple[str, ...] = Field(default=(), max_length=10)
    notes: tuple[str, ...] = Field(default=(), max_length=20)
    summary: tuple[str, ...] = Field(default=(), max_length=10)
    seconds: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    undefined: str = ""
    chosen: dict[Annotated[str, Field(max_length=20)], Annotated[int, Field(ge=1, le=10**9)]] = Field(
        default={}, max_length=5
    )

    @field_validator("instrument")
    @classmethod
    def _is_read(cls, instrument: str) -> str:
        readable = [key for key, entry in ON_DEMAND.items() if entry.watched]
        if instrument not in readable:
            raise ValueError(f"'{visible(instrument)}' is not read of watched models; allowed: {either(readable)}")
        return instrument

    @model_validator(mode="after")
    def _whole(self) -> "WatchedReading":
        found = self.reading()
        if sum(values.size for values in found.arrays.values()) > MAX_NUMBERS:
            raise ValueError(f"arrays: more than the {MAX_NUMBERS:,} numbers allowed")
        if set(found.summary) - set(found.arrays) or set(self.chosen) - set(ON_DEMAND[self.instrument].asks):
            raise ValueError("summary, chosen: names of arrays, and of what the instrument lets its reader choose")
        check_texts(found)
        check_layers(found)
        return self

    def reading(self) -> Reading:
        """Return it as what it is."""
        known = {name: getattr(self, name) for name in type(self).model_fields if name != "arrays"}
        return Reading(arrays={name: each.numbers(name) for name, each in self.arrays.items()}, **known)

    @classmethod
    def of(cls, found: Reading) -> "WatchedReading":
        """Undo `reading`, of large maps as they are drawn. Raises ValueError for one that is larger than is allowed."""
        small = found.thinned()
        arrays = {
            name: WatchedArray(shape=values.shape, values=_encoded(values, "<f8"))
            for name, values in small.arrays.items()
        }
        known = {name: getattr(small, name) for name in cls.model_fields if name != "arrays"}
        return cls(arrays=arrays, **known)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A reading that somebody asks the program of a run for. chosen: what the reader chose, by name."""

    run: str
    instrument: str
    chosen: tuple[tuple[str, int], ...] = ()


def _text(array: FloatArray) -> str:
    return _encoded(array, "<f4")


def _encoded(array: NDArray[Any], kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(array, kind).tobytes()).decode()


def _numbers(name: str, text: str, rows: int, columns: int) -> FloatArray:
    return _decoded(name, text, 4 * rows * columns, "<f4").astype(np.float32).reshape(rows, columns)


def _decoded(name: str, text: str, size: int, kind: str) -> NDArray[Any]:
    """Return the numbers of a text in base64 that are to have so many bytes. Raises ValueError."""
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError(f"{name}: not base64") from None
    if len(content) != size:
        raise ValueError(f"{name}: {len(content):,} bytes; numbers of this shape have {size:,}")
    return np.frombuffer(content, kind).astype(kind[1:])
