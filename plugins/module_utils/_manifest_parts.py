# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images in a registry, as a task names them, read into the parts that an index is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

from . import _manifest, _platform, _registry_reference
from ._errors import CrossbuildError
from ._manifest import Manifest, Part
from ._platform import Platform
from ._registry import Registry
from ._registry_reference import Reference


class NotPushed(CrossbuildError):
    """Images are not in the registry. In check mode the tasks before this one would have pushed them."""


@dataclass(frozen=True)
class Wanted:
    """An image as a task names it, with the platform where it names that, too."""

    reference: Reference
    platform: Platform | None

    @classmethod
    def of(cls, item: Any, registry: str) -> Wanted:
        """``item`` is a reference, or a dict of ``name`` and ``platform``. Raises CrossbuildError."""
        given = {"name": item} if isinstance(item, str) else item
        if not _is_wanted(given):
            raise CrossbuildError(
                f"images has {item!r}; an image is its reference, or a dict of name and platform, both strings."
            )
        reference = _registry_reference.parse(given["name"])
        if reference.registry != registry:
            raise CrossbuildError(
                f"The image {given['name']} is in the registry {reference.registry}, and the tag shall be in {registry}."
                f" Push it there first, and name it as {registry}/{reference.repository}."
            )
        return cls(reference, _platform.parse(given["platform"]) if given.get("platform") else None)


def _is_wanted(given: Any) -> bool:
    return (
        isinstance(given, dict)
        and "name" in given
        and not set(given) - {"name", "platform"}
        and all(isinstance(value, str) for value in given.values())
    )


def read(registry: Registry, images: Sequence[Wanted]) -> list[Part]:
    """Reads every image, once: what was looked at is what will be joined. Raises CrossbuildError, for those not there NotPushed."""
    manifests = [registry.manifest(one.reference.repository, one.reference.identifier) for one in images]
    missing = [str(one.reference) for one, manifest in zip(images, manifests) if manifest is None]
    if missing:
        raise NotPushed(f"Not in the registry: {', '.join(missing)}. Push what is missing first; nothing was written.")
    parts = [
        part
        for one, manifest in zip(images, manifests)
        if manifest is not None
        for part in _parts(registry, one, manifest)
    ]
    _manifest.require_distinct(parts)
    return parts


def _parts(registry: Registry, wanted: Wanted, manifest: Manifest) -> list[Part]:
    """An image is one part; of an index, its images are parts, and what it says about their origin."""
    name, repository = str(wanted.reference), wanted.reference.repository
    try:
        if not manifest.is_index:
            platform = _platform_of(registry, repository, manifest, wanted.platform)
            return [Part(name, repository, manifest, platform)]
        parts = []
        for entry, stated in _manifest.select(manifest, wanted.platform):
            image = _listed(registry, repository, entry.digest)
            platform = _platform_of(registry, repository, image, stated)
            parts.append(Part(f"{name} (in it {entry.digest})", repository, image, platform, entry.annotations))
        chosen = {part.manifest.digest for part in parts}
        return parts + [
            Part(name, repository, _listed(registry, repository, entry.digest), None, entry.annotations)
            for entry in manifest.entries
            if entry.attests in chosen
        ]
    except CrossbuildError as exc:
        raise CrossbuildError(f"The image {name}: {exc}") from exc


def resolve(registry: Registry, repository: str, index: Manifest) -> dict[str, str]:
    """Each platform of an index, with the digest that an engine gets that pulls it. Raises CrossbuildError."""
    resolved = {}
    for entry in index.entries:
        image = _listed(registry, repository, entry.digest)
        if not entry.attests:
            resolved[str(_platform_of(registry, repository, image, _platform.parse(entry.platform)))] = image.digest
    return resolved


def _listed(registry: Registry, repository: str, digest: str) -> Manifest:
    """The image that an index lists. Raises CrossbuildError."""
    found = registry.manifest(repository, digest)
    if found is None or found.is_index:
        what = "another index" if found else "not in the registry"
        raise CrossbuildError(f"It lists {digest}, which is {what}. Push it again.")
    return found


def _platform_of(registry: Registry, repository: str, image: Manifest, stated: Platform | None) -> Platform:
    """The platform that an image is for, out of its configuration in the registry. Raises CrossbuildError."""
    return _manifest.platform_of(registry.blob(repository, image.config_digest), stated)
