# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which stages of a build run with native tools, by which accelerator, and why the others do not."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import Any

from . import _accelerator_image, _dispatcher
from ._accelerator_image import Accelerator
from ._accelerator_tools import PREFIX
from ._binfmt_entry import Entry
from ._binfmt_format import of_architecture
from ._binfmt_misc import BinfmtMisc
from ._build_source import Source
from ._build_task import BuildTask
from ._dockerfile import BuiltStage, built_stages
from ._dockerfile_mounts import Skipped, frontend_problem, with_mounts
from ._engine_buildx import BuildxBuilder
from ._errors import CrossbuildError
from ._os_release import PATHS, fields
from ._platform import Platform, host, runs_natively

_ROLE = "the role trusted.crossbuild.accelerator"


@dataclass(frozen=True)
class StageAcceleration:
    """A stage that has RUNs for an emulated platform. ``accelerator`` is an image, or None, and ``reason`` why."""

    stage: BuiltStage
    accelerator: str | None
    reason: str | None
    skipped: tuple[Skipped, ...] = ()

    @property
    def name(self) -> str:
        return self.stage.stage.name or str(self.stage.stage.index)

    def describe(self) -> dict[str, Any]:
        return {
            "stage": self.name,
            "line": self.stage.stage.line,
            "platform": str(self.stage.platform),
            "accelerator": self.accelerator,
            "reason": self.reason,
            "skipped": [{"line": one.line, "reason": one.reason} for one in self.skipped],
        }


@dataclass(frozen=True)
class Acceleration:
    """``dockerfile`` is the text with the accelerators, or None where no stage has one; ``entry`` is what they rely on."""

    dockerfile: str | None
    stages: tuple[StageAcceleration, ...]
    entry: Entry | None = None

    def interrupted(self) -> str | None:
        """What happened to the kernel's entry since, by which nothing was accelerated any more."""
        if self.entry is None or self.entry in BinfmtMisc().entries():
            return None
        return (
            f"The kernel's entry {self.entry.name}, which accelerates, was replaced or removed while this was built. What came"
            " after that was emulated."
        )

    def gone(self, task: BuildTask) -> list[str]:
        """The accelerators that are no longer on the engine."""
        used = sorted({one.accelerator for one in self.stages if one.accelerator})
        return [reference for reference in used if task.engine.image(reference) is None]


def plan(task: BuildTask, source: Source, platform: Platform) -> Acceleration:
    """Raises CrossbuildError where a stage is to be accelerated (``accelerate: true``), and cannot."""
    wanted = task.params["accelerate"]
    if wanted == "false":
        return Acceleration(None, ())
    stages = built_stages(source.dockerfile, task.args, platform, host(), task.params["target"])
    emulated = [one for one in stages if _runs(one) and one.platform and not runs_natively(one.platform)]
    if not emulated:
        return Acceleration(None, ())
    found = _planned(task, source, platform, emulated)
    if wanted == "true":
        _require(found)
    return found


def _runs(one: BuiltStage) -> bool:
    return any(instruction.keyword == "RUN" for instruction in one.stage.instructions)


def _planned(task: BuildTask, source: Source, platform: Platform, emulated: list[BuiltStage]) -> Acceleration:
    problem = _problem(task, source)
    entry = None if problem else _entry(platform)
    if problem is None and entry is None:
        problem = (
            f"the kernel does not run programs of {platform} by a copy of the emulator with the dispatcher: {_ROLE} makes and"
            " registers it"
        )
    if problem:
        return Acceleration(None, tuple(StageAcceleration(one, None, problem) for one in emulated))
    here = _accelerator_image.found(task.engine.labelled(_accelerator_image.LABEL))
    # A base image is looked at once, however many stages are made from it.
    choices = {kind: _choose(task, *kind, platform, here) for kind in {(one.platform, one.root) for one in emulated}}
    chosen = {one.stage.index: choices[one.platform, one.root] for one in emulated}
    mounts = {
        index: f"type=bind,from={accelerator},target={PREFIX}"
        for index, (accelerator, _reason) in chosen.items()
        if accelerator
    }
    mounted = with_mounts(source.text, source.dockerfile, mounts)
    stages = []
    for one in emulated:
        accelerator, reason = chosen[one.stage.index]
        lines = [instruction.start for instruction in one.stage.instructions]
        skipped = tuple(skip for skip in mounted.skipped if skip.line in lines)
        stages.append(StageAcceleration(one, accelerator, reason, skipped))
    return Acceleration(mounted.text if mounted.lines else None, tuple(stages), entry)


def _problem(task: BuildTask, source: Source) -> str | None:
    """Why nothing of this build can be accelerated."""
    if not isinstance(task.builder, BuildxBuilder):
        return "the classic builder has no mounts, by which a build gets the native tools: use buildx"
    if not task.builder.engine_bases:
        return f"the builder {task.params['builder_name']} is not the engine's own, which has the accelerators"
    if not task.engine.is_local:
        return "the engine is on another host, of which is not known how it runs programs"
    if not source.extra and any(member.mode & (stat.S_ISUID | stat.S_ISGID) for member in source.members):
        return (
            "the context has files with a setuid or setgid bit, which BuildKit loses where it gets Dockerfile and context"
            " apart, as it would here"
        )
    return frontend_problem(source.dockerfile, task.args)


def _entry(platform: Platform) -> Entry | None:
    """The kernel's entry for a platform, where that is a copy of an emulator with the dispatcher."""
    entry = of_architecture(platform.arch).responsible(BinfmtMisc().entries())
    return entry if entry and _dispatcher.is_copy(entry.interpreter) and {"F", "P"} <= set(entry.flags) else None


def _choose(
    task: BuildTask, of_stage: Platform | None, root: str | None, platform: Platform, here: list[Accelerator]
) -> tuple[str | None, str | None]:
    """The accelerator for stages of a platform that are made from the image ``root``, or why there is none."""
    if of_stage != platform:
        return None, f"the stage is for {of_stage}, and BuildKit mounts images for {platform} in this build"
    if root is None:
        return None, "it is made from scratch, so that nothing tells which distribution's programs it holds"
    base = task.engine.image(root)
    if base is None:
        return None, f"its base image {root} is not on the engine"
    release = _release(task, base.id)
    if release is None:
        return None, f"its base image {root} has no os-release, which would tell its distribution"
    name = release.get("PRETTY_NAME") or release.get("NAME") or release.get("ID") or "something without a name"
    if release.get("ID") != "debian":
        return None, f"its base image {root} is {name}, and accelerators are made of Debian's packages"
    codename = release.get("VERSION_CODENAME", "")
    ours = [accelerator for accelerator in here if accelerator.fits(codename, platform)]
    whole = [accelerator.reference for accelerator in ours if accelerator.reference]
    if whole:
        return whole[0], None
    if ours:
        return (
            None,
            f"the accelerator for {codename} {platform} does not hold what its name says: {_ROLE} makes it again",
        )
    return (
        None,
        f"its base image {root} is {name}, and there is no accelerator for {codename} {platform}: {_ROLE} makes it",
    )


def _release(task: BuildTask, image_id: str) -> dict[str, str] | None:
    # The first is mostly a link to the second, and not followed.
    for path in PATHS:
        content = task.engine.read_file(image_id, path)
        if content is not None:
            return fields(content.decode("utf-8", "replace"))
    return None


def _require(found: Acceleration) -> None:
    lines: dict[str, list[str]] = {}
    for one in found.stages:
        if one.reason:
            lines.setdefault(one.reason, []).append(str(one.stage.stage.line))
        for skip in one.skipped:
            lines.setdefault(skip.reason, []).append(str(skip.line))
    problems = [f"line {', '.join(numbers)}: {reason}" for reason, numbers in lines.items()]
    if problems:
        raise CrossbuildError(
            f"accelerate: true, and not everything can be accelerated: {'; '.join(problems)}. With accelerate: auto that is"
            " emulated.",
            acceleration=[one.describe() for one in found.stages],
        )
