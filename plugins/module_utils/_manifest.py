# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manifests: what an image consists of, and the index that joins those of several platforms under one name.

OCI: https://github.com/opencontainers/image-spec/blob/main/image-index.md
Docker: https://distribution.github.io/distribution/spec/manifest-v2-2/
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any, Sequence

from . import _platform
from ._errors import CrossbuildError
from ._platform import Platform

DOCKER_IMAGE = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_IMAGE = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
IMAGES = (DOCKER_IMAGE, OCI_IMAGE)
INDEXES = (DOCKER_LIST, OCI_INDEX)
READABLE = (*IMAGES, *INDEXES)

# How BuildKit marks what it says about an image's origin, in the index beside the image:
# https://docs.docker.com/build/metadata/attestations/attestation-storage/
_ATTESTED = "vnd.docker.reference.digest"
# OCI knows others, which nobody uses.
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Manifest:
    """The bytes that a registry keeps, and what they are."""

    media_type: str
    content: bytes

    @classmethod
    def read(cls, media_type: str, content: bytes) -> Manifest:
        """Raises CrossbuildError for what is neither an image nor an index."""
        try:
            parsed = json.loads(content)
            inside = parsed.get("mediaType", media_type)
            listed = parsed["manifests"] if media_type in INDEXES else [parsed["config"], *parsed["layers"]]
            # Reading an entry fails here where it would later.
            well = all(_DIGEST.fullmatch(Entry.read(one).digest) for one in listed)
        except (ValueError, TypeError, KeyError, AttributeError):
            inside, well = media_type, False
        if media_type not in READABLE or inside != media_type or not well:
            raise CrossbuildError(
                f"The manifest sha256:{hashlib.sha256(content).hexdigest()} is of the type {media_type} (inside:"
                f" {inside}) and cannot be used: an image or an index of Docker's schema 2 or of OCI was expected. Push the"
                " image again, with a current client."
            )
        return cls(media_type, content)

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.content).hexdigest()

    @property
    def parsed(self) -> dict[str, Any]:
        return dict(json.loads(self.content))

    @property
    def is_index(self) -> bool:
        return self.media_type in INDEXES

    @property
    def config_digest(self) -> str:
        return str(self.parsed["config"]["digest"])

    @property
    def blob_digests(self) -> list[str]:
        """Of an image: the blobs that must be where the manifest is, each once."""
        parsed = self.parsed
        return list(dict.fromkeys(blob["digest"] for blob in (parsed["config"], *parsed["layers"])))

    @property
    def entries(self) -> list[Entry]:
        """Of an index: what it lists."""
        return [Entry.read(descriptor) for descriptor in self.parsed["manifests"]]


@dataclass(frozen=True)
class Entry:
    """What an index says about one manifest. ``platform`` is as it is written there, ``attests`` a digest or empty."""

    digest: str
    media_type: str
    platform: str
    annotations: dict[str, str]

    @classmethod
    def read(cls, descriptor: dict[str, Any]) -> Entry:
        platform = descriptor.get("platform") or {}
        name = "/".join(filter(None, (platform.get(key) for key in ("os", "architecture", "variant"))))
        annotations = dict(descriptor.get("annotations") or {})
        return cls(descriptor["digest"], descriptor["mediaType"], name or "no platform", annotations)

    @property
    def attests(self) -> str:
        return self.annotations.get(_ATTESTED, "")


@dataclass(frozen=True)
class Part:
    """A manifest that becomes an index's entry.

    ``name`` is the reference it was asked for by, ``repository`` where it is, ``platform`` None for an attestation, which
    is for the image before it.
    """

    name: str
    repository: str
    manifest: Manifest
    platform: Platform | None
    annotations: dict[str, str] = field(default_factory=dict)

    def descriptor(self) -> dict[str, Any]:
        if self.platform is None:
            platform = {"architecture": "unknown", "os": "unknown"}
        else:
            platform = {"architecture": self.platform.architecture, "os": self.platform.os}
            if self.platform.variant:
                platform["variant"] = self.platform.variant
        descriptor: dict[str, Any] = {
            "mediaType": self.manifest.media_type,
            "digest": self.manifest.digest,
            "size": len(self.manifest.content),
            "platform": platform,
        }
        if self.annotations:
            descriptor["annotations"] = self.annotations
        return descriptor


def platform_of(config: bytes, stated: Platform | None) -> Platform:
    """What platform an image is for, by its configuration; ``stated`` may add a variant that is not in it.

    Raises CrossbuildError.
    """
    try:
        content = json.loads(config)
        base = f"{content['os']}/{content['architecture']}"
        variant = content.get("variant") or ""
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise CrossbuildError(
            "Its configuration says no platform that it is for: it is no image of a program."
        ) from exc
    recorded = _platform.parse(f"{base}/{variant}" if variant else base)
    if stated is None:
        return recorded
    same = (recorded.os, recorded.architecture) == (stated.os, stated.architecture)
    if not same or (variant and recorded != stated):
        raise CrossbuildError(f"By its configuration it is for {recorded}, not for {stated}.")
    return stated


def select(index: Manifest, wanted: Platform | None) -> list[tuple[Entry, Platform]]:
    """The images of an index with the platforms it states, or only the one for a platform. Raises CrossbuildError."""
    images = [entry for entry in index.entries if not entry.attests]
    if any(entry.media_type in INDEXES for entry in images):
        raise CrossbuildError("It is an index of indexes, which no engine resolves.")
    # One for a platform that is unknown here (Windows) is in the way only where all are asked for.
    found = [(entry, _platform.parse(entry.platform)) for entry in images if wanted is None or _is_for(entry, wanted)]
    if not found:
        names = ", ".join(entry.platform for entry in images) or "nothing"
        raise CrossbuildError(f"It is an index without {wanted or 'any image'}: it lists {names}.")
    return found


def _is_for(entry: Entry, wanted: Platform) -> bool:
    try:
        return _platform.parse(entry.platform) == wanted
    except CrossbuildError:
        return False


def require_distinct(parts: Sequence[Part]) -> None:
    """Raises CrossbuildError where two images are for one platform."""
    seen: dict[Platform, Part] = {}
    for part in parts:
        other = seen.setdefault(part.platform, part) if part.platform else part
        if other is not part:
            raise CrossbuildError(
                f"Both {other.name} and {part.name} are for {part.platform}; one tag has one image for a platform."
                " Leave one of them out, or say with platform which variant it is for."
            )


def join(parts: Sequence[Part], annotations: dict[str, str]) -> Manifest:
    """The index of some parts: the same bytes for the same parts, in whatever order they come.

    A Docker manifest list where all are Docker's, as docker buildx imagetools makes it; annotations need an OCI index.
    """
    docker = not annotations and all(part.manifest.media_type == DOCKER_IMAGE for part in parts)
    media_type = DOCKER_LIST if docker else OCI_INDEX
    content: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "manifests": [part.descriptor() for part in _ordered(parts)],
    }
    if annotations:
        content["annotations"] = annotations
    return Manifest(media_type, written(content))


def _ordered(parts: Sequence[Part]) -> list[Part]:
    """By platform, the newest variant first: a client that takes the first that runs then takes the best.

    Attestations come last, as BuildKit puts them.
    """
    images = [(part.platform, part) for part in parts if part.platform]
    images.sort(key=lambda pair: pair[0].variant, reverse=True)
    images.sort(key=lambda pair: pair[0].architecture)
    attestations = [part for part in parts if not part.platform]
    attestations.sort(key=lambda part: part.manifest.digest)
    return [part for _key, part in images] + attestations


def written(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def is_ours(manifest: Manifest) -> bool:
    """Whether this collection wrote an index: no other program puts the same facts into the same bytes."""
    return manifest.is_index and written(manifest.parsed) == manifest.content
