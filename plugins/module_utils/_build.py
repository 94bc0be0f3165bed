# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Building one image for one platform, when something that goes into it has changed."""

from __future__ import annotations

import functools
from contextlib import ExitStack, closing
from typing import Any, Callable, ContextManager

from . import (
    _base_images,
    _build_faults,
    _build_source,
    _builder_choice,
    _built_from,
    _cache,
    _context,
    _deadline,
    _dockerfile,
    _emulators,
    _progress,
    _secrets,
)
from ._base_images import BaseImages
from ._build_key import KEY_LABEL, BuildKey, build_key
from ._build_log import BuildLog
from ._builder import Builder, Request
from ._built_from import BuiltFrom
from ._context import ContextChanged
from ._converge import Plan, Step, converge
from ._engine_sdk import Image, SdkEngine
from ._errors import CrossbuildError
from ._image_proof import ImageProof
from ._platform import Platform, host, parse_list
from ._secrets import Secret


class ImageBuild:
    """An image as a task asks for it, against the engine's copy."""

    def __init__(self, params: dict[str, Any], engine: SdkEngine) -> None:
        self.params = params
        self.engine = engine
        self.name, self.tag = _split_name(params["name"], params["tag"])
        self.reference = f"{self.name}:{self.tag}"
        self.platform = _one_platform(params["platforms"])
        self.reader = _build_source.Reader(params["path"], params["dockerfile"], params["dockerfile_inline"])
        self.built_from = BuiltFrom(engine.host, self.reference)
        self.args = {name: _argument(name, value) for name, value in (params["args"] or {}).items()}
        self.proof = ImageProof(params, engine, self.reference, self.platform, self._now)
        self.warnings: list[str] = []
        self.built = False
        self.progress = _progress.of(params)
        self._where: Callable[[], str] = lambda: "comparing the image with what it is made from"

    @functools.cached_property
    def builder(self) -> Builder:
        return _builder_choice.choose(self.params, self.engine)

    @functools.cached_property
    def base_images(self) -> BaseImages:
        return BaseImages(self.engine, self.builder, self.params["pull"] != "never", self._now)

    @functools.cached_property
    def secrets(self) -> list[Secret]:
        return _secrets.read(self.params["secrets"] or [])

    def where(self) -> str:
        """What goes on at the moment, in words."""
        return self._where()

    def plan_present(self) -> Plan:
        source = self._source()
        existing = self.engine.image(self.reference)
        key = self._key(source, self.base_images.identities(self._bases(source), existing))
        stale = self._stale(existing, key)
        reasons = self._reasons(stale, existing)
        plan = Plan(
            before=[f"image: {existing.id if existing else 'none'}"],
            after=[f"image: {existing.id if existing and not reasons else 'built'}"],
            found={"changed_inputs": stale},
            result={
                "image": _describe(existing),
                "key": key.digest,
                "builder": {"kind": self.builder.kind, "reason": self.builder.reason},
                **self.proof.result(existing),
            },
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

    def _compare(self, plan: Plan, stale: list[str], existing: Image, source: _build_source.Source) -> None:
        """The two sides of the diff: every input that changed, and of the context every file, where it is known."""
        built_from = self.built_from.of(existing) if "context" in stale else None
        before, after = _built_from.changes(built_from, dict(source.records())) if built_from is not None else ([], [])
        named = [name for name in stale if name != "context" or built_from is None]
        plan.before += [f"{name}: as built" for name in named] + before
        plan.after += [f"{name}: changed" for name in named] + after

    def _source(self) -> _build_source.Source:
        source = self.reader.read()
        self.builder.refuse(source.dockerfile, self.secrets)
        return source

    def _bases(self, source: _build_source.Source) -> list[_dockerfile.Base]:
        return _dockerfile.resolve_bases(
            source.dockerfile,
            self.args,
            self.platform,
            host(),
            self.params["target"],
            all_stages=self.builder.every_stage,
        )

    def _key(self, source: _build_source.Source, identities: dict[str, str]) -> BuildKey:
        emulator = self._emulator()
        return build_key(
            dockerfile=source.text,
            context=_context.digest(source.records()),
            args=self.args,
            target=self.params["target"],
            platform=str(self.platform),
            labels=self.params["labels"] or {},
            network=self.params["network"],
            base=identities,
            emulator=emulator.version() if emulator else None,
            engine=self.builder.kind,
            **({"secrets": {one.id: one.digest() for one in self.secrets}} if self.secrets else {}),
        )

    def _emulator(self) -> _emulators.Emulator | None:
        """What runs the build's steps; None where no emulator does, or another host's."""
        here = self.engine.is_local and self.builder.engine_bases
        return _emulators.used_for(self.platform, host()) if here else None

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

    def _now(self, activity: str) -> None:
        """Tells who follows what goes on, and the timeout."""
        self._where = lambda: activity
        self.progress.activity(activity)

    def prepare(self) -> None:
        """With pull: always, brings the bases up to date, so that the key sees what they are now."""
        if self.params["pull"] == "always":
            self.base_images.bring_up_to_date(self._bases(self._source()))

    def _build(self) -> None:
        if self.params["rebuild"] == "always":
            self.reader.forget()
        try:
            self._build_once()
        except ContextChanged:
            self.reader.forget()
            self._build_once()

    def _build_once(self) -> None:
        source = self._source()
        bases = self._bases(source)
        self.base_images.require(bases)
        identities = self.base_images.identities(bases, None)
        key = self._key(source, identities)
        labels = {**(self.params["labels"] or {}), **key.labels(), **_base_images.labels(identities)}
        request = Request(
            platform=self.platform,
            args=self.args,
            target=self.params["target"],
            labels=labels,
            network=self.params["network"],
            secrets=self.secrets,
            fresh=self.params["rebuild"] == "always",
            newest_bases=self.params["pull"] == "always",
        )
        self._now("sending the build context")
        progress = self.progress.build(str(self.platform), len(source.dockerfile.instructions))
        log = BuildLog(source.dockerfile, progress, self._emulator(), [secret.text() for secret in self.secrets])
        self._where = log.where
        try:
            with closing(self.builder.build(source, request)) as events:
                built = log.follow(_build_faults.explained(events, self.engine, self.builder.engine_bases))
        finally:
            progress.ended()
        self.proof.prove_built(built)
        self.engine.tag(built, self.name, self.tag)
        self.built = True
        self.keep(lambda: self.built_from.save(source.records()))
        self.keep(self.proof.save)

    def only_one(self) -> ContextManager[None]:
        return _cache.only_one(
            f"{self.engine.host}\0{self.reference}",
            lambda: self._now(f"waiting for the task that builds {self.reference}"),
        )

    def keep(self, save: Callable[[], None]) -> None:
        """The cache only saves work: a host where it cannot be written builds all the same."""
        try:
            save()
        except OSError as exc:
            self.warnings.append(
                f"{exc.filename}: {exc.strerror}. Without this cache each task reads the whole context, and proves the image again."
            )

    def _prove(self, existing: Image) -> None:
        self.proof.prove_existing(existing)
        self.keep(self.proof.save)

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


def _split_name(name: str, tag: str) -> tuple[str, str]:
    """A name may carry its tag, as in community.docker; a registry's port is not one."""
    repository, colon, suffix = name.rpartition(":")
    return (repository, suffix) if colon and "/" not in suffix else (name, tag)


def _one_platform(names: list[str]) -> Platform:
    platforms = parse_list(names)
    if len(platforms) != 1:
        raise CrossbuildError(
            f"platforms names {', '.join(map(str, platforms)) or 'none'}; an image of the local engine has one platform."
            " Use a task, and a tag, for each."
        )
    return platforms[0]


def _argument(name: str, value: Any) -> str:
    if isinstance(value, (dict, list)) or value is None:
        raise CrossbuildError(f"The build argument {name} is {value!r}; it must be a string. Quote it.")
    return str(value)


def _describe(image: Image | None) -> dict[str, Any] | None:
    return {"id": image.id, "platform": str(image.platform), "tags": image.tags} if image else None


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module trusted.crossbuild.docker_image."""
    _one_platform(params["platforms"])  # before anything else: the engine may be missing in check mode
    try:
        engine = SdkEngine(params)
    except CrossbuildError as exc:
        if not check_mode:
            raise
        # On a fresh host the tasks before this one would have brought the engine.
        return {"changed": True, "actions": [f"build {params['name']}, once an engine is here"], "warnings": [str(exc)]}
    build = ImageBuild(params, engine)
    if params["state"] == "absent":
        return converge(build.plan_absent, check_mode)
    if check_mode:
        return converge(build.plan_present, check_mode)
    with ExitStack() as stack:
        stack.enter_context(_deadline.limit(params["timeout"], build.where))
        # Of two tasks for the same image one builds, and the other one finds the image built.
        build.keep(lambda: stack.enter_context(build.only_one()))
        build.prepare()
        result = converge(build.plan_present, check_mode)
        build.keep(build.reader.remember)
    result["warnings"] += build.warnings
    return result
