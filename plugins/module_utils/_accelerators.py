# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The accelerators that are on an engine: brought, and taken away."""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import partial
from typing import Any, Sequence

from . import _accelerator_image, _accelerator_tree, _registry_reference
from ._accelerator_image import Accelerator
from ._converge import Plan, Step
from ._engine_sdk import Image, SdkEngine
from ._errors import CrossbuildError
from ._platform import Platform
from ._push import push
from ._registry import Registry


class Accelerators:
    """The accelerators for some releases and platforms, on an engine; ``launcher`` is the text of launcher.c.

    ``latest``: whether they are to be of the packages that the archive has now. ``shared`` is where hosts leave them for
    each other.
    """

    def __init__(
        self,
        engine: SdkEngine,
        wanted: Sequence[tuple[str, Platform]],
        launcher: str,
        latest: bool,
        shared: Repository | None,
    ) -> None:
        self.engine = engine
        self.wanted = wanted
        self.launcher = launcher
        self.latest = latest
        self.shared = shared
        self._newest: dict[tuple[str, Platform], dict[str, str]] = {}

    def plan(self, plan: Plan) -> bool:
        """Returns whether one has to be made."""
        here = self._here()
        complete = True
        plan.result["images"] = []
        for release, platform in self.wanted:
            name = f"accelerator for {release} {platform}"
            ours = [one for one in here if one.fits(release, platform)]
            defects = {one.image_id: self._defect(one) for one in ours}
            good = next((one for one in ours if not defects[one.image_id]), None)
            plan.before += [f"{name}: {one.reference or one.image_id}" for one in ours] or [f"{name}: none"]
            if good:
                plan.after.append(f"{name}: {good.reference}")
                for one in ours:
                    if one is not good:
                        plan.steps.append(
                            Step(f"remove an older {name}, {one.image_id}", partial(remove, self.engine, one))
                        )
                plan.result["images"].append(_described(good))
            else:
                complete = False
                plan.after.append(f"{name}: made")
                reason = ", ".join(str(words) for words in defects.values()) or "none is on the engine"
                plan.steps.append(Step(f"make the {name} ({reason})", partial(self._bring, release, platform)))
        return not complete

    def _defect(self, one: Accelerator) -> str | None:
        """Why an accelerator is not the one to have."""
        if one.reference is None:
            return f"{one.image_id} does not hold what its name says"
        if one.recipe != self._recipe(one.release, one.platform):
            return f"{one.reference} was made in another way"
        if self.latest and one.packages != self._versions(one.release, one.platform):
            return f"{one.reference} is of older packages"
        return None

    def _recipe(self, release: str, platform: Platform) -> str:
        return _accelerator_tree.recipe(release, platform, self.launcher)

    def _versions(self, release: str, platform: Platform) -> dict[str, str]:
        key = (release, platform)
        if key not in self._newest:
            self._newest[key] = _accelerator_tree.versions(release, platform)
        return self._newest[key]

    def _bring(self, release: str, platform: Platform) -> None:
        if not (self.shared and self._pulled(self.shared, release, platform)):
            self._make(release, platform)
        for one in self._here():
            if one.fits(release, platform) and self._defect(one):
                remove(self.engine, one)

    def _here(self) -> list[Accelerator]:
        return _accelerator_image.found(self.engine.labelled(_accelerator_image.LABEL))

    def _pulled(self, shared: Repository, release: str, platform: Platform) -> bool:
        """Whether another host has made it."""
        pulled = shared.pull(release, platform, self._recipe(release, platform))
        if pulled is None:
            return False
        for one in _accelerator_image.found([pulled]):
            self.engine.tag(one.image_id, *_accelerator_image.own_name(one.release, one.platform, one.layer))
        image = self.engine.image(pulled.id)
        found = _accelerator_image.found([image] if image else [])
        return any(one.fits(release, platform) and not self._defect(one) for one in found)

    def _make(self, release: str, platform: Platform) -> None:
        scratch = tempfile.mkdtemp(prefix="crossbuild-accelerator-")
        try:
            tree, archive = os.path.join(scratch, "tree"), os.path.join(scratch, "image.tar")
            made = _accelerator_tree.make(release, platform, tree, self.launcher)
            self._newest[release, platform] = made.versions
            recipe = self._recipe(release, platform)
            reference = _accelerator_image.write(tree, release, platform, recipe, made.versions, archive)
            with open(archive, "rb") as file:
                self.engine.load(file)
        except OSError as exc:
            raise CrossbuildError(
                f"The accelerator for {release} {platform} was not made: {exc.filename or scratch}: {exc.strerror}. It takes"
                " about 1.5 GB for a while: make room there, or name another directory with the variable TMPDIR."
            ) from exc
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        if self.shared:
            self.shared.push(reference, release, platform, recipe)


class Repository:
    """A repository in a registry, where one host leaves the accelerators that it has made and the others find them."""

    def __init__(self, name: str, registry: dict[str, Any], engine: SdkEngine) -> None:
        self._name = name
        self._engine = engine
        self._registry = Registry(_registry_reference.parse(name).registry, registry)

    def pull(self, release: str, platform: Platform, recipe: str) -> Image | None:
        """The image that is there; None where there is none. Raises CrossbuildError where the registry does not answer."""
        reference = self._reference(release, platform, recipe)
        parsed = _registry_reference.parse(reference)
        if self._registry.manifest(parsed.repository, parsed.tag) is None:
            return None
        self._engine.pull(reference, platform)
        return self._engine.image(reference)

    def push(self, made: str, release: str, platform: Platform, recipe: str) -> None:
        reference = self._reference(release, platform, recipe)
        name, _colon, tag = reference.rpartition(":")
        self._engine.tag(made, name, tag)
        push(self._engine, self._registry, reference)

    def _reference(self, release: str, platform: Platform, recipe: str) -> str:
        return f"{self._name}:{_accelerator_image.tag_of(release, platform, recipe)}"


def _described(one: Accelerator) -> dict[str, Any]:
    return {
        "release": one.release,
        "platform": str(one.platform),
        "image": one.reference,
        "id": one.image_id,
        "packages": dict(one.packages),
    }


def remove(engine: SdkEngine, one: Accelerator) -> None:
    """A build that has begun with it may fail by that, and begins again without."""
    for name in one.tags or (one.image_id,):
        engine.remove(name)
