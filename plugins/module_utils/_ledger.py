# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An ``Output``: the ledger of a farm, a repository in which each build is found by what it is made from.

Whoever finds a build there does not build. So the image is in the ledger then, and need not be on the engine.
"""

from __future__ import annotations

import platform
from contextlib import ExitStack
from functools import partial
from typing import Any, Mapping, Sequence

from . import _build_key, _ledger_entry, _manifest_parts, _push, _registry_reference
from ._build_task import BuildTask
from ._claim import Claim
from ._converge import Plan, Step
from ._errors import CrossbuildError
from ._ledger_entry import Entry
from ._manifest_join import Joint
from ._manifest_parts import Wanted
from ._output import Finished, Made, Output, finished
from ._registry import Registry
from ._registry_reference import Reference


class Ledger(Output):
    """One build in a ledger. ``name`` is the image's, without a tag."""

    def __init__(self, task: BuildTask, name: str) -> None:
        self._task = task
        self._name = _registry_reference.untagged(name)
        self._repository = _registry_reference.repository(task.params["ledger"])
        others = [option for option in ("push", "oci_archive", "oci_directory") if task.params[option]]
        if others:
            raise CrossbuildError(
                f"ledger and {', '.join(others)}: an image that is found in the ledger is not brought to this host, and so"
                " cannot go on from here. Join it from the ledger, by trusted.crossbuild.docker_manifest."
            )
        if task.params["rebuild"] == "never":
            raise CrossbuildError(
                "ledger and rebuild: never: an old image would go for what was asked for. Choose another."
            )
        self._registry = self._connect()
        test = task.params["smoke_test"]
        self._proof = {"verify": task.params["verify"], "smoke_test": [test["command"], test["stdout"]] if test else []}
        self._entry: Entry | None = None
        self._written = False
        self._waits_for = ""
        self.seconds: float | None = None
        self.emulator = ""

    def _connect(self) -> Registry:
        return Registry(self._repository.registry, self._task.params["registry"])

    @property
    def _is_fresh(self) -> bool:
        """Whether what the ledger has does not count, as all is to be built anew."""
        return self._task.params["rebuild"] == "always" and not self._written

    def has(self, parts: Mapping[str, str]) -> bool:
        """Whether a build of these parts is there, in one request."""
        build = _ledger_entry.key(parts, self._proof)
        found = self._registry.manifest(self._repository.repository, _ledger_entry.entry_tag(build))
        self._entry = Entry.read(found) if found else None
        return self._entry is not None and not self._is_fresh

    def described(self) -> dict[str, Any] | None:
        """The entry that was found last, as part of a result."""
        return self._described(self._entry) if self._entry else None

    def wait_for_turn(self, parts: Mapping[str, str], stack: ExitStack) -> None:
        """Returns when the build is there, or is this task's to do until ``stack`` ends."""
        build = _ledger_entry.key(parts, self._proof)
        self._task.now_as(lambda: f"asking {self._repository} whether it is built")
        claim = Claim(self._connect, self._repository.repository, build, _here(self._task))
        if claim.take(partial(self.has, parts), self._waits):
            stack.callback(self._give_up, claim)

    def _waits(self, host: str) -> None:
        """Tells it once, so that whoever follows sees for how long."""
        if host != self._waits_for:
            self._waits_for = host
            self._task.now(f"waiting for {host}, which builds the same")

    def _give_up(self, claim: Claim) -> None:
        claim.give_up()
        if claim.problem:
            self._task.warnings.append(
                f"The claim to this build in {self._repository} could not be kept: {claim.problem}"
            )

    def plan(self, made: Sequence[Made]) -> Plan:
        [one] = made
        plan = Plan(before=[f"{self._repository}: {self._entry.image if self._entry else 'not built'}"])
        if self._entry and not self._is_fresh:
            plan.after = plan.before
            plan.result["ledger"] = self._described(self._entry)
        else:
            plan.after = [f"{self._repository}: built"]
            plan.steps.append(
                Step(f"enter {one.reference} into the ledger {self._repository}", lambda: self._enter(made))
            )
        return plan

    def _described(self, entry: Entry) -> dict[str, Any]:
        return {
            "image": f"{self._repository}@{entry.image}",
            "seconds": entry.seconds,
            "host": entry.host,
            "emulator": entry.emulator or None,
        }

    def _enter(self, made: Sequence[Made]) -> None:
        [one] = finished(made) or []
        parts = _build_key.recorded(one.image.labels)
        build = _ledger_entry.key(parts, self._proof)
        images = _manifest_parts.read(self._registry, [Wanted(self._pushed(one, build), one.advertised)])
        index = _ledger_entry.written(images, self.seconds, _here(self._task), self.emulator)
        tags = [_ledger_entry.entry_tag(build)]
        if self.seconds is not None:
            tags.append(_ledger_entry.last_tag(self._name, one.platform))
        for step in Joint(self._registry, self._repository.repository, tags, images, index).plan().steps:
            step.run()
        self._written = True
        self.has(parts)

    def _pushed(self, one: Finished, build: str) -> Reference:
        """The image in the registry. On the engine it has its name there only meanwhile."""
        tag = _ledger_entry.image_tag(build)
        name = self._task.params["ledger"]
        self._task.engine.tag(one.image.id, name, tag)
        try:
            self._task.now(f"pushing {name}:{tag}")
            _push.push(self._task.engine, self._registry, f"{name}:{tag}")
        finally:
            self._task.engine.remove(f"{name}:{tag}")
        return Reference(self._repository.registry, self._repository.repository, tag)


def _here(task: BuildTask) -> str:
    """This host, and where it has several its engine."""
    return f"{platform.node()} ({task.engine.host})"
