"""Readings as files: numpy's .npz, or a Parquet table with a row for each array."""

import io
import json
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq

from rnncore.reading import Reading

FORMAT = "rnn-gradient-lab/reading/1"


def parquet(reading: Reading) -> bytes:
    """Return a Parquet file: a row per array with its name, its shape, and its numbers in C order.

    The file's metadata hold the rest of the reading as JSON (`reading`).
    """
    about = {name: value for name, value in reading.to_json().items() if name not in ("arrays", "panels")}
    schema = pa.schema(
        [
            pa.field("name", pa.string(), nullable=False),
            pa.field("shape", pa.list_(pa.int64()), nullable=False),
            pa.field("values", pa.list_(pa.float64()), nullable=False),
        ],
        {"format": FORMAT, "reading": json.dumps(about)},
    )
    columns = [
        pa.array(list(reading.arrays)),
        pa.array([list(values.shape) for values in reading.arrays.values()], pa.list_(pa.int64())),
        pa.array([values.ravel() for values in reading.arrays.values()], pa.list_(pa.float64())),
    ]
    sink = io.BytesIO()
    pq.write_table(pa.table(columns, schema=schema), sink, compression="zstd")
    return sink.getvalue()


WRITERS: dict[str, Callable[[Reading], bytes]] = {".npz": Reading.to_bytes, ".parquet": parquet}
