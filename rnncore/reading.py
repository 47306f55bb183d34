"""What an instrument on demand has found: numbers by name, how they are drawn, and what is said of them."""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from rnncore.json_arrays import numbers

Numbers = NDArray[np.float64]
Kind = Literal["line", "points", "bars", "map", "surface", "path", "letters"]
_ABOUT = "about"  # the JSON among the arrays of a file
_DRAWN = 200  # rows and columns of a map that are sent to a browser, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """An axis of a panel. title: with its unit. log: logarithmic. equal: one unit is as long as on the other axis.

    low: where it begins; None: where the numbers do. names: what stands at the places 1, 2, 3 ... instead of them.
    """

    title: str
    log: bool = False
    equal: bool = False
    low: float | None = None
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """Undo `dataclasses.asdict` and JSON."""
        return cls(**{**plain, "names": tuple(plain["names"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What is drawn in a panel, from arrays of the reading that are named by `x`, `y` and `z`.

    kind: "path" is a way with a ball at its end, on a surface too; "letters" is a text whose characters, which are
    `Panel.letters`, are tinted by a row of `z`. color: an array that colours bars or points, on the panel's scale.
    tone: which of the page's colours a line has: "run", "muted" or "alert". dash: of a line. place: among lines that
    have each a colour of their own. hover: what a pointer is told, a template of plotly's.
    """

    kind: Kind
    x: str
    y: str
    z: str = ""
    name: str = ""
    color: str = ""
    tone: Literal["run", "muted", "alert"] = "run"
    dash: Literal["solid", "dash", "dot"] = "solid"
    place: int | None = None
    hover: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The colours of numbers, from `low` to `high`, by default of what there is.

    middle: where two colours meet, of numbers with a sign that matters.
    """

    title: str
    low: float | None = None
    high: float | None = None
    middle: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture of a reading. key: its name within the reading. help: its text for those who do not see it.

    levels, marks: horizontal and vertical lines, each a place and its name. slices: pointing at a place of a map draws
    its row and its column below it. letters: the characters that a layer of letters tints. circle: the unit circle.
    """

    key: str
    title: str
    help: str
    x: Axis
    y: Axis
    layers: tuple[Layer, ...]
    scale: Scale | None = None
    levels: tuple[tuple[float, str], ...] = ()
    marks: tuple[tuple[float, str], ...] = ()
    slices: bool = False
    letters: tuple[str, ...] = ()
    circle: bool = False

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """Undo `dataclasses.asdict` and JSON."""
        scale = plain["scale"]
        return cls(
            **{name: value for name, value in plain.items() if name not in _NESTED},
            x=Axis.of(plain["x"]),
            y=Axis.of(plain["y"]),
            layers=tuple(Layer(**layer) for layer in plain["layers"]),
            scale=scale and Scale(**scale),
            levels=tuple((at, name) for at, name in plain["levels"]),
            marks=tuple((at, name) for at, name in plain["marks"]),
            letters=tuple(plain["letters"]),
        )


_NESTED = {"x", "y", "layers", "scale", "levels", "marks", "letters"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one instrument has found of one run.

    instrument: its key. step: about to be done when it was read, so that the weights are those before its update and
    the batch is its own, as in the profile of that step. said: sentences about it. notes: what was left out, and why.
    arrays: by name. summary: names of vectors of the same length at every step, which can be followed over training.
    seconds: what it took, the way to the step not counted. undefined: why there are no numbers, else ''. chosen: what
    the reader chose beside the instrument.
    """

    instrument: str
    step: int
    arrays: Mapping[str, Numbers] = field(default_factory=dict)
    panels: tuple[Panel, ...] = ()
    said: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    summary: tuple[str, ...] = ()
    seconds: float = 0.0
    undefined: str = ""
    chosen: Mapping[str, int] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """A name for a file of it, without its ending: 'flow-step-5', 'unit-step-5-layer-1-unit-3'."""
        kind = "course" if "step" in self.arrays else "step"
        return "-".join(
            [self.instrument, kind, str(self.step), *(f"{key}-{value}" for key, value in self.chosen.items())]
        )

    def to_json(self) -> dict[str, Any]:
        """Return all of it, JSON-ready: arrays as {"shape", "values"}; None for what is not finite."""
        arrays = {
            name: {"shape": list(values.shape), "values": numbers(values.ravel())}
            for name, values in self.arrays.items()
        }
        return self._about() | {"arrays": arrays}

    def to_bytes(self) -> bytes:
        """Return all of it as a file of numpy's kind .npz, in which the entry "about" holds the rest as JSON."""
        about = np.frombuffer(json.dumps(self._about()).encode(), np.uint8)
        sink = io.BytesIO()
        np.savez_compressed(sink, **{**self.arrays, _ABOUT: about})  # type: ignore[arg-type]
        return sink.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Undo `to_bytes`. Raises ValueError."""
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            about = json.loads(file[_ABOUT].tobytes())
            arrays = {name: file[name] for name in file.files if name != _ABOUT}
        panels = tuple(Panel.of(each) for each in about.pop("panels"))
        about |= {name: tuple(about[name]) for name in ("said", "notes", "summary")}
        return cls(arrays=arrays, panels=panels, **about)

    def thinned(self) -> Self:
        """Return it with maps of at most 200 rows and columns, each the largest number of those it stands for.

        The sides of such a map are thinned with it; those that other layers have too get a name of their own for it.
        """
        layers = [layer for panel in self.panels for layer in panel.layers]
        large = {layer.z for layer in layers if layer.kind == "map" and max(self.arrays[layer.z].shape) > _DRAWN}
        if not large:
            return self
        others = {side for layer in layers if layer.z not in large for side in (layer.x, layer.y)}
        arrays = {name: _pooled(values) if name in large else values for name, values in self.arrays.items()}

        def side(name: str) -> str:
            own = f"{name}, thinned" if name in others else name
            arrays[own] = _picked(self.arrays[name])
            return own

        panels = tuple(
            replace(
                panel,
                layers=tuple(
                    replace(layer, x=side(layer.x), y=side(layer.y)) if layer.z in large else layer
                    for layer in panel.layers
                ),
            )
            for panel in self.panels
        )
        return replace(self, arrays=arrays, panels=panels)

    def _about(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in self.__slots__ if name not in ("arrays", "panels")}
        return plain | {"panels": [asdict(panel) for panel in self.panels]}


def _pooled(values: Numbers) -> Numbers:
    for axis in (0, 1):
        starts = _starts(values.shape[axis])
        values = np.maximum.reduceat(values, starts, axis=axis)
    return values


def _picked(values: Numbers) -> Numbers:
    return values[_starts(len(values))]


def _starts(length: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, length, min(length, _DRAWN), endpoint=False).astype(np.int64))
