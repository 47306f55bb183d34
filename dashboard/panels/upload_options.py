"""The options of the user's own files: what each is called, which findings it changes, and its widget.

A widget may stand twice on the page: in the sidebar, and beside the finding that it changes.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard.panels import uploads
from dashboard.panels.fields import UPLOAD, help_of, number
from rnncore.data.roles.calendar import JOINED
from rnncore.data.upload import Inspection
from rnncore.runs.reader.jobs import Findings
from rnncore.words import many

LAYOUTS = {
    "auto": "Detect from the file",
    "series": "One long series",
    "long": "Many sequences, one below the other",
    "rows": "One sequence per row",
    "text": "Text, character by character",
}
KINDS = {"regression": "a number", "binary": "yes or no", "multiclass": "one of several classes"}
MISSING = {
    "interpolate": "Draw a line between neighbours",
    "forward_fill": "Repeat the last known value",
    "drop": "Leave these rows out",
}
SCALINGS = {
    "auto": "As the data need it",
    "standard": "All series alike",
    "per_series": "Each series by itself",
    "none": "Not scaled",
}
DELIMITERS = {"auto": "Find out", ",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Bar", " ": "Space"}
DECIMALS = {"auto": "Find out", "point": "Point: 1.5", "comma": "Comma: 1,5"}
HEADERS = {"auto": "Find out", "yes": "Yes", "no": "No"}
PLACEHOLDERS = {"missing": "They mean that a value is missing", "numbers": "They are numbers like all others"}
_USABLE = ("number", "category")


@dataclass(frozen=True, slots=True)
class Option:
    """found: findings that it changes. applies: whether it means anything for files. draw: its widget, (files, place).

    A widget's key is its place and the option's name.
    """

    found: str
    applies: Callable[[Findings], bool]
    draw: Callable[[Findings, str], None]


def draw_option(name: str, found: Findings, place: str = UPLOAD) -> None:
    """Draw the widget of an option where it means anything. place: the beginning of its key."""
    if OPTIONS[name].applies(found):
        OPTIONS[name].draw(found, place)


def option_of(finding: str, found: Findings) -> str | None:
    """Return the option that changes a finding, None where there is none."""
    fits = (name for name, each in OPTIONS.items() if re.search(each.found, finding) and each.applies(found))
    return next(fits, None)


def choose_part(parts: Sequence[str], chosen: str, place: str = UPLOAD) -> None:
    """Choose one of the sheets, files or arrays that a file holds."""
    select("part", "Sheet, file or array", {"": "Find out"} | {part: part for part in parts}, chosen, place)


def select(name: str, label: str, words: Mapping[str, str], shown: str, place: str = UPLOAD) -> None:
    """A choice among keys, shown in words."""
    key = place + name
    st.session_state[key] = shown if shown in words else next(iter(words))
    st.selectbox(
        label, list(words), key=key, format_func=words.__getitem__, help=help_of(UPLOAD + name), on_change=_choose,
        args=(name, key),
    )  # fmt: skip


def _several(name: str, label: str, names: Sequence[str], shown: Sequence[str], nothing: str, place: str) -> None:
    key = place + name
    st.session_state[key] = [column for column in shown if column in names]
    st.multiselect(
        label, names, key=key, help=help_of(UPLOAD + name), on_change=_choose, args=(name, key), placeholder=nothing
    )


def _choose(name: str, key: str) -> None:
    value = st.session_state[key]
    if name == "id":
        value = JOINED.join(value)
    elif isinstance(value, list):
        nothing = () if name == "targets" and st.session_state.get(f"{UPLOAD}layout") == "rows" else None
        value = tuple(value) or nothing
    uploads.choose(name, value)


def _choice(name: str, label: str, words: Mapping[str, str]) -> Callable[[Findings, str], None]:
    def draw(found: Findings, place: str) -> None:
        select(name, label, words, getattr(found.inspection.options, name), place)

    return draw


def _number(name: str, label: str, **kwargs: Any) -> Callable[[Findings, str], None]:
    def draw(found: Findings, place: str) -> None:
        key = place + name
        st.session_state[key] = getattr(found.inspection.options, name)
        number(UPLOAD + name, label, key=key, on_change=_choose, args=(name, key), **kwargs)

    return draw


def _targets(found: Findings, place: str) -> None:
    layout = found.inspection.layout
    words = "Predict" if layout in ("series", "auto") else "Predict (label or target)"
    nothing = "Nothing: the values are forecast" if layout == "rows" else "Find out"
    _several("targets", words, _usable(found), found.inspection.options.targets or (), nothing, place)


def _features(found: Findings, place: str) -> None:
    label, names = "The network sees", _usable(found)
    if found.inspection.layout == "text":
        label = "Texts stand in"
        names = [column.name for column in found.inspection.columns if column.kind in ("text", "category")]
    _several("features", label, names, found.inspection.options.features or (), "Find out", place)


def _usable(found: Findings) -> list[str]:
    return [column.name for column in found.inspection.columns if column.kind in _USABLE and column.role != "step"]


def _id(found: Findings, place: str) -> None:
    kinds = ("category", "number", "text")
    names = [c.name for c in found.inspection.columns if c.kind in kinds and JOINED not in c.name]
    keys = (found.inspection.options.id or "").split(JOINED)
    _several("id", "Sequences are told apart by", names, keys, "Find out", place)


def _time(found: Findings, place: str) -> None:
    names = [column.name for column in found.inspection.columns if column.kind != "empty"]
    words = {"": "None: the order of the rows"} | {name: name for name in names}
    select("time", "Timesteps are ordered by", words, found.inspection.options.time or "", place)


def _target_kind(found: Findings, place: str) -> None:
    kind = found.summary.target if found.summary else None
    chosen = found.inspection.options.target_kind
    auto = f"As found: {KINDS[kind]}" if kind and chosen == "auto" else "Find out"
    words = {name: word[0].upper() + word[1:] for name, word in KINDS.items()}
    select("target_kind", "The target is", {"auto": auto} | words, chosen, place)


def _missing(found: Findings, place: str) -> None:
    select("missing", many(missing_values(found.inspection), "missing value"), MISSING,
           found.inspection.options.missing, place)  # fmt: skip


def missing_values(inspection: Inspection) -> int:
    """Return how many cells that are used are missing."""
    return sum(column.missing for column in inspection.columns if column.role != "unused")


def _of_columns(found: Findings) -> bool:
    return found.inspection.layout != "sequences" and bool(found.inspection.columns)


def _forecasts(found: Findings) -> bool:
    inspection = found.inspection
    continued = inspection.layout == "text" and not inspection.options.targets
    return inspection.layout == "series" or continued or inspection.options.window is not None


def _is_labelled(found: Findings) -> bool:
    options, layout = found.inspection.options, found.inspection.layout
    labelled = layout in ("long", "rows", "sequences") and options.window is None
    return labelled or (layout == "text" and bool(options.targets))


def _not_text(found: Findings) -> bool:
    return found.inspection.layout != "text"


def _has_placeholders(found: Findings) -> bool:
    named = any("stands for missing" in note for note in found.inspection.notes)
    return named or found.inspection.options.placeholders == "numbers"


def _tables(found: Findings) -> bool:
    return found.inspection.layout in ("series", "long", "rows", "auto") or _of_columns(found)


OPTIONS = {
    "part": Option(r"was read, one of", lambda found: bool(found.inspection.parts),
                   lambda found, place: choose_part(found.inspection.parts, found.inspection.options.part, place)),
    "header": Option(r"no header line|names? the columns", _tables,
                     _choice("header", "First line names the columns", HEADERS)),
    "decimal": Option(r"^Numbers with ", _tables, _choice("decimal", "Decimal mark", DECIMALS)),
    "delimiter": Option(r"separated by", _tables, _choice("delimiter", "Columns are separated by", DELIMITERS)),
    "placeholders": Option(r"stands for missing|of such numbers count as missing", _has_placeholders,
                           _choice("placeholders", "Numbers such as -999", PLACEHOLDERS)),
    "missing": Option(r"missing values? .*filled|missing values left out|count as missing",
                      lambda found: missing_values(found.inspection) > 0, _missing),
    "id": Option(r"told apart by", lambda found: _of_columns(found) and found.inspection.layout == "long", _id),
    "time": Option(r"newest first|sorted by|is irregular|No column tells the time|are read as one time|the time of the "
                   r"row before|rows on average|without a value in",
                   lambda found: _of_columns(found) and found.inspection.layout not in ("rows", "text"), _time),
    "features": Option(r"^Left out, |^Constant in the training data",
                       lambda found: _of_columns(found) and found.inspection.layout != "rows", _features),
    "window": Option(r"shorter than a window", _forecasts, _number("window", "Window")),
    "horizon": Option(r"horizon", lambda found: _forecasts(found) and _not_text(found), _number("horizon", "Horizon")),
    "val_fraction": Option(r"\bfor training\b|for validation", lambda found: True,
                           _number("val_fraction", "Validation share", step=0.05, fmt="%.2f")),
    "stride": Option(r"stride", lambda found: _forecasts(found) and _not_text(found), _number("stride", "Stride")),
    "target_kind": Option(r"' has [\d,]+ classes", _not_text, _target_kind),
    "targets": Option(r"^Suggested: predict|is the target at every timestep|^The target is the|' has [\d,]+ classes",
                      _of_columns, _targets),
    "scaling": Option(r"scaled", _not_text, _choice("scaling", "Scaling", SCALINGS)),
    "max_length": Option(r"only the end of each is used|shorter ones are padded", _is_labelled,
                         _number("max_length", "Longest sequence")),
    "layout": Option(r"one per row|with a text each|texts? as one|each row|one series|tells? the time of every row",
                     lambda found: found.inspection.layout != "sequences",
                     lambda found, place: select("layout", "Layout", LAYOUTS, found.inspection.layout, place)),
}  # fmt: skip
