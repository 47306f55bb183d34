"""Whatever bytes are uploaded, the reader ends in a data set or in a sentence, never in a traceback."""

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnncore.config import UploadData
from rnncore.data import DataError
from rnncore.data.upload import inspect
from tests.support.corpus import GOOD

# More than 10,000 in all, for CI: RNNLAB_FUZZ=4000.
EXAMPLES = int(os.environ.get("RNNLAB_FUZZ", "150"))
NAMES = st.sampled_from(["x.csv", "x.txt", "x.ts", "x.npz", "x.npy", "x.parquet", "x", ""])
SMALL = [data for good in GOOD for _, data in good.files[:1] if len(data) < 20_000]
PIECES = [
    b"",
    b"\n",
    b",",
    b";",
    b"\t",
    b'"',
    b"\0",
    b"nan",
    b"inf",
    b"1e308",
    b"-",
    b"\xff",
    b"\r",
    b"9" * 400,
    b"@data\n",
    b"#",
    b"2020-13-45",
    b"\xef\xbb\xbf",
    b"PK\x03\x04",
    b"," * 50,
    b"1,2\n" * 30,
]
CELLS = st.sampled_from(["", "1", "-2.5", "a", "b", "NA", "1,5", "2020-01-01", "inf", '"q', "=1+1"])

quiet = settings(
    max_examples=EXAMPLES, deadline=None, derandomize="CI" in os.environ, suppress_health_check=list(HealthCheck)
)


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "layout": st.sampled_from(["series", "long", "rows", "text"]),
        "missing": st.sampled_from(["forward_fill", "drop"]),
        "target_kind": st.sampled_from(["regression", "binary", "multiclass"]),
        "window": st.integers(2, 60),
        "horizon": st.integers(1, 9),
        "header": st.sampled_from(["yes", "no"]),
        "delimiter": st.sampled_from([",", ";", "\t", " "]),
        "decimal": st.sampled_from(["point", "comma"]),
        "id": st.sampled_from(["", "value"]),
        "time": st.sampled_from(["", "date"]),
        "max_length": st.just(3),
    },
).map(lambda chosen: UploadData(files=[{"file": "x"}], **chosen))


def check(name, data, options=None):
    try:
        inspection = inspect([(name, data)], options)
    except DataError as error:
        message = str(error)
    else:
        message = inspection.error
        if inspection.dataset is not None:
            inspection.dataset.train_batch(1, 4, 0)
    if message is not None:
        assert "\n" not in message
        assert message.endswith(".")


@st.composite
def mutated(draw):
    data = draw(st.sampled_from(SMALL))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 0, 1, 3, 50, 5_000])))
        data = data[:start] + draw(st.sampled_from(PIECES) | st.binary(max_size=8)) + data[end:]
    return data


@quiet
@given(NAMES, st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes(name, data):
    check(name, data)


@quiet
@given(NAMES, mutated())
def test_good_files_after_damage(name, data):
    check(name, data)


@quiet
@given(st.sampled_from(SMALL), OPTIONS)
def test_any_options_on_good_files(data, options):
    check("x", data, options)


@quiet
@given(st.lists(st.lists(CELLS, min_size=1, max_size=5), max_size=12), st.sampled_from([",", ";", "\t", "|", " "]))
def test_small_tables(rows, delimiter):
    check("x.csv", "\n".join(delimiter.join(row) for row in rows).encode())
