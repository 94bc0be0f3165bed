# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One tag for the images of several platforms, which are in the registry already."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from . import _manifest, _manifest_parts, _registry_reference
from ._converge import Plan, Step, converge
from ._errors import CrossbuildError
from ._manifest import Manifest, Part
from ._manifest_parts import NotPushed, Wanted
from ._registry import Registry
from ._registry_reference import Reference


@dataclass(frozen=True)
class Tags:
    """Some tags of one repository, and the words for what they point to."""

    registry: Registry
    repository: str
    tags: list[str]

    def name(self, *identifiers: str) -> str:
        """Tags or digests, with their repository."""
        where = f"{self.registry.name}/{self.repository}"
        return ", ".join(f"{where}{'@' if ':' in one else ':'}{one}" for one in identifiers)

    def lines(self, tag: str, found: Manifest | None) -> list[str]:
        """What a tag points to, for the diff."""
        if found is None:
            return [f"{self.name(tag)}: nothing"]
        if not found.is_index:
            return [f"{self.name(tag)}: one image, {found.digest}"]
        return [f"{self.name(tag)} {entry.platform}: {entry.digest}" for entry in found.entries]


@dataclass(frozen=True)
class Joint(Tags):
    """Tags that are to point to the index of some parts."""

    parts: list[Part]
    index: Manifest

    @property
    def platforms(self) -> dict[str, str]:
        return {str(part.platform): part.manifest.digest for part in self.parts if part.platform}

    def plan(self) -> Plan:
        plan = Plan(
            result={
                "digest": self.index.digest,
                "media_type": self.index.media_type,
                "platforms": self.platforms,
                "tags": [self.name(tag) for tag in self.tags],
            }
        )
        for part in self.parts:
            if not self._is_stored(part.manifest):
                words = f"copy {part.name} to {self.registry.name}/{self.repository}"
                plan.steps.append(Step(words, partial(self._copy, part)))
        if not self._is_stored(self.index):
            words = f"store the index {self.index.digest} of {', '.join(self.platforms)}"
            plan.steps.append(Step(words, self._store))
        stale = []
        for tag in self.tags:
            found = self.registry.manifest(self.repository, tag)
            if found != self.index:
                stale.append(tag)
            plan.before += self.lines(tag, found)
            plan.after += self.lines(tag, self.index)
        if stale:
            words = f"point {self.name(*stale)} to {self.index.digest}"
            plan.steps.append(Step(words, partial(self._point, stale)))
        return plan

    def _is_stored(self, manifest: Manifest) -> bool:
        return self.registry.digest(self.repository, manifest.digest) is not None

    def _copy(self, part: Part) -> None:
        for digest in part.manifest.blob_digests:
            self.registry.mount(self.repository, digest, part.repository)
        self.registry.put_manifest(self.repository, part.manifest.digest, part.manifest)

    def _store(self) -> None:
        """Without a tag yet: nobody sees it before it was read back."""
        self.registry.put_manifest(self.repository, self.index.digest, self.index)

    def _point(self, tags: list[str]) -> None:
        self.prove()
        for number, tag in enumerate(tags):
            try:
                self.registry.put_manifest(self.repository, tag, self.index)
            except CrossbuildError as exc:
                raise CrossbuildError(
                    f"{exc} Pointing to the new index {self.index.digest}: {self.name(*tags[:number]) or 'none'}; as before:"
                    f" {self.name(*tags[number:])}. Run it again to finish."
                ) from exc

    def prove(self) -> None:
        """Resolves each platform as an engine does that pulls. Raises CrossbuildError with what was found."""
        name = self.name(self.index.digest)
        index = self.registry.manifest(self.repository, self.index.digest)
        if index is None:
            raise CrossbuildError(f"{name} was stored, and is not there.")
        try:
            resolved = _manifest_parts.resolve(self.registry, self.repository, index)
        except CrossbuildError as exc:
            raise CrossbuildError(f"{name} does not resolve: {exc}") from exc
        if resolved != self.platforms:
            raise CrossbuildError(f"{name} resolves to {_mapping(resolved)}, not to {_mapping(self.platforms)}.")


def _mapping(platforms: dict[str, str]) -> str:
    return ", ".join(f"{platform} = {digest}" for platform, digest in sorted(platforms.items())) or "nothing"


def _plan_absent(tags: Tags) -> Plan:
    plan = Plan()
    doomed: dict[str, list[str]] = {}
    for tag in tags.tags:
        found = tags.registry.manifest(tags.repository, tag)
        if found and _manifest.is_ours(found):
            doomed.setdefault(found.digest, []).append(tag)
            plan.before += tags.lines(tag, found)
        elif found:
            plan.warnings.append(f"{tags.name(tag)} stays: this module did not make what it points to.")
    if doomed:
        _refuse_shared(tags, doomed)
    for digest, names in doomed.items():
        delete = partial(tags.registry.delete_manifest, tags.repository, digest)
        plan.steps.append(Step(f"remove {tags.name(*names)}", delete))
    return plan


def _refuse_shared(tags: Tags, doomed: dict[str, list[str]]) -> None:
    others = [tag for tag in tags.registry.tags(tags.repository) if tag not in tags.tags]
    shared = [tag for tag in others if tags.registry.digest(tags.repository, tag) in doomed]
    if shared:
        raise CrossbuildError(
            f"A registry removes an index with all of its tags, and {tags.name(*shared)} would go, too. Name all of them in"
            " tags, or point them to something else first."
        )


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


def _once_pushed(tags: Tags, images: list[Wanted], missing: NotPushed) -> dict[str, Any]:
    """What check mode can say of images that the tasks before would have pushed."""
    words = (
        f"join {', '.join(str(one.reference) for one in images)} under {tags.name(*tags.tags)}, once they are pushed"
    )
    names = [tags.name(tag) for tag in tags.tags]
    return {"changed": True, "actions": [words], "tags": names, "warnings": [str(missing)]}


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module trusted.crossbuild.docker_manifest."""
    if params["manifests"] is None:
        return _converged(params, check_mode)
    return _all(params, check_mode)


def _all(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Each of ``manifests``, whatever becomes of the others. Raises CrossbuildError with all that failed, and with the result."""
    if params["tags"]:
        raise CrossbuildError("tags is for a single name. Give each of manifests its own.")
    results = [_one({**params, **one}, check_mode) for one in params["manifests"]]
    together = {
        "changed": any(one["changed"] for one in results),
        "actions": [words for one in results for words in one.pop("actions", [])],
        "warnings": [words for one in results for words in one.pop("warnings", [])],
        "manifests": results,
    }
    diffs = [one.pop("diff", {"before": "", "after": ""}) for one in results]
    together["diff"] = {side: "".join(diff[side] for diff in diffs) for side in ("before", "after")}
    failed = [f"{one['name']}: {one['error']}" for one in results if "error" in one]
    if failed:
        raise CrossbuildError(" ".join(failed), **together)
    return together


def _one(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    try:
        return {"name": params["name"], **_converged(params, check_mode)}
    except CrossbuildError as exc:
        return {"name": params["name"], "changed": False, **exc.result, "error": str(exc)}


def _converged(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    target = _registry_reference.parse(params["name"])
    tags = _tags(target, params["tags"])
    images = [Wanted.of(item, target.registry) for item in params["images"] or []]
    annotations = _annotations(params["annotations"] or {})
    registry = Registry(target.registry, params)
    if params["state"] == "absent":
        return converge(partial(_plan_absent, Tags(registry, target.repository, tags)), check_mode)
    if not images:
        raise CrossbuildError("images names nothing to join. Name at least one image.")
    try:
        parts = _manifest_parts.read(registry, images)
    except NotPushed as exc:
        if not check_mode:
            raise
        return _once_pushed(Tags(registry, target.repository, tags), images, exc)
    joint = Joint(registry, target.repository, tags, parts, _manifest.join(parts, annotations))
    result = converge(joint.plan, check_mode)
    if not (check_mode and result["changed"]):
        joint.prove()
    return result
