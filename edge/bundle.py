"""A bundle: one file, `NAME.sonobundle`, that holds the models, their manifest, model card and licence.

It is a zip in exactly one layout: entries stored, not deflated (models load straight from it), no gap, no comment, no
extra field, `manifest.json` first. Opening reads the manifest and checks that layout against the size of the file; the
sha256 of an entry is checked when the entry is read. What the layout does not account for cannot hide in the file.
"""

from __future__ import annotations

import hashlib
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.errors import BundleError
from edge.manifest import FORMAT_VERSION, MANIFEST_FILE, SIGNATURE_FILE, Manifest

SUFFIX = ".sonobundle"
CARD_FILE = "MODEL_CARD.md"
ASSETS = Path(__file__).with_name("assets")
MAX_MANIFEST_BYTES = 1 << 20

# What `zipfile` raises for a damaged file, as found by flipping and cutting; NotImplementedError is a RuntimeError.
_DAMAGED = (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError, OverflowError, struct.error)
_LOCAL_HEADER, _CENTRAL_HEADER, _END_RECORD = 30, 46, 22  # bytes, names aside


class _FormatVersion(msgspec.Struct):
    format_version: int


@dataclass(frozen=True)
class Bundle:
    """An opened bundle. No file stays open: each read opens, checks and closes."""

    path: Path
    manifest: Manifest
    digest: str  # sha256 of the manifest's bytes, hex; the manifest lists every file's, so it identifies the whole

    @classmethod
    def open(cls, path: Path) -> Bundle:
        """The bundle at `path`; reads its directory and its manifest, not its models.

        Raises:
            BundleError: no such file, not a whole bundle, not ours, or from a newer version.
        """
        if not path.is_file():
            raise BundleError(f"{path}: no such bundle file")
        try:
            with zipfile.ZipFile(path) as archive:
                entries = archive.infolist()
                _check_layout(entries, path.stat().st_size)
                raw = archive.read(entries[0])
        except _DAMAGED as error:
            raise BundleError(f"{path.name}: not a whole bundle ({_line(error)}): copy or download it again") from error
        manifest = _decode_manifest(raw, path.name)
        _check_entries(manifest, entries, path.name)
        return cls(path, manifest, hashlib.sha256(raw).hexdigest())

    def read(self, file: str) -> bytes:
        """The bytes of one file of the bundle, checked against the manifest.

        Raises:
            BundleError: the bundle lists no such file, or its bytes are not those that the manifest lists.
        """
        if file not in self.manifest.files:
            raise BundleError(f"{self.path.name}: no file {file} in this bundle")
        try:
            with zipfile.ZipFile(self.path) as archive:
                data = archive.read(file)
        except (*_DAMAGED, KeyError) as error:
            raise BundleError(
                f"{self.path.name}: {file} cannot be read ({_line(error)}): copy or download the bundle again"
            ) from error
        if hashlib.sha256(data).hexdigest() != self.manifest.files[file].sha256:
            raise BundleError(f"{self.path.name}: sha256 of {file} differs from the manifest: get the bundle again")
        return data

    def verify_files(self) -> None:
        """Reads every file and checks its sha256; `open` has refused entries that the manifest does not list.

        Raises:
            BundleError: as `read`, for the first file that is not as listed.
        """
        for file in sorted(self.manifest.files):
            self.read(file)


def packaged_bundles() -> dict[str, Path]:
    """The reference bundles that come with the package, by name."""
    return {path.stem: path for path in sorted(ASSETS.glob(f"*{SUFFIX}"))}


def packaged_bundle(name: str) -> Path:
    """The path of the reference bundle called `name`.

    Raises:
        BundleError: none is called so; the line lists those that are.
    """
    bundles = packaged_bundles()
    if name not in bundles:
        raise BundleError(f"{name}: no such bundle file, nor a packaged one ({', '.join(bundles) or 'none here'})")
    return bundles[name]


def resolve_bundle(text: str) -> Path:
    """What `--bundle` means: a file, or else the name of a packaged bundle.

    Raises:
        BundleError: it is neither.
    """
    path = Path(text)
    return path if path.is_file() else packaged_bundle(text)


def _check_layout(entries: list[zipfile.ZipInfo], file_bytes: int) -> None:
    """Refuses, as BadZipFile, every zip that is not laid out as a bundle is."""
    names = [entry.filename for entry in entries]
    if not names or names[0] != MANIFEST_FILE:
        raise zipfile.BadZipFile(f"{MANIFEST_FILE} is not its first entry")
    if len(set(names)) != len(names):
        raise zipfile.BadZipFile("two entries of one name")
    if entries[0].file_size > MAX_MANIFEST_BYTES:
        raise zipfile.BadZipFile("a manifest of more than 1 MiB")
    offset = directory = 0
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise zipfile.BadZipFile(f"{entry.filename!r} is not stored")
        if entry.header_offset != offset:
            raise zipfile.BadZipFile(f"{entry.filename!r} is not where it should be")
        name_bytes = len(entry.filename.encode())
        offset += _LOCAL_HEADER + name_bytes + entry.file_size
        directory += _CENTRAL_HEADER + name_bytes
    if offset + directory + _END_RECORD != file_bytes:
        raise zipfile.BadZipFile("bytes missing or to spare")


def _check_entries(manifest: Manifest, entries: list[zipfile.ZipInfo], name: str) -> None:
    sizes = {entry.filename: entry.file_size for entry in entries[1:]}
    sizes.pop(SIGNATURE_FILE, None)
    if missing := manifest.unlisted_models():
        raise BundleError(f"{name}: its manifest does not list {', '.join(missing)}: convert the model again")
    if missing := sorted(manifest.files.keys() - sizes.keys()):
        raise BundleError(f"{name}: {', '.join(missing)} is missing: copy or download it again")
    if surplus := sorted(sizes.keys() - manifest.files.keys()):
        raise BundleError(f"{name}: {', '.join(map(repr, surplus))} is not in its manifest: get the bundle again")
    for file, entry in manifest.files.items():
        if sizes[file] != entry.size:
            raise BundleError(f"{name}: {file} has {sizes[file]} bytes, its manifest says {entry.size}")


def _decode_manifest(raw: bytes, name: str) -> Manifest:
    try:
        # The version comes first: a newer manifest may not fit this version's schema at all.
        version = msgspec.json.decode(raw, type=_FormatVersion).format_version
        if version > FORMAT_VERSION:
            raise BundleError(f"{name}: format {version}, this sonoedge reads up to {FORMAT_VERSION}: upgrade sonoedge")
        return msgspec.json.decode(raw, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BundleError(f"{name}: its manifest is not valid: {_line(error)}") from error


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
