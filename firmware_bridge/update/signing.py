"""An image's Ed25519 signature against the public key of who may make firmware."""

from __future__ import annotations

import hashlib
from pathlib import Path

from edge.errors import MissingExtraError
from firmware_bridge.errors import FirmwareImageError
from firmware_bridge.update.image import Image

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
except ImportError as error:
    raise MissingExtraError("a signed firmware image", "update") from error


def load_key(path: Path) -> Ed25519PublicKey:
    """The public key in a PEM file, as `imgtool getpub -e pem` writes it.

    Raises:
        FirmwareImageError: it cannot be read, or is no Ed25519 public key.
    """
    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise FirmwareImageError(f"{path}: cannot be read: {error.strerror or error}: name a public key") from error
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise FirmwareImageError(f"{path}: is no Ed25519 public key: make one with imgtool getpub -e pem")
    return key


def key_hash(key: Ed25519PublicKey) -> bytes:
    """By which an image names its key: SHA-256 of the key as DER."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def check(image: Image, key: Ed25519PublicKey, where: str) -> None:
    """Nothing, when `key` signed the image.

    Raises:
        FirmwareImageError: another key did, or the signature does not hold.
    """
    if image.key_hash != key_hash(key):
        raise FirmwareImageError(f"{where}: is signed with another key: get the image from who has the right one")
    try:
        key.verify(image.signature, image.hash)
    except InvalidSignature:
        raise FirmwareImageError(f"{where}: its signature does not hold: get the file anew") from None
