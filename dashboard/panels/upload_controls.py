"""The sidebar's controls of the user's own files: the uploader, what was found in them, and how to choose otherwise."""

from collections.abc import Sequence

import streamlit as st

from dashboard.experiment.text import escape, size
from dashboard.figures.data import glance_figure
from dashboard.panels import uploads
from dashboard.panels.theme import theme
from dashboard.panels.upload_options import (
    DECIMALS,
    DELIMITERS,
    HEADERS,
    LAYOUTS,
    OPTIONS,
    choose_part,
    draw_option,
    missing_values,
    select,
)
from dashboard.server import services
from dashboard.server.workspace import workspace_id
from rnncore.config import UploadData
from rnncore.data import DataError
from rnncore.data.files.limits import MAX_BYTES
from rnncore.data.formats import formats_in_words, usual_formats
from rnncore.data.templates import TEMPLATES
from rnncore.data.upload import Inspection
from rnncore.runs.reader.jobs import Findings
from rnncore.runs.scheduler import ControlError
from rnncore.runs.store.store import StoredFile
from rnncore.runs.trouble import StoreTrouble
from rnncore.words import many, shorten

_UPLOADER, _ARRIVED = "upload", "upload.arrived"
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
            choose_part((part,), part)
        select("layout", "Layout", LAYOUTS, uploads.options().layout)
        _how_to_read(uploads.options())
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
    layout = inspection.layout
    draw_option("part", found)
    if inspection.alternatives:
        _which(inspection)
    draw_option("layout", found)
    if layout != "sequences" and inspection.reason:
        st.caption(escape(inspection.reason))
    for name in ("targets", "features", "id", "time", "target_kind", "placeholders"):
        draw_option(name, found)
    if missing_values(inspection):
        draw_option("missing", found)
    left, right = st.columns(2)
    with left:
        draw_option("window", found)
    with right:
        draw_option("horizon", found)
    with left if OPTIONS["horizon"].applies(found) or not OPTIONS["window"].applies(found) else right:
        draw_option("val_fraction", found)
    with right:
        draw_option("stride", found)
    if layout != "text":
        with st.expander("More about the data"):
            draw_option("scaling", found)
    names = [name for name in ("delimiter", "decimal", "header", "max_length") if OPTIONS[name].applies(found)]
    if names:
        with st.expander("How to read the file"):
            for name in names:
                draw_option(name, found)


def _how_to_read(options: UploadData) -> None:
    """Options that most files do not need, where nothing could be read."""
    with st.expander("How to read the file"):
        select("delimiter", "Columns are separated by", DELIMITERS, options.delimiter)
        select("decimal", "Decimal mark", DECIMALS, options.decimal)
        select("header", "First line names the columns", HEADERS, options.header)


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
