"""Blobs of records: what comes back is what was written, old ones are understood, damaged ones are noticed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncore.codec import (
    FIRST_SCALARS,
    DamagedBlob,
    Scalars,
    decode_profile,
    decode_scalars,
    encode_profile,
    encode_scalars,
    joined,
    open_content,
    pack,
    read_batch,
    seal,
)
from rnncore.records import PROFILES, SCALARS, Record
from tests.support.wire import unpack

NUMBERS = st.floats(width=64, allow_nan=True)


def scalars(count: int, names: tuple[str, ...] = tuple(SCALARS)) -> Scalars:
    values = np.random.default_rng(count).normal(size=(count, len(names)))
    values[:, 0] = np.arange(1, count + 1)
    return Scalars(names, values)


@given(st.lists(st.lists(NUMBERS, min_size=2, max_size=2), max_size=20))
def test_scalars_come_back_bit_for_bit(rows: list[list[float]]) -> None:
    values = np.array([[step, *row] for step, row in enumerate(rows, start=1)], np.float64).reshape(-1, 3)
    names = ("step", "train_loss", "something of later")
    again = decode_scalars(encode_scalars(Scalars(names, values)))
    assert again.names == names
    assert again.values.tobytes() == values.tobytes()


def test_blobs_of_version_1_have_the_ten_columns_of_then() -> None:
    old = scalars(30, FIRST_SCALARS)
    again = decode_scalars(old.values.tobytes())
    assert again.names == FIRST_SCALARS
    np.testing.assert_array_equal(again["grad_norm"], old["grad_norm"])


@pytest.mark.parametrize("count", [1, 7, 10, 50])
def test_no_length_of_anything_else_is_taken_for_version_1(count: int) -> None:
    """Eleven columns without a header: for ten of them the length alone would fit."""
    with pytest.raises(DamagedBlob):
        decode_scalars(scalars(count, tuple("abcdefghijk")).values.tobytes())


def test_a_column_that_was_not_recorded_is_nan_also_beside_records_that_have_it() -> None:
    old, new = scalars(3, FIRST_SCALARS), scalars(2, (*FIRST_SCALARS, "entropy"))
    whole = joined([old, new])
    assert np.isnan(old["entropy"]).all()
    np.testing.assert_array_equal(whole["entropy"], [np.nan, np.nan, np.nan, *new["entropy"]])
    np.testing.assert_array_equal(whole["val_loss"], [*old["val_loss"], *new["val_loss"]])


def profile_arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {name: rng.random((2, 5)).astype(np.float32) for name in ("hidden_grad_norm", "direct_grad_norm")}


BLOBS = {
    "scalars": (encode_scalars(scalars(4)), decode_scalars),
    "profile": (encode_profile(profile_arrays()), decode_profile),
    "snapshot": (seal(b'{"predictions": 1}'), open_content),
}


@pytest.mark.parametrize("kind", BLOBS)
def test_every_flipped_bit_and_every_cut_is_noticed(kind: str) -> None:
    blob, decode = BLOBS[kind]
    decode(blob)
    for bit in range(8 * len(blob)):
        wrong = bytearray(blob)
        wrong[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DamagedBlob):
            decode(bytes(wrong))
    for length in range(1, len(blob)):
        with pytest.raises(DamagedBlob):
            decode(blob[:length])


def test_a_blob_of_a_later_version_is_refused_and_not_guessed() -> None:
    blob = bytearray(encode_scalars(scalars(2)))
    blob[3] = 9
    with pytest.raises(DamagedBlob, match="format 9"):
        decode_scalars(bytes(blob))
    with pytest.raises(DamagedBlob, match="format 9"):
        read_batch({"version": 9}, b"")


def record(step: int, **fields: object) -> Record:
    return Record(step, 0, 0.1 * step, 0.1, 1.0, 1.0, 0.5, **fields)  # type: ignore[arg-type]


def test_records_survive_the_wire() -> None:
    arrays = profile_arrays()
    records = [
        record(1, **arrays),
        record(2, val_loss=0.5, val_metric=1.0),
        record(3),
        record(4, **arrays, elapsed_s=9.0),
    ]
    again = unpack(*pack(records))
    assert [each.to_json() for each in again] == [each.to_json() for each in records]
    assert again[0].hidden_grad_norm.dtype == np.float32


def test_profiles_travel_as_they_are_stored() -> None:
    arrays = profile_arrays()
    batch = read_batch(*pack([record(1), record(2, **arrays)]))
    ((step, blob),) = batch.profiles
    assert step == 2
    assert blob == encode_profile(arrays)
    assert list(decode_profile(blob)) == [name for name in PROFILES if name in arrays]


def test_nothing_is_packed_too() -> None:
    assert unpack(*pack([])) == []
