# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OCI image layouts, as a directory or as a tar of one: what is in one, and writing one out of what an engine saves.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tarfile
import tempfile
from abc import ABC, abstractmethod
from typing import IO, Any, Iterator, NamedTuple

from . import _manifest
from ._atomic import sync
from ._errors import CrossbuildError
from ._manifest import Manifest, Part
from ._platform import Platform

_CHUNK = 1 << 20
_VERSION = b'{"imageLayoutVersion":"1.0.0"}'
_CONFIG = "application/vnd.oci.image.config.v1+json"
# As engines save them. Compressed, the bytes would depend on the version of the program that does it.
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_BLOBS = "blobs/sha256"


class Stored(NamedTuple):
    """An image in a layout, by both of the digests that an engine may call its ID."""

    platform: str
    config: str
    manifest: str


def blob(digest: str) -> str:
    """Where a layout has what a digest names."""
    return f"{_BLOBS}/{digest.partition(':')[2]}"


class Files(ABC):
    """The files of a layout that is there."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Raises KeyError or OSError for what is not there."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Raises the same."""


class _Directory(Files):
    def __init__(self, path: str) -> None:
        self._path = path

    def size(self, name: str) -> int:
        return os.stat(os.path.join(self._path, name)).st_size

    def read(self, name: str) -> bytes:
        with open(os.path.join(self._path, name), "rb") as file:
            return file.read()


class _Archive(Files):
    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._members = {info.name: info for info in archive.getmembers()}

    def size(self, name: str) -> int:
        return self._members[name].size

    def read(self, name: str) -> bytes:
        content = self._archive.extractfile(self._members[name])
        return content.read() if content else b""


@contextlib.contextmanager
def opened(path: str, is_archive: bool) -> Iterator[Files]:
    """Raises OSError or tarfile.TarError for what is not there, or is no such thing."""
    if not is_archive:
        yield _Directory(path)
        return
    with tarfile.open(path, "r:") as archive:
        yield _Archive(archive)


def contents(path: str, is_archive: bool, annotations: dict[str, str]) -> list[Stored]:
    """The images of a layout, by its own words. None at all where it isn't whole, or is called otherwise."""
    try:
        with opened(path, is_archive) as files:
            (top,) = json.loads(files.read("index.json"))["manifests"]
            if top["annotations"] != annotations or files.read("oci-layout") != _VERSION:
                return []
            return list(_images(files, top))
    except PermissionError:
        raise
    except (OSError, tarfile.TarError, ValueError, KeyError, TypeError, CrossbuildError):
        return []


def _images(files: Files, top: dict[str, Any]) -> Iterator[Stored]:
    """Raises what ``Files`` raises, and CrossbuildError, where something is missing or of another size."""
    for descriptor in _listed(files, top):
        manifest = _manifest_of(files, descriptor)
        parsed = manifest.parsed
        for one in (parsed["config"], *parsed["layers"]):
            if files.size(blob(one["digest"])) != one["size"]:
                raise CrossbuildError(f"{one['digest']} is not whole")
        entry = _manifest.Entry.read(descriptor)
        yield Stored(entry.platform, manifest.config_digest, manifest.digest)


def _listed(files: Files, top: dict[str, Any]) -> list[dict[str, Any]]:
    manifest = _manifest_of(files, top)
    return list(manifest.parsed["manifests"]) if manifest.is_index else [top]


def _manifest_of(files: Files, descriptor: dict[str, Any]) -> Manifest:
    manifest = Manifest.read(descriptor["mediaType"], files.read(blob(descriptor["digest"])))
    if manifest.digest != descriptor["digest"]:
        raise CrossbuildError(f"{descriptor['digest']} is damaged")
    return manifest


class Writer:
    """Makes a layout in an empty directory. The same images make the same bytes."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._parts: list[Part] = []
        os.makedirs(os.path.join(directory, _BLOBS))

    def add(self, saved: IO[bytes], image_id: str, reference: str, platform: Platform) -> None:
        """An image, out of the tar that an engine saves: every file of it is taken for a blob. Raises CrossbuildError."""
        try:
            with tarfile.open(fileobj=saved, mode="r|", bufsize=_CHUNK) as archive:
                for info in archive:
                    content = archive.extractfile(info) if info.isreg() else None
                    if content:
                        self._store(content)
        except tarfile.TarError as exc:
            raise CrossbuildError(f"The engine broke off while it saved {reference}: {exc}. Run this again.") from exc
        manifest = self._manifest(image_id, reference)
        self._parts.append(Part(reference, "", manifest, platform))

    def finish(self, annotations: dict[str, str]) -> None:
        """Raises CrossbuildError where two images are for one platform."""
        _manifest.require_distinct(self._parts)
        needed = {digest for part in self._parts for digest in (part.manifest.digest, *part.manifest.blob_digests)}
        top = self._parts[0].descriptor()
        if len(self._parts) > 1:
            index = _manifest.join(self._parts, {})
            self._write(blob(index.digest), index.content)
            needed.add(index.digest)
            top = {"mediaType": index.media_type, "digest": index.digest, "size": len(index.content)}
        outer = {
            "schemaVersion": 2,
            "mediaType": _manifest.OCI_INDEX,
            "manifests": [{**top, "annotations": annotations}],
        }
        self._write("index.json", _manifest.written(outer))
        self._write("oci-layout", _VERSION)
        kept = {os.path.basename(blob(digest)) for digest in needed}
        blobs = os.path.join(self._directory, _BLOBS)
        for name in os.listdir(blobs):
            path = os.path.join(blobs, name)
            if name in kept:
                sync(path)
            else:
                os.unlink(path)
        sync(blobs)

    def _manifest(self, image_id: str, reference: str) -> Manifest:
        """The manifest of an image whose blobs are here. An engine's ID is the digest of a configuration, or of a manifest."""
        found = self._json(image_id)
        if "layers" in found:
            with open(self._path(blob(image_id)), "rb") as file:
                manifest = Manifest.read(found.get("mediaType", _manifest.OCI_IMAGE), file.read())
        elif "rootfs" in found:
            content = {
                "schemaVersion": 2,
                "mediaType": _manifest.OCI_IMAGE,
                "config": self._descriptor(_CONFIG, image_id),
                "layers": [self._descriptor(_LAYER, layer) for layer in found["rootfs"].get("diff_ids") or []],
            }
            manifest = Manifest(_manifest.OCI_IMAGE, _manifest.written(content))
            self._write(blob(manifest.digest), manifest.content)
        else:
            raise CrossbuildError(
                f"What the engine saved of {reference} is not one image: {image_id} is neither of the two."
            )
        for digest in manifest.blob_digests:
            self._descriptor("", digest)
        return manifest

    def _json(self, digest: str) -> dict[str, Any]:
        self._descriptor("", digest)
        with open(self._path(blob(digest)), "rb") as file:
            return dict(json.load(file))

    def _descriptor(self, media_type: str, digest: str) -> dict[str, Any]:
        """Raises CrossbuildError for what is not here: every digest was computed when the bytes came."""
        try:
            size = os.stat(self._path(blob(digest))).st_size
        except FileNotFoundError as exc:
            raise CrossbuildError(
                f"What the engine saved lacks {digest}: it is incomplete, or of a kind that is not known here. See whether 'docker"
                " save' works, and build the image again."
            ) from exc
        return {"mediaType": media_type, "digest": digest, "size": size}

    def _store(self, content: IO[bytes]) -> None:
        whole = hashlib.sha256()
        descriptor, temporary = tempfile.mkstemp(dir=self._directory)
        with os.fdopen(descriptor, "wb") as file:
            for chunk in iter(lambda: content.read(_CHUNK), b""):
                whole.update(chunk)
                file.write(chunk)
            os.fchmod(file.fileno(), 0o644)
        os.rename(temporary, self._path(blob("sha256:" + whole.hexdigest())))

    def _write(self, name: str, content: bytes) -> None:
        with open(self._path(name), "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())

    def _path(self, name: str) -> str:
        return os.path.join(self._directory, name)


def pack(directory: str, file: IO[bytes]) -> None:
    """A layout as a tar, without anything of the host in it; what tells of the rest comes first."""
    blobs = sorted(os.listdir(os.path.join(directory, _BLOBS)))
    names = ["oci-layout", "index.json", "blobs", _BLOBS, *(f"{_BLOBS}/{name}" for name in blobs)]
    with tarfile.open(fileobj=file, mode="w|", format=tarfile.USTAR_FORMAT) as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            path = os.path.join(directory, name)
            if os.path.isdir(path):
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(info)
                continue
            info.size, info.mode = os.stat(path).st_size, 0o644
            with open(path, "rb") as content:
                archive.addfile(info, content)
