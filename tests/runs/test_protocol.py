"""Frames between scheduler and worker: they come back as they were sent, and anything else is an error."""

import io

import pytest

from rnncore.runs.backend.frames import MAGIC, Frame, ProtocolError, read_frame, write_frame


def written(header, blob=b""):
    stream = io.BytesIO()
    write_frame(stream, header, blob)
    return stream.getvalue()


def test_frames_come_back_in_order_and_end_with_none():
    stream = io.BytesIO(written({"type": "job", "run": "é"}, b"\x00\xff") + written({"type": "stop"}))
    assert read_frame(stream) == Frame({"type": "job", "run": "é"}, b"\x00\xff")
    second = read_frame(stream)
    assert (second.type, second.run, second.blob) == ("stop", "", b"")
    assert read_frame(stream) is None


def test_a_stream_that_ends_inside_a_frame_is_an_error_at_every_length():
    whole = written({"type": "records"}, b"abc")
    for length in range(1, len(whole)):
        with pytest.raises(ProtocolError):
            read_frame(io.BytesIO(whole[:length]))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"Traceback (most recent call last)", ""),
        (MAGIC + b"\xff" * 8, ""),
        (MAGIC + b"\x00\x00\x00\x02\x00\x00\x00\x00[]", "the header has no type"),
        (MAGIC + b"\x00\x00\x00\x02\x00\x00\x00\x00{}", "the header has no type"),
        (MAGIC + b"\x00\x00\x00\x02\x00\x00\x00\x00{,", ""),
    ],
)
def test_anything_else_is_an_error(data, what):
    with pytest.raises(ProtocolError, match=f"^{what}"):
        read_frame(io.BytesIO(data))


def test_not_a_number_never_enters_a_header():
    with pytest.raises(ValueError, match="JSON"):
        written({"type": "set", "value": float("nan")})
