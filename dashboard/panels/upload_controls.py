"""The sidebar's controls of the user's own files: the uploader, what was found in them, and how to choose otherwise."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.experiment.text import escape, size
from dashboard.figures.data import glance_figure
from dashboard.panels import uploads
from dashboard.panels.fields import UPLOAD, help_of, number
from dashboard.panels.theme import theme
from dashboard.server import services
from dashboard.server.workspace import workspace_id
from rnncore.data import DataError
from rnncore.data.files.limits import MAX_BYTES
from rnncore.data.formats import formats_in_words, usual_formats
from rnncore.data.roles.calendar import JOINED
from rnncore.data.templates import TEMPLATES
from rnncore.data.upload import Inspection
from rnncore.runs.reader.jobs import Findings
from rnncore.runs.scheduler import ControlError
from rnncore.runs.store.store import StoredFile
from rnncore.runs.trouble import StoreTrouble
from rnncore.words import many, shorten

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
_UPLOADER, _ARRIVED = "upload", "upload.arrived"
_USABLE = ("number", "category")
_SHOWN_FILES = 50


def upload_controls() -> None:
    """Draw the uploader and, once there are files, what was found in them with a control for each finding."""
    uploaded = st.file_uploader(
        "Your files", accept_multiple_files=True, key=_UPLOADER, on_change=_note_arrival,
        help="Several files together are one data set: a sequence each, or one table where they have the same columns. "
        f"Read are {formats_in_words()}.",
    )  # fmt: skip
    if st.session_state.pop(_ARRIVED, False):
        uploads.take([(file.name, file.getvalue()) for file in uploaded])
    if not uploads.files():
        if missing := uploads.lost():
            st.warning(f"{many(missing, 'file')} of this experiment not stored here; upload again.")
        st.caption(f"{usual_formats()} and more; up to {MAX_BYTES // 10**6} MB together.")
        _beside_the_files()
        return
    try:
        found = uploads.current()
    except DataError as error:
        st.error(escape(str(error)), icon=":material/error:")
        if len(uploads.files()) > 1:
            st.caption("All files in the box are read as one data set; remove those that do not belong to it.")
        if part := uploads.options().part:
            _part((part,), part)
        _select("layout", "Layout", LAYOUTS, uploads.options().layout)
        _reading("table")
        _beside_the_files()
        return
    if found is not None:
        _found(found)
        _beside_the_files()


def title(files: Sequence[uploads.UserFile]) -> str:
    """Return what a set of files is called, as plain text."""
    name = shorten(files[0].name, 44) if files else "no file"
    return f"{name} and {len(files) - 1:,} more" if len(files) > 1 else name


def size_words(inspection: Inspection) -> str:
    """Return how large the files' content is."""
    if inspection.layout == "text" and not inspection.columns:
        return many(inspection.rows, "character")
    if inspection.layout == "sequences":
        return f"{many(inspection.rows, 'timestep')} of {many(len(inspection.columns), 'value')}"
    return f"{many(inspection.rows, 'row')}, {many(len(inspection.columns), 'column')}"


def _note_arrival() -> None:
    st.session_state[_ARRIVED] = True


def _found(found: Findings) -> None:
    inspection = found.inspection
    if inspection.rows:
        st.caption(f"{escape(title(uploads.files()))}: {size_words(inspection)}")
    if inspection.error:
        st.error(escape(inspection.error), icon=":material/error:")
    options, layout = inspection.options, inspection.layout
    if inspection.parts:
        _part(inspection.parts, options.part)
    if inspection.alternatives:
        _which(inspection)
    if layout != "sequences":
        _select("layout", "Layout", LAYOUTS, layout)
        if inspection.reason:
            st.caption(escape(inspection.reason))
    if layout != "sequences" and inspection.columns:
        _roles(inspection)
    if layout != "text":
        _target_kind(found)
    forecasts = layout == "series" or (layout == "text" and not options.targets) or options.window is not None
    if options.placeholders == "numbers" or any("stands for missing" in note for note in inspection.notes):
        _select("placeholders", "Numbers such as -999", PLACEHOLDERS, options.placeholders)
    missing = sum(column.missing for column in inspection.columns if column.role != "unused")
    if missing:
        _select("missing", f"{many(missing, 'missing value')}", MISSING, options.missing)
    left, right = st.columns(2)
    if forecasts:
        with left:
            _number("window", "Window", options.window)
        if layout != "text":
            with right:
                _number("horizon", "Horizon", options.horizon)
    with right if forecasts and layout == "text" else left:
        _number("val_fraction", "Validation share", options.val_fraction, step=0.05, fmt="%.2f")
    if forecasts and layout != "text":
        with right:
            _number("stride", "Stride", options.stride)
    if layout != "text":
        with st.expander("More about the data"):
            _select("scaling", "Scaling", SCALINGS, options.scaling)
    _reading(layout, inspection)


def _part(parts: Sequence[str], chosen: str) -> None:
    """Choose one of the sheets, files or arrays that a file holds."""
    _select("part", "Sheet, file or array", {"": "Find out"} | {part: part for part in parts}, chosen)


def _which(inspection: Inspection) -> None:
    """Ask which of the likely readings is right, each with a small picture of what the network would see."""
    box = st.container(border=True, key="upload.which")
    with box:
        st.markdown("**These files can be read in more than one way. Which is right?**")
        own = (inspection.title, inspection.reason, inspection.options, inspection.sample, inspection.sample_names)
        others = [(o.title, o.reason, o.options, o.sample, o.sample_names) for o in inspection.alternatives]
        for place, (name, reason, options, sample, names) in enumerate([own, *others]):
            st.markdown(escape(name), help=escape(reason))
            if sample.size:
                st.plotly_chart(
                    glance_figure(sample, names, theme()), theme=None, key=f"upload.which.picture.{place}",
                    config={"displayModeBar": False, "staticPlot": True},
                )  # fmt: skip
            st.button("This one", key=f"upload.which.{place}", on_click=uploads.adopt, args=(options,))


def _roles(inspection: Inspection) -> None:
    """What each column is for."""
    options, layout = inspection.options, inspection.layout
    usable = [column.name for column in inspection.columns if column.kind in _USABLE and column.role != "step"]
    targets = list(options.targets or ())
    words = "Predict" if layout in ("series", "auto") else "Predict (label or target)"
    nothing = "Nothing: the values are forecast" if layout == "rows" else "Find out"
    _several("targets", words, usable, targets, nothing)
    if layout == "rows":
        return
    if layout == "text":
        texts = [column.name for column in inspection.columns if column.kind in ("text", "category")]
        _several("features", "Texts stand in", texts, list(options.features or ()))
        return
    _several("features", "The network sees", usable, list(options.features or ()))
    if layout == "long":
        names = [
            c.name for c in inspection.columns if c.kind in ("category", "number", "text") and JOINED not in c.name
        ]
        keys = (options.id or "").split(JOINED)
        _several("id", "Sequences are told apart by", names, keys)
    names = [c.name for c in inspection.columns if c.kind != "empty"]
    st.session_state[UPLOAD + "time"] = options.time if options.time in names else ""
    st.selectbox(
        "Timesteps are ordered by", ["", *names], key=UPLOAD + "time", help=help_of(UPLOAD + "time"), on_change=_choose,
        args=("time",), format_func=lambda column: column or "None: the order of the rows",
    )  # fmt: skip


def _target_kind(found: Findings) -> None:
    kind = found.summary.target if found.summary else None
    chosen = found.inspection.options.target_kind
    auto = f"As found: {KINDS[kind]}" if kind and chosen == "auto" else "Find out"
    words = {name: word[0].upper() + word[1:] for name, word in KINDS.items()}
    _select("target_kind", "The target is", {"auto": auto} | words, chosen)


def _reading(layout: str, inspection: Inspection | None = None) -> None:
    """Options that most files do not need."""
    chosen = inspection.options if inspection else uploads.options()
    labelled = inspection is not None and layout in ("long", "rows", "sequences") and chosen.window is None
    if layout in ("text", "sequences") and not labelled:
        return
    with st.expander("How to read the file"):
        if layout != "sequences":
            _select("delimiter", "Columns are separated by", DELIMITERS, chosen.delimiter)
            _select("decimal", "Decimal mark", DECIMALS, chosen.decimal)
            _select("header", "First line names the columns", HEADERS, chosen.header)
        if labelled:
            _number("max_length", "Longest sequence", chosen.max_length)


def _select(name: str, label: str, words: Mapping[str, str], shown: str) -> None:
    st.session_state[UPLOAD + name] = shown if shown in words else next(iter(words))
    st.selectbox(
        label, list(words), key=UPLOAD + name, format_func=words.__getitem__, help=help_of(UPLOAD + name),
        on_change=_choose, args=(name,),
    )  # fmt: skip


def _several(name: str, label: str, names: Sequence[str], shown: list[str], nothing: str = "Find out") -> None:
    st.session_state[UPLOAD + name] = [column for column in shown if column in names]
    st.multiselect(
        label, names, key=UPLOAD + name, help=help_of(UPLOAD + name), on_change=_choose, args=(name,),
        placeholder=nothing,
    )  # fmt: skip


def _number(name: str, label: str, shown: float | None, **kwargs: Any) -> None:
    st.session_state[UPLOAD + name] = shown
    number(UPLOAD + name, label, on_change=_choose, args=(name,), **kwargs)


def _choose(name: str) -> None:
    value = st.session_state[UPLOAD + name]
    if name == "id":
        value = JOINED.join(value)
    elif isinstance(value, list):
        nothing = () if name == "targets" and st.session_state.get(f"{UPLOAD}layout") == "rows" else None
        value = tuple(value) or nothing
    uploads.choose(name, value)


def _beside_the_files() -> None:
    row = st.container(horizontal=True)
    with row, st.popover("Templates"):
        st.caption("Small example files to fill in, one for each layout.")
        for layout, template in TEMPLATES.items():
            st.download_button(
                template.title, template.text, template.file, help=escape(template.explanation), on_click="ignore",
                key=f"upload.template.{layout}", width="stretch",
            )  # fmt: skip
    with row:
        panel = st.popover("Stored files", key="upload.stored", on_change="rerun")
    if panel.open:
        with panel:
            _stored()


def _stored() -> None:
    files = services.scheduler().store.files_of(workspace_id())
    if not files:
        st.caption("No files are stored. A file is kept once a run trains on it, for you alone.")
        return
    total = sum(file.size for file in files)
    st.caption(f"{many(len(files), 'file')}, {size(total)}, seen by you alone. Deleting one keeps its curves.")
    for file in files[:_SHOWN_FILES]:
        _stored_file(file)


def _stored_file(file: StoredFile) -> None:
    row = st.container(horizontal=True, vertical_alignment="center")
    with row:
        use = f"{many(file.runs, 'run')}"
        st.text(f"{shorten(file.name or 'unnamed', 28)}\n{size(file.size)}, {use}")
        st.button("Use", key=f"upload.use.{file.id}", on_click=_use, args=(file,), type="tertiary")
        st.button(
            "Delete", key=f"upload.delete.{file.id}", on_click=_delete, args=(file.id,), type="tertiary",
            disabled=bool(file.needed), help="An unfinished run needs it." if file.needed else None,
        )  # fmt: skip


def _use(file: StoredFile) -> None:
    content = services.scheduler().store.file(workspace_id(), file.id)
    if content is not None:
        uploads.take([(file.name or "your file", content)])


def _delete(file_id: str) -> None:
    try:
        services.scheduler().delete_file(workspace_id(), file_id)
    except (ControlError, StoreTrouble) as error:
        st.toast(str(error), icon=":material/error:")
