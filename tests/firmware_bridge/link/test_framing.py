from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.link.framing import Unframer, cobs_decode, cobs_encode, frame, longest_frame
from firmware_bridge.link.packet import LAYOUT, MAX_PACKET, Packet, decode

LONG = 600
data = st.binary(max_size=LONG) | st.lists(st.sampled_from([b"\0", b"\1", b"\xff" * 253, b"\xff" * 254])).map(b"".join)
packets = st.binary(min_size=1, max_size=MAX_PACKET)


@given(data)
def test_cobs_gives_back_what_was_encoded_without_a_zero(plain: bytes) -> None:
    coded = cobs_encode(plain)
    assert 0 not in coded
    assert len(coded) <= len(plain) + len(plain) // 254 + 1
    assert cobs_decode(coded) == plain


@given(st.binary(max_size=LONG))
def test_cobs_of_anything_is_bytes_or_none(coded: bytes) -> None:
    plain = cobs_decode(coded)
    assert plain is None or len(plain) < max(len(coded), 1)


@given(st.lists(packets, max_size=6), st.integers(1, 40))
def test_packets_come_out_whatever_the_pieces(sent: list[bytes], piece: int) -> None:
    stream, unframe = b"".join(map(frame, sent)), Unframer(MAX_PACKET)
    pieces = [stream[at : at + piece] for at in range(0, len(stream), piece)]
    assert [packet for part in pieces for packet in unframe(part)] == sent
    assert unframe.damaged == 0


@given(st.binary(max_size=2000), packets)
def test_whatever_came_before_the_next_frame_is_taken(noise: bytes, packet: bytes) -> None:
    unframe = Unframer(MAX_PACKET)
    assert list(unframe(noise + frame(packet)))[-1] == packet


@given(packets, st.data())
def test_a_changed_frame_is_dropped_and_counted(packet: bytes, drawn: st.DataObject) -> None:
    whole, unframe = frame(packet), Unframer(MAX_PACKET)
    at = drawn.draw(st.integers(1, len(whole) - 2))
    changed = drawn.draw(st.integers(0, 255).filter(lambda value: value != whole[at]))
    assert list(unframe(whole[:at] + bytes([changed]) + whole[at + 1 :])) == []
    assert unframe.damaged >= 1


def test_a_frame_that_is_too_long_does_not_fill_the_memory() -> None:
    unframe = Unframer(MAX_PACKET)
    for _ in range(1000):
        assert list(unframe(b"\x05" * 1000)) == []
    assert len(unframe._coded) <= longest_frame(MAX_PACKET)
    assert list(unframe(b"\0" + frame(b"after"))) == [b"after"]
    assert unframe.damaged == 1


def test_the_checksum_is_the_one_that_is_written_down() -> None:
    assert zlib.crc32(b"123456789") == 0xCBF43926


@given(
    st.builds(
        Packet,
        message=st.integers(0, 0xFFFF),
        payload=st.binary(max_size=256),
        sender=st.integers(0, 2**32 - 1),
        receiver=st.integers(0, 2**32 - 1),
        sequence=st.integers(0, 0xFFFF),
        acknowledged=st.integers(0, 0xFFFF),
        window=st.integers(0, 127),
        numbered=st.booleans(),
        major=st.integers(0, 15),
        minor=st.integers(0, 15),
    )
)
def test_a_packet_is_read_as_it_was_written(packet: Packet) -> None:
    assert decode(packet.encode()) == packet


@given(st.binary(max_size=LAYOUT.size - 1) | st.binary(min_size=MAX_PACKET + 1, max_size=MAX_PACKET + 9))
def test_what_has_no_header_or_too_much_behind_it_is_no_packet(whole: bytes) -> None:
    assert decode(whole) is None
