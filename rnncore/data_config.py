"""What a run learns from: a synthetic task, data that ship with the product, or files of the user's own."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from rnncore.old_configs import upgraded_data

TaskName = Literal[
    "adding", "temporal_order", "copy_memory", "delayed_recall", "delayed_xor", "parity", "embedded_reber",
    "sines", "mackey_glass", "lorenz", "text", "noise", "selective_copying", "long_recall", "associative_recall",
    "digits", "permuted_digits",
]  # fmt: skip
SeriesName = Literal["sunspots", "co2", "weather", "vowels"]
LayoutName = Literal["auto", "series", "long", "rows", "text"]
ScalingName = Literal["auto", "standard", "per_series", "none"]
_SCALING = "How numbers are scaled; auto = series by series where their spreads differ by more than 10 times."


class Frozen(BaseModel):
    """Base of all configs: immutable, no unknown fields, no inf or NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TaskData(Frozen):
    """A synthetic task: fresh random batches, a fixed validation set."""

    kind: Literal["task"] = "task"
    task: TaskName = Field("adding", description="Which synthetic task to learn.")
    seq_len: int | None = Field(
        None, ge=2, le=5000, description="Timesteps T per sequence; empty = the task's own default."
    )
    delay: int | None = Field(
        None,
        ge=1,
        le=2500,
        description="Steps d that a bit must be kept (delayed_recall, delayed_xor); empty = default.",
    )
    symbols: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Symbols to remember, or to choose from (temporal_order: 2 or 3); empty = default.",
    )


class BundledData(Frozen):
    """Real data that ship with the product; window and horizon do not apply to labelled sequences."""

    kind: Literal["bundled"] = "bundled"
    name: SeriesName = Field("sunspots", description="Which bundled data to learn from.")
    window: int = Field(50, ge=2, le=2000, description="Timesteps the network sees before it predicts.")
    horizon: int = Field(1, ge=1, le=1000, description="How many steps after the window the predicted value lies.")
    val_fraction: float = Field(0.2, gt=0, lt=0.9, description="Share of the series, at its end, kept for validation.")
    scaling: ScalingName = Field("auto", description=_SCALING)


class UploadedFile(Frozen):
    """A file of an upload: `file` is a path or `sha256:...`, `name` what the user calls it (empty: from the path)."""

    file: str = Field(min_length=1, max_length=4096, description="Path of the file, or the id of an upload.")
    name: str = Field("", max_length=500, description="Name of the file; its ending may tell the format.")


class UploadData(Frozen):
    """Files of any supported format. Empty roles and "auto" are found out from the files, and reported."""

    kind: Literal["upload"] = "upload"
    files: tuple[UploadedFile, ...] = Field(
        min_length=1, max_length=1000, description="The files, read as one data set."
    )
    layout: LayoutName = Field("auto", description="How sequences are laid out in the files.")
    features: tuple[str, ...] | None = Field(None, description="Columns that the network sees; empty = all that fit.")
    targets: tuple[str, ...] | None = Field(None, description="Columns to predict; empty = a suggestion.")
    id: str | None = Field(None, description="Column that tells the sequences apart (long form); '' = none.")
    time: str | None = Field(None, description="Column that orders the timesteps; '' = the order of the rows.")
    target_kind: Literal["auto", "regression", "binary", "multiclass"] = Field(
        "auto", description="What the target is; auto = found out from its values."
    )
    missing: Literal["interpolate", "forward_fill", "drop"] = Field(
        "interpolate", description="What becomes of missing numbers."
    )
    scaling: ScalingName = Field("auto", description=_SCALING)
    placeholders: Literal["missing", "numbers"] = Field(
        "missing", description="What numbers that stand for missing are taken for, such as -999."
    )
    window: int | None = Field(None, ge=2, le=2000, description="Timesteps seen before a forecast; empty = suggested.")
    horizon: int = Field(1, ge=1, le=1000, description="How many steps after the window the predicted value lies.")
    stride: int = Field(1, ge=1, le=1000, description="Steps between the beginnings of two training windows.")
    val_fraction: float = Field(0.2, gt=0, lt=0.9, description="Share kept for validation.")
    max_length: int = Field(
        1000, ge=2, le=5000, description="Longest sequence; longer ones keep their last timesteps (one target each)."
    )
    delimiter: Literal["auto", ",", ";", "\t", "|", " "] = Field(
        "auto", description="What separates columns in text files."
    )
    decimal: Literal["auto", "point", "comma"] = Field("auto", description="Decimal mark in text files.")
    header: Literal["auto", "yes", "no"] = Field(
        "auto", description="Whether the first line of a text file names columns."
    )
    part: str = Field(
        "", max_length=500, description="Sheet, file or array that is read where a file holds several; '' = found out."
    )


DataConfig = Annotated[TaskData | BundledData | UploadData, Field(discriminator="kind"), BeforeValidator(upgraded_data)]


def files_of(data: TaskData | BundledData | UploadData) -> tuple[str, ...]:
    """Return the paths or ids (`sha256:...`) of the files that data are read from, each once."""
    return tuple(dict.fromkeys(entry.file for entry in data.files)) if isinstance(data, UploadData) else ()
