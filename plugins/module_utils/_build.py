# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Building one image for one platform, when something that goes into it has changed."""

from __future__ import annotations

import functools
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, ContextManager, Sequence

from . import _base_images, _build_source, _built_from, _cache, _dockerfile, _emulators
from ._base_images import BaseImages
from ._build_key import KEY_LABEL, BuildKey, build_key
from ._build_task import BuildTask
from ._builder import Request
from ._built_from import BuiltFrom
from ._context import ContextChanged
from ._converge import Plan, Step
from ._engine_sdk import Image
from ._image_proof import ImageProof
from ._platform import Platform, host

if TYPE_CHECKING:
    from ._ledger import Ledger


class ImageBuild:
    """One image of a task, against the engine's copy. ``others`` are the task's other platforms."""

    def __init__(self, task: BuildTask, platform: Platform, name: str, tag: str, others: Sequence[Platform]) -> None:
        self.task = task
        self.params = task.params
        self.engine = task.engine
        self.platform = platform
        self.name, self.tag = name, tag
        self.reference = f"{name}:{tag}"
        self.others = others
        self.built_from = BuiltFrom(self.engine.host, self.reference)
        self.proof = ImageProof(self.params, self.engine, self.reference, platform, task.now)
        self.built: str | None = None
        self.acceleration: list[dict[str, Any]] = []

    @functools.cached_property
    def base_images(self) -> BaseImages:
        may_pull = self.params["pull"] != "never"
        return BaseImages(self.engine, self.task.builder, may_pull, self.task.now, self.others)

    def plan_present(self, source: _build_source.Source) -> Plan:
        self._refuse(source)
        existing = self.engine.image(self.reference)
        key = self._key(source, self.base_images.identities(self._bases(source), existing))
        stale = self._stale(existing, key)
        if self.task.ledger and self.task.ledger.has(key.parts):
            return self._plan_found(None if stale else existing, key)
        reasons = self._reasons(stale, existing)
        plan = Plan(
            before=[f"image: {existing.id if existing else 'none'}"],
            after=[f"image: {existing.id if existing and not reasons else 'built'}"],
            found={"changed_inputs": stale},
            result=self._result(existing, key),
        )
        if existing:
            self._compare(plan, stale, existing, source)
        missing = self.proof.missing(existing) if existing else []
        if reasons:
            words = f"build {self.reference} for {self.platform} ({', '.join(reasons)})"
            plan.steps.append(Step(words, self._build))
        elif existing and missing:
            words = f"prove {self.reference} for {self.platform} ({', '.join(missing)})"
            plan.proofs.append(Step(words, lambda: self._prove(existing)))
        return plan

    def _plan_found(self, existing: Image | None, key: BuildKey) -> Plan:
        """Of what the ledger has, proven by what is asked for, nothing is to be done. It need not be on the engine."""
        proven = {"verify": self.params["verify"], "smoke_test": bool(self.params["smoke_test"])}
        return Plan(found={"changed_inputs": []}, result={**self._result(existing, key), "verified": proven})

    def _result(self, existing: Image | None, key: BuildKey) -> dict[str, Any]:
        return {
            "image": _describe(existing),
            "key": key.digest,
            "builder": {"kind": self.task.builder.kind, "reason": self.task.builder.reason},
            **({"acceleration": self.acceleration} if self.built else {}),
            **self.proof.result(existing),
        }

    def _compare(self, plan: Plan, stale: list[str], existing: Image, source: _build_source.Source) -> None:
        """The two sides of the diff: every input that changed, and of the context every file, where it is known."""
        built_from = self.built_from.of(existing) if "context" in stale else None
        before, after = _built_from.changes(built_from, dict(source.records())) if built_from is not None else ([], [])
        named = [name for name in stale if name != "context" or built_from is None]
        plan.before += [f"{name}: as built" for name in named] + before
        plan.after += [f"{name}: changed" for name in named] + after

    def _refuse(self, source: _build_source.Source) -> None:
        self.task.builder.refuse(source.dockerfile, self.task.secrets)

    def _bases(self, source: _build_source.Source) -> list[_dockerfile.Base]:
        return _dockerfile.resolve_bases(
            source.dockerfile,
            self.task.args,
            self.platform,
            host(),
            self.params["target"],
            all_stages=self.task.builder.every_stage,
        )

    def _key(self, source: _build_source.Source, identities: dict[str, str]) -> BuildKey:
        return build_key(
            dockerfile=source.text,
            context=source.digest,
            args=self.task.args,
            target=self.params["target"],
            platform=str(self.platform),
            labels=self.params["labels"] or {},
            network=self.params["network"],
            base=identities,
            emulator=self._emulator_version(),
            engine=self.task.builder.kind,
            **({"secrets": self.task.secret_digests} if self.task.secrets else {}),
        )

    def _emulator(self) -> _emulators.Emulator | None:
        """What runs the build's steps; None where no emulator does, or another host's."""
        here = self.engine.is_local and self.task.builder.engine_bases
        return _emulators.used_for(self.platform, host()) if here else None

    def _emulator_version(self) -> str | None:
        emulator = self._emulator()
        return emulator.version() if emulator else None

    def _stale(self, existing: Image | None, key: BuildKey) -> list[str]:
        """What differs, as the names of inputs. Empty: the image is what a build would give."""
        if existing is None:
            return ["no such image"]
        if KEY_LABEL not in existing.labels:
            return ["an image that this module did not build"]
        if existing.labels[KEY_LABEL] == key.digest:
            return []
        if not self.platform.accepts(existing.platform):
            return ["platform"]
        return key.differences(existing.labels) or ["format"]

    def _reasons(self, stale: list[str], existing: Image | None) -> list[str]:
        """Why to build, given what differs and the option rebuild."""
        if self.params["rebuild"] == "never" and existing and self.platform.accepts(existing.platform):
            return []
        if self.params["rebuild"] == "always" and not self.built:
            return stale or ["rebuild"]
        return stale

    def prepare(self, source: _build_source.Source) -> None:
        """Brings the bases up to date, so that the key sees what they are now."""
        self._refuse(source)
        self.base_images.bring_up_to_date(self._bases(source))

    def wait_for_turn(self, source: _build_source.Source, ledger: Ledger, stack: ExitStack) -> None:
        """Returns when the ledger has the image, or it is this task's to build, until ``stack`` ends."""
        ledger.wait_for_turn(self._key_anywhere(source, may_pull=True).parts, stack)

    def is_in(self, ledger: Ledger, source: _build_source.Source, may_pull: bool) -> bool:
        """Whether the ledger has the image. Without ``may_pull`` one whose bases are not here counts as not there."""
        return ledger.has(self._key_anywhere(source, may_pull).parts)

    def _key_anywhere(self, source: _build_source.Source, may_pull: bool) -> BuildKey:
        """What a build is known by is the same on a host that has its bases for another platform, or not yet."""
        self._refuse(source)
        bases = self._bases(source)
        existing = self.engine.image(self.reference)
        if may_pull:
            self.base_images.require(self.base_images.unrecorded(bases, existing))
        return self._key(source, self.base_images.identities(bases, existing))

    def _build(self) -> None:
        if self.params["rebuild"] == "always":
            self.task.reader.forget()
        try:
            self._build_once()
        except ContextChanged:
            self.task.reader.forget()
            self._build_once()

    def _build_once(self) -> None:
        from . import _accelerated_build

        source = self.task.reader.read()
        self._refuse(source)
        bases = self._bases(source)
        self.base_images.require(bases)
        identities = self.base_images.identities(bases, None)
        key = self._key(source, identities)
        labels = {**(self.params["labels"] or {}), **key.labels(), **_base_images.labels(identities)}
        request = Request(
            platform=self.platform,
            args=self.task.args,
            target=self.params["target"],
            labels=labels,
            network=self.params["network"],
            secrets=self.task.secrets,
            fresh=self.params["rebuild"] == "always",
            newest_bases=self.params["pull"] == "always",
        )
        begun = time.monotonic()
        built, self.acceleration = _accelerated_build.run(self.task, source, request, self._emulator())
        self.proof.prove_built(built)
        self.engine.tag(built, self.name, self.tag)
        self.built = built
        if self.task.ledger:
            self.task.ledger.seconds = time.monotonic() - begun
            self.task.ledger.emulator = self._emulator_version() or ""
        self.task.keep(lambda: self.built_from.save(source.records()))
        self.task.keep(self.proof.save)

    def only_one(self) -> ContextManager[None]:
        return _cache.only_one(
            f"{self.engine.host}\0{self.reference}",
            lambda: self.task.now(f"waiting for the task that builds {self.reference}"),
        )

    def _prove(self, existing: Image) -> None:
        self.proof.prove_existing(existing)
        self.task.keep(self.proof.save)

    def plan_absent(self) -> Plan:
        existing = self.engine.image(self.reference)
        plan = Plan(result={"image": None})
        if existing and KEY_LABEL not in existing.labels:
            plan.warnings.append(f"{self.reference} stays: this module did not build it.")
        elif existing:
            plan.before.append(f"image: {existing.id}")
            plan.steps.append(Step(f"remove {self.reference}", self._remove))
        return plan

    def _remove(self) -> None:
        self.proof.forget()
        self.engine.remove(self.reference)
        self.built_from.forget()


def _describe(image: Image | None) -> dict[str, Any] | None:
    return {"id": image.id, "platform": str(image.platform), "tags": image.tags} if image else None
