# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One tag for the images of several platforms, which are in the registry already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

from . import _manifest, _platform, _registry_reference
from ._converge import Plan, Step, converge
from ._errors import CrossbuildError
from ._manifest import Manifest, Part
from ._platform import Platform
from ._registry import Registry
from ._registry_reference import Reference


@dataclass(frozen=True)
class Wanted:
    """An image as a task names it, with the platform where it names that, too."""

    reference: Reference
    platform: Platform | None

    @classmethod
    def of(cls, item: Any, registry: str) -> Wanted:
        """``item`` is a reference, or a dict of ``name`` and ``platform``. Raises CrossbuildError."""
        given = {"name": item} if isinstance(item, str) else item
        if not isinstance(given, dict) or not isinstance(given.get("name"), str) or set(given) - {"name", "platform"}:
            raise CrossbuildError(f"images has {item!r}; an image is its reference, or a dict of name and platform.")
        reference = _registry_reference.parse(given["name"])
        if reference.registry != registry:
            raise CrossbuildError(
                f"The image {given['name']} is in the registry {reference.registry}, and the tag shall be in {registry}."
                f" Push it there first, and name it as {registry}/{reference.repository}."
            )
        return cls(reference, _platform.parse(given["platform"]) if given.get("platform") else None)


class Joint:
    """One repository's tags, against what they should point to."""

    def __init__(self, registry: Registry, repository: str, tags: list[str]) -> None:
        self.registry = registry
        self.repository = repository
        self.tags = tags

    def read(self, images: Sequence[Wanted], annotations: dict[str, str]) -> None:
        """Reads every image, once: what was looked at is what will be joined. Raises CrossbuildError, before any writing."""
        manifests = [self.registry.manifest(one.reference.repository, one.reference.identifier) for one in images]
        missing = [str(one.reference) for one, manifest in zip(images, manifests) if manifest is None]
        if missing:
            raise CrossbuildError(
                f"Not in the registry: {', '.join(missing)}. Push what is missing first; nothing was written."
            )
        self.parts = [
            part
            for one, manifest in zip(images, manifests)
            if manifest is not None
            for part in self._parts(one, manifest)
        ]
        _manifest.require_distinct(self.parts)
        self.index = _manifest.join(self.parts, annotations)
        self.platforms = {str(part.platform): part.manifest.digest for part in self.parts if part.platform}

    def _parts(self, wanted: Wanted, manifest: Manifest) -> list[Part]:
        """An image is one part; of an index, its images are parts, and what it says about their origin."""
        name, repository = str(wanted.reference), wanted.reference.repository
        try:
            if not manifest.is_index:
                return [Part(name, repository, manifest, self._platform_of(repository, manifest, wanted.platform))]
            parts = []
            for entry, stated in _manifest.select(manifest, wanted.platform):
                image = self._listed(repository, entry.digest)
                platform = self._platform_of(repository, image, stated)
                parts.append(Part(f"{name} (in it {entry.digest})", repository, image, platform, entry.annotations))
            chosen = {part.manifest.digest for part in parts}
            attestations = [entry for entry in manifest.entries if entry.attests in chosen]
            return parts + [
                Part(name, repository, self._listed(repository, entry.digest), None, entry.annotations)
                for entry in attestations
            ]
        except CrossbuildError as exc:
            raise CrossbuildError(f"The image {name}: {exc}") from exc

    def _listed(self, repository: str, digest: str) -> Manifest:
        found = self.registry.manifest(repository, digest)
        if found is None or found.is_index:
            what = "another index" if found else "not in the registry"
            raise CrossbuildError(f"It lists {digest}, which is {what}. Push it again.")
        return found

    def _platform_of(self, repository: str, image: Manifest, stated: Platform | None) -> Platform:
        return _manifest.platform_of(self.registry.blob(repository, image.config_digest), stated)

    def plan_present(self) -> Plan:
        plan = Plan(
            result={
                "digest": self.index.digest,
                "media_type": self.index.media_type,
                "platforms": self.platforms,
                "tags": [self._name(tag) for tag in self.tags],
            }
        )
        for part in self.parts:
            if self.registry.digest(self.repository, part.manifest.digest) is None:
                plan.steps.append(self._copy_step(part))
        if self.registry.digest(self.repository, self.index.digest) is None:
            words = f"store the index {self.index.digest} of {', '.join(self.platforms)}"
            plan.steps.append(Step(words, self._store))
        stale = []
        for tag in self.tags:
            if self.registry.digest(self.repository, tag) == self.index.digest:
                found: Manifest | None = self.index
            else:
                found = self.registry.manifest(self.repository, tag)
                stale.append(tag)
            plan.before += self._lines(tag, found)
            plan.after += self._lines(tag, self.index)
        if stale:
            words = f"point {', '.join(map(self._name, stale))} to {self.index.digest}"
            plan.steps.append(Step(words, lambda: self._point(stale)))
        return plan

    def _copy_step(self, part: Part) -> Step:
        def copy() -> None:
            for digest in part.manifest.blob_digests:
                self.registry.mount(self.repository, digest, part.repository)
            self.registry.put_manifest(self.repository, part.manifest.digest, part.manifest)

        return Step(f"copy {part.name} to {self.registry.name}/{self.repository}", copy)

    def _store(self) -> None:
        """Without a tag yet: nobody sees it before it was read back."""
        self.registry.put_manifest(self.repository, self.index.digest, self.index)
        self.prove(self.index.digest)

    def _point(self, tags: list[str]) -> None:
        for number, tag in enumerate(tags):
            try:
                self.registry.put_manifest(self.repository, tag, self.index)
            except CrossbuildError as exc:
                done = ", ".join(map(self._name, tags[:number])) or "none"
                left = ", ".join(map(self._name, tags[number:]))
                raise CrossbuildError(
                    f"{exc} Pointing to the new index {self.index.digest}: {done}; as before: {left}. Run it again to finish."
                ) from exc

    def prove(self, identifier: str) -> None:
        """Resolves each platform as an engine does that pulls. Raises CrossbuildError with what was found."""
        name = self._name(identifier)
        index = self.registry.manifest(self.repository, identifier)
        if index is None or not index.is_index:
            raise CrossbuildError(f"{name} was written, but read back it is {'one image' if index else 'not there'}.")
        resolved = {}
        for entry in index.entries:
            image = self._listed(self.repository, entry.digest)
            if not entry.attests:
                stated = _platform.parse(entry.platform)
                resolved[str(self._platform_of(self.repository, image, stated))] = image.digest
        if resolved != self.platforms:
            raise CrossbuildError(
                f"{name} was read back and resolves to {_mapping(resolved)}, not to {_mapping(self.platforms)}. Does"
                " somebody else write this tag, too?"
            )

    def plan_absent(self) -> Plan:
        plan = Plan()
        doomed: dict[str, list[str]] = {}
        for tag in self.tags:
            found = self.registry.manifest(self.repository, tag)
            if found and _manifest.is_ours(found):
                doomed.setdefault(found.digest, []).append(tag)
                plan.before += self._lines(tag, found)
            elif found:
                plan.warnings.append(f"{self._name(tag)} stays: this module did not make what it points to.")
        if doomed:
            self._refuse_shared(doomed)
        for digest, tags in doomed.items():
            words = f"remove {', '.join(map(self._name, tags))}"
            plan.steps.append(Step(words, lambda digest=digest: self.registry.delete_manifest(self.repository, digest)))  # type: ignore[misc]
        return plan

    def _refuse_shared(self, doomed: dict[str, list[str]]) -> None:
        others = [tag for tag in self.registry.tags(self.repository) if tag not in self.tags]
        shared = [tag for tag in others if self.registry.digest(self.repository, tag) in doomed]
        if shared:
            raise CrossbuildError(
                f"A registry removes an index with all of its tags, and {', '.join(map(self._name, shared))} would go, too."
                " Name all of them in tags, or point them to something else first."
            )

    def _name(self, identifier: str) -> str:
        separator = "@" if ":" in identifier else ":"
        return f"{self.registry.name}/{self.repository}{separator}{identifier}"

    def _lines(self, tag: str, found: Manifest | None) -> list[str]:
        """What a tag points to, for the diff."""
        if found is None:
            return [f"{self._name(tag)}: nothing"]
        if not found.is_index:
            return [f"{self._name(tag)}: one image, {found.digest}"]
        return [f"{self._name(tag)} {entry.platform}: {entry.digest}" for entry in found.entries]


def _mapping(platforms: dict[str, str]) -> str:
    return ", ".join(f"{platform} = {digest}" for platform, digest in sorted(platforms.items())) or "nothing"


def _tags(target: Reference, tags: list[str]) -> list[str]:
    if target.digest:
        raise CrossbuildError(f"name is {target}: a digest cannot be chosen. Name the repository, and a tag.")
    named = [target.tag] if target.tag else []
    return list(dict.fromkeys(map(_registry_reference.require_tag, [*named, *tags]))) or ["latest"]


def _annotations(given: dict[str, Any]) -> dict[str, str]:
    for name, value in given.items():
        if not isinstance(value, str):
            raise CrossbuildError(f"The annotation {name} is {value!r}; it must be a string. Quote it.")
    return given


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module trusted.crossbuild.docker_manifest."""
    target = _registry_reference.parse(params["name"])
    tags = _tags(target, params["tags"])
    images = [Wanted.of(item, target.registry) for item in params["images"] or []]
    annotations = _annotations(params["annotations"] or {})
    joint = Joint(Registry(target.registry, params), target.repository, tags)
    if params["state"] == "absent":
        return converge(joint.plan_absent, check_mode)
    if not images:
        raise CrossbuildError("images names nothing to join. Name at least one image.")
    joint.read(images, annotations)
    result = converge(joint.plan_present, check_mode)
    if not (check_mode and result["changed"]):
        for tag in tags:
            joint.prove(tag)
    return result
