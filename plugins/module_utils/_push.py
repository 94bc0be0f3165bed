# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images in a registry: pushed by the engine, and several joined under one tag."""

from __future__ import annotations

import re
from functools import partial
from typing import Sequence

from . import _manifest, _manifest_parts, _registry_reference
from ._build_task import BuildTask
from ._converge import Plan, Step
from ._engine_sdk import Image, SdkEngine
from ._errors import CrossbuildError
from ._manifest import Manifest
from ._manifest_join import Joint, Tags
from ._manifest_parts import Wanted
from ._output import Finished, Made, Output, finished
from ._registry import Registry
from ._registry_reference import Reference

# What an engine tells of a push that failed, in the order in which it is looked for, and what to do about it.
_REMEDIES = (
    ("no such host|server misbehaving", "The engine's host knows no address of that name. Check it."),
    (
        "server gave HTTP response to HTTPS client",
        "The registry speaks plain HTTP. List it under insecure-registries in the engine's daemon.json.",
    ),
    (
        "x509|certificate|tls:",
        "The engine does not trust the registry: it looks for the authority's certificate in /etc/docker/certs.d/{registry}/ca.crt"
        " on its host.",
    ),
    (
        "denied|unauthorized|no basic auth credentials|authentication required|forbidden",
        "{user} may not push there. Name one who may with registry.username and registry.password, or by docker login.",
    ),
    ("HTTP 405|unsupported", "The registry takes nothing: it may be read-only."),
    (
        r"\b50[0-9] |HTTP 50[0-9]|no space left",
        "That is the registry's own trouble: see that its storage has room, and what its log says. Then run this again: layers"
        " that it has are not sent again.",
    ),
    ("toomanyrequests|too many requests", "The registry wants fewer requests. Try again later."),
    (
        "connection refused|connection reset|broken pipe|EOF|timeout|deadline exceeded",
        "The registry is not there, or went away. See that it runs, and run this again: layers that it has are not sent again.",
    ),
)


class Push(Output):
    """The registry's copies of a task's images. Of several, each has a tag of its own, and ``name:tag`` is their index."""

    def __init__(self, task: BuildTask, name: str, tag: str) -> None:
        self._task = task
        self._target = _registry_reference.parse(f"{name}:{tag}")
        self._registry = Registry(self._target.registry, task.params["registry"])

    def plan(self, made: Sequence[Made]) -> Plan:
        plan = Plan()
        digests: dict[str, str] = {}
        self._task.now_as(lambda: f"asking {self._registry.name} what it has")
        for one in made:
            tag = self._reference(one).tag
            found = self._registry.manifest(self._target.repository, tag)
            lines = self._tags.lines(tag, found)
            plan.before += lines
            if found and one.image and _is(found, one.image):
                digests[one.reference] = found.digest
                plan.after += lines
            else:
                plan.after.append(f"{self._tags.name(tag)}: pushed")
                plan.steps.append(Step(f"push {one.reference}", partial(self._push, one)))
        plan.result["digests"] = digests
        if len(made) > 1:
            self._plan_index(plan, made)
        elif digests:
            plan.result["digest"] = digests[made[0].reference]
        return plan

    def _plan_index(self, plan: Plan, made: Sequence[Made]) -> None:
        done = finished(made)
        if done and not plan.steps:
            index = self._joint(done).plan()
            plan.steps += index.steps
            plan.before += index.before
            plan.after += index.after
            plan.result["digest"] = index.result["digest"]
            return
        platforms = ", ".join(str(one.platform) for one in made)
        found = self._registry.manifest(self._target.repository, self._target.tag)
        plan.before += self._tags.lines(self._target.tag, found)
        plan.after.append(f"{self._target}: an index of {platforms}")
        plan.steps.append(Step(f"point {self._target} to an index of {platforms}", lambda: self._join(done or [])))

    @property
    def _tags(self) -> Tags:
        return Tags(self._registry, self._target.repository, [self._target.tag])

    def _reference(self, one: Made) -> Reference:
        return _registry_reference.parse(one.reference)

    def _push(self, one: Made) -> None:
        self._task.now(f"pushing {one.reference}")
        push(self._task.engine, self._registry, one.reference)

    def _joint(self, done: Sequence[Finished]) -> Joint:
        images = [Wanted(self._reference(one), one.advertised) for one in done]
        parts = _manifest_parts.read(self._registry, images)
        index = _manifest.join(parts, {})
        return Joint(self._registry, self._target.repository, [self._target.tag], parts, index)

    def _join(self, done: Sequence[Finished]) -> None:
        """As docker_manifest does, once all that is in the index is in the registry."""
        self._task.now(f"joining {self._target}")
        for step in self._joint(done).plan().steps:
            step.run()


def push(engine: SdkEngine, registry: Registry, reference: str) -> None:
    """Has the engine push an image. Raises CrossbuildError with why it could not, and what to do."""
    name, _colon, tag = reference.rpartition(":")
    who = registry.credentials
    try:
        engine.push(name, tag, who.for_engine(registry.name) if who else {})
    except CrossbuildError as exc:
        user = f"The user {who.username or 'of the token'} (from {who.origin})" if who else "Nobody in particular"
        remedy = _remedy(str(exc), registry.name, user)
        raise CrossbuildError(f"{reference} was not pushed to {registry.name}: {exc}. {remedy}", **exc.result) from exc


def _is(found: Manifest, image: Image) -> bool:
    """Whether a registry's image is the engine's. An engine's ID is that of the configuration, or of the manifest."""
    return not found.is_index and image.id in (found.config_digest, found.digest)


def _remedy(said: str, registry: str, user: str) -> str:
    for pattern, words in _REMEDIES:
        if re.search(pattern, said, re.IGNORECASE):
            return words.format(registry=registry, user=user)
    return "The engine's log may tell more."
