"""Blobs of records: what comes back is what was written, old ones are understood, damaged ones are noticed."""

import json
import struct
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncore.codec import (
    FIRST_SCALARS,
    VERSION,
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
    unseal,
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


def test_a_blob_is_laid_out_as_the_format_says() -> None:
    blob = seal(b"content", b"{head}")
    rest = struct.pack("<I", 6) + b"{head}" + b"content"
    assert blob == b"RNL" + bytes([VERSION]) + struct.pack("<I", crc32(rest)) + rest
    header, content = unseal(blob)
    assert (header, bytes(content)) == (b"{head}", b"content")
    assert unseal(seal(b"")) == (b"", b"")
    values = np.array([[1.0, 0.5], [2.0, 0.25]])
    header, content = unseal(encode_scalars(Scalars(("step", "x"), np.asfortranarray(values))))
    assert (json.loads(header), bytes(content)) == ({"columns": ["step", "x"]}, values.tobytes())
    profile = np.arange(6, dtype=np.float64).reshape(2, 3)
    header, content = unseal(encode_profile({"hidden_grad_norm": profile.T.copy().T, "direct_grad_norm": -profile}))
    assert json.loads(header) == {"columns": ["hidden_grad_norm", "direct_grad_norm"], "shape": [2, 3]}
    assert bytes(content) == np.stack([profile, -profile]).astype(np.float32).tobytes()


@pytest.mark.parametrize(
    ("blob", "words"),
    [
        (b"RNL\x02" + bytes(7), "it is too short"),
        (b"X" * 12, "it does not begin as a stored blob does"),
        (b"RNL\x03" + bytes(8), "it was written in format 3, and this program reads up to 2"),
        (seal(b"abc")[:-1], "its checksum is wrong"),
    ],
)
def test_what_is_wrong_with_a_blob_is_said(blob: bytes, words: str) -> None:
    with pytest.raises(DamagedBlob) as damage:
        unseal(blob)
    assert str(damage.value) == words


def test_snapshots_and_checkpoints_of_version_1_begin_as_json_and_safetensors_do() -> None:
    for old in (b'{"a":1}', b"\x40\0\0\0\0\0\0\0{}"):
        assert open_content(old) == old
    for wrong in (b"1234567{90", b"123456789{", b"[1]", b""):
        with pytest.raises(DamagedBlob, match=r"^it does not begin as JSON or safetensors do$"):
            open_content(wrong)
    assert isinstance(open_content(seal(b"x")), bytes)


def test_scalars_of_version_1_of_a_wrong_length_or_order_are_refused() -> None:
    def old(*steps: float) -> bytes:
        return np.array([[step, *range(9)] for step in steps], np.float64).tobytes()

    assert decode_scalars(old(1.0, 3.0))["step"].tolist() == [1.0, 3.0]
    assert len(decode_scalars(b"")) == 0
    for steps in ((2.0, 1.0), (1.0, 1.0), (0.0, 1.0)):
        with pytest.raises(DamagedBlob, match=r"^its steps do not ascend$"):
            decode_scalars(old(*steps))
    for length in (8, 79, 81):
        with pytest.raises(DamagedBlob, match=r"^its length is wrong$"):
            decode_scalars(b"\0" * length)


def test_which_records_are_among_the_damaged() -> None:
    values = np.arange(1.0, 8.0)[:, None]
    holed = Scalars(("step",), values, ((2, 3), (6, 9)))
    assert holed.lost.tolist() == [False, True, True, False, False, True, True]
    assert Scalars(("step",), values).lost.tolist() == [False] * 7
    some = holed.take(np.array([1, 3]))
    assert (some.names, some.values.ravel().tolist(), some.missing) == (("step",), [2.0, 4.0], ((2, 3), (6, 9)))


def test_joining_keeps_the_order_of_columns_and_what_is_missing() -> None:
    first = Scalars(("step", "b"), np.array([[1.0, 10.0]]), ((4, 5),))
    second = Scalars(("step", "a"), np.array([[2.0, 20.0]]), ((7, 8),))
    whole = joined([first, second])
    assert (whole.names, whole.missing) == (("step", "b", "a"), ((4, 5), (7, 8)))
    np.testing.assert_array_equal(whole.values, [[1, 10, np.nan], [2, np.nan, 20]])
    same = joined([first, first])
    assert (same.names, same.values.tolist()) == (("step", "b"), [[1.0, 10.0], [1.0, 10.0]])
    assert same.missing == ((4, 5), (4, 5))
    empty = joined([])
    assert (empty.names, empty.values.shape, empty.missing) == (tuple(SCALARS), (0, len(SCALARS)), ())
    lost = joined([Scalars((), np.empty((0, 0)), ((1, 9),))])
    assert (lost.names, lost.missing, len(lost)) == (tuple(SCALARS), ((1, 9),), 0)


def test_a_frame_says_what_is_in_it_and_where() -> None:
    arrays = profile_arrays()
    records = [record(5), record(6, **arrays), record(7, val_loss=0.25), record(8, **arrays)]
    header, blob = pack(records)
    sealed = encode_profile(arrays)
    scalars_bytes = len(blob) - 2 * len(sealed)
    assert header == {
        "version": VERSION,
        "count": 4,
        "scalars": scalars_bytes,
        "profiles": [[1, len(sealed)], [3, len(sealed)]],
        "snapshots": [],
    }
    batch = read_batch(header, blob)
    assert batch.profiles == [(6, sealed), (8, sealed)]
    assert batch.snapshots == []
    assert batch.scalars.names == tuple(SCALARS)
    np.testing.assert_array_equal(batch.scalars["val_loss"], [np.nan, np.nan, 0.25, np.nan])
    later = read_batch({**header, "profiles": [[3, 4]], "snapshots": [[0, 3], [2, 2]]}, blob)
    end = blob[scalars_bytes:]
    assert later.profiles == [(8, end[:4])]
    assert all(type(step) is int for step, _ in (*later.profiles, *later.snapshots))
    assert later.snapshots == [(5, end[4:7]), (7, end[7:9])]
    with pytest.raises(DamagedBlob) as damage:
        read_batch({**header, "version": 1}, blob)
    assert str(damage.value) == "a worker sends records in format 1, and this program reads 2"
