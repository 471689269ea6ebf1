"""An MCUboot image read: what imgtool wrote is found, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

pytest.importorskip("imgtool", reason="the extra update is not installed")

from imgtool.image import Image as ImgtoolImage
from imgtool.image import VerifyResult

from firmware_bridge.errors import FirmwareImageError
from firmware_bridge.update import signing
from firmware_bridge.update.image import Version, first, load, whole
from firmware_bridge.update.simulator.mcuboot import Board
from firmware_bridge.update.simulator.slot import mark_for_test
from tests.firmware_bridge.update.signed import BOARD, NEW, OLD, a_board, firmware, key, signed

PUBLIC = key("ours").key.public_key()


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def read_and_checked(data: bytes) -> None:
    signing.check(whole(data, "image"), PUBLIC, "image")


def test_what_imgtool_wrote_is_found(tmp_path):
    data = signed("1.2.3+4", counter=7)
    (tmp_path / "image.bin").write_bytes(data)
    image, read = load(tmp_path / "image.bin")
    result, _, digest, _ = ImgtoolImage.verify(str(tmp_path / "image.bin"), key("ours"))
    assert result is VerifyResult.OK
    assert image.hash == digest
    assert (image.version, str(image.version)) == (Version(1, 2, 3, 4), "1.2.3+4")
    assert (image.security_counter, image.size, read) == (7, len(data), data)
    assert data[image.firmware_at :].startswith(firmware("1.2.3+4"))
    assert image.is_for(BOARD) and not image.is_for("sonoedge_probe_b")
    read_and_checked(data)


def test_every_bit_counts():
    """With the key none may flip. Without it the host cannot tell in the key's hash and the signature."""
    data = NEW()
    image = whole(data, "image")
    unseen = {*_places(data, image.key_hash), *_places(data, image.signature)}
    taken = set()
    for bit in range(8 * len(data)):
        with pytest.raises(FirmwareImageError):
            read_and_checked(flipped(data, bit))
        try:
            whole(flipped(data, bit), "image")
            taken.add(bit // 8)
        except FirmwareImageError:
            pass
    assert taken == unseen


def _places(data: bytes, part: bytes) -> range:
    at = data.index(part)
    return range(at, at + len(part))


def swapped_in(board: Board, data: bytes) -> bool:
    """Whether the device takes an image that lies in its second slot; otherwise the old one runs and it is erased."""
    board.secondary.erase_all()
    board.secondary.write(0, data)
    assert mark_for_test(board.secondary)
    if board.boot().hash == whole(NEW(), "image").hash:
        return True
    assert set(board.secondary.contents()) == {0xFF}
    return False


def test_the_device_refuses_every_bit_too():
    board = a_board()
    for bit in range(8 * len(NEW())):
        assert board.image_in(board.primary) is not None
        board.secondary.erase_all()
        board.secondary.write(0, flipped(NEW(), bit))
        assert board.image_in(board.secondary) is None


def test_the_device_goes_on_with_the_old_image_whatever_byte_is_wrong():
    board = a_board()
    for at in range(len(NEW())):
        assert not swapped_in(board, flipped(NEW(), 8 * at + at % 8))
    assert swapped_in(board, NEW())


@pytest.mark.parametrize(
    "data",
    [
        signed("1.1.0", board="sonoedge_probe_b"),
        signed("1.1.0", counter=1),
        signed("1.1.0", by="theirs"),
        signed("1.1.0", by=None),
        signed("1.1.0", counter=None),
        signed("1.1.0", board=None),
    ],
    ids=["another board", "an older counter", "another key", "no signature", "no counter", "no board"],
)
def test_the_device_does_not_take_what_is_not_for_it(data):
    assert not swapped_in(a_board(), data)


@given(st.integers(0, len(NEW()) - 1))
def test_an_image_that_is_cut_is_none(length):
    with pytest.raises(FirmwareImageError):
        first(NEW()[:length], "image")


@given(st.binary(max_size=2000))
@example(b"")
@example(OLD()[:32])
def test_what_is_no_image_is_one_error(data):
    with pytest.raises(FirmwareImageError):
        whole(data, "image")


@given(st.lists(st.tuples(st.integers(0, len(NEW()) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_bytes_that_are_others_are_never_taken(changes):
    changed = bytearray(NEW())
    for at, byte in changes:
        changed[at] = byte
    if changed != NEW():
        with pytest.raises(FirmwareImageError) as raised:
            read_and_checked(bytes(changed))
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "0 bytes are no firmware image"),
        (b"\x7fELF" * 20, "is no MCUboot image: name one that imgtool signed"),
        (NEW() + b"\xff", "1 bytes follow the image: sign it without --pad"),
        (NEW()[:-1], "get the file anew"),
        (signed("1.1.0", by=None), "does not give its key (imgtool sign --key): sign it again with it"),
        (signed("1.1.0", counter=None), "does not give its security counter (imgtool sign --security-counter)"),
        (signed("1.1.0", board=None), "does not give its vendor (imgtool sign --vid)"),
        (signed("1.1.0", more=("--non-bootable",)), "sign a plain image"),
        (
            signed("1.1.0", more=("--public-key-format", "full")),
            "holds 0x02 beside its SHA-256, key hash and Ed25519 signature",
        ),
    ],
)
def test_each_says_what_is_wrong_and_the_mend(data, said):
    with pytest.raises(FirmwareImageError) as raised:
        whole(data, "image.bin")
    assert str(raised.value).startswith("image.bin: ")
    assert said in str(raised.value)


def test_a_custom_tlv_that_is_hashed_is_let_be():
    read_and_checked(signed("1.1.0", more=("--custom-tlv", "0x00a0", "batch 7")))


@pytest.mark.parametrize(("by", "said"), [("theirs", "is signed with another key")])
def test_another_key_is_told(by, said):
    with pytest.raises(FirmwareImageError, match=said):
        read_and_checked(signed("1.1.0", by=by))


def test_a_key_file_that_is_none_is_told(tmp_path):
    for name, data in (("none.pem", b"-----BEGIN"), ("private.pem", None)):
        if data is None:
            key("ours").export_private(str(tmp_path / name))
        else:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(FirmwareImageError, match="is no Ed25519 public key"):
            signing.load_key(tmp_path / name)
    with pytest.raises(FirmwareImageError, match="cannot be read"):
        signing.load_key(tmp_path / "absent.pem")
    key("ours").export_public(str(tmp_path / "public.pem"))
    assert signing.load_key(tmp_path / "public.pem").public_bytes_raw() == PUBLIC.public_bytes_raw()
