# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image for some platforms: built for each by itself, and when all are proven, pushed and exported."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any, Callable, Mapping, TypeVar

from . import _deadline
from ._build import ImageBuild
from ._build_task import BuildTask
from ._converge import Plan, Step, converge
from ._deadline import TimedOut
from ._engine_sdk import SdkEngine
from ._errors import CrossbuildError
from ._output import Made, Output
from ._platform import Platform, parse_list

Outcome = TypeVar("Outcome")


class DockerImage:
    """The images of a task, against the engine and the places where they are to go.

    A platform that fails does not keep the others from being built: with their steps in the builder's cache the next run
    has less to do. But nothing goes anywhere else then.
    """

    def __init__(self, params: dict[str, Any], engine: SdkEngine, check_mode: bool) -> None:
        self.check_mode = check_mode
        self.task = BuildTask(params, engine)
        name, tag = _split_name(params["name"], params["tag"])
        platforms = _platforms(params["platforms"])
        self.builds = [
            ImageBuild(self.task, one, name, _tag(tag, one, platforms), [other for other in platforms if other != one])
            for one in platforms
        ]
        self.outputs = _outputs(self.task, name, tag) if params["state"] == "present" else []
        if self.task.ledger and len(platforms) > 1:
            raise CrossbuildError(
                f"ledger, and {len(platforms)} platforms: each build has an entry of its own there, so that a task has one"
                " platform. Loop over them, and join them by trusted.crossbuild.docker_manifest."
            )
        self._first: dict[ImageBuild, Plan] = {}
        self._last: dict[ImageBuild, Plan] = {}
        self._failures: dict[ImageBuild, CrossbuildError] = {}

    def lock(self, stack: ExitStack) -> None:
        """Of two tasks for the same image one builds, and the other one finds the image built."""
        # In one order everywhere, so that two tasks cannot wait for each other.
        for build in sorted(self.builds, key=lambda build: build.reference):
            self.task.keep(partial(stack.enter_context, build.only_one()))

    def present(self, stack: ExitStack | None = None) -> dict[str, Any]:
        """``stack`` ends with the task; None in check mode."""
        if stack:
            self._prepare(stack)
        built = converge(self._plan_builds, self.check_mode)
        if not self.check_mode:
            self.task.keep(self.task.reader.remember)
        if self._failures:
            raise self._failed()
        put = converge(self._plan_outputs, self.check_mode)
        digests: dict[str, str] = put.pop("digests", {})
        images = [self._described(build, digests) for build in self.builds]
        return {**self._of_the_only_one(), **put, "images": images, **_both(built, put)}

    def remember(self, result: dict[str, Any]) -> None:
        """For the action plugin, which asks for that: where nothing was to be done the next task need not be begun."""
        subject = (self.task.params["_progress"] or {}).get("unchanged")
        if subject and not result["changed"] and not result["warnings"] and not self.task.warnings:
            from . import _unchanged

            platforms = [build.platform for build in self.builds]
            answer = {name: value for name, value in result.items() if name != "warnings"}
            self.task.keep(partial(_unchanged.remember, self.task, platforms, subject, answer))

    def absent(self) -> dict[str, Any]:
        result = converge(lambda: self._merged({build: build.plan_absent() for build in self.builds}), self.check_mode)
        return {**result, **({"image": None} if len(self.builds) == 1 else {})}

    def _prepare(self, stack: ExitStack) -> None:
        newest, ledger = self.task.params["pull"] == "always", self.task.ledger
        if not (newest or ledger):
            return
        source = self.task.reader.read()
        for build in self.builds:
            if newest:
                self._attempt(build, partial(build.prepare, source))
            if ledger and build not in self._failures:
                self._attempt(build, partial(build.wait_for_turn, source, ledger, stack))

    def _plan_builds(self) -> Plan:
        source = self.task.reader.read()
        plans = {}
        for build in self.builds:
            plan = None if build in self._failures else self._attempt(build, partial(build.plan_present, source))
            if plan:
                self._first.setdefault(build, plan)
                steps, proofs = (
                    [Step(step.words, partial(self._attempt, build, step.run)) for step in given]
                    for given in (plan.steps, plan.proofs)
                )
                plans[build] = self._last[build] = replace(plan, steps=steps, proofs=proofs)
        merged = self._merged(plans)
        if merged.steps:
            self._plan_outputs()  # what it would fail for is better known before all the work
        return merged

    def _merged(self, plans: Mapping[ImageBuild, Plan]) -> Plan:
        merged = Plan()
        for build, plan in plans.items():
            prefix = f"{build.platform}: " if len(self.builds) > 1 else ""
            merged.before += [prefix + line for line in plan.before]
            merged.after += [prefix + line for line in plan.after]
            merged.warnings += plan.warnings
            merged.steps += plan.steps
            merged.proofs += plan.proofs
        return merged

    def _attempt(self, build: ImageBuild, run: Callable[[], Outcome]) -> Outcome | None:
        """What ``run`` returns; None where it failed, which is said in the end, unless there is no time for the others."""
        try:
            return run()
        except CrossbuildError as exc:
            failure = self._failures[build] = exc
        if isinstance(failure, TimedOut):
            raise self._failed()
        return None

    def _plan_outputs(self) -> Plan:
        merged = Plan()
        made = [self._made(build) for build in self.builds]
        for output in self.outputs:
            plan = output.plan(made)
            merged.steps += plan.steps
            merged.before += plan.before
            merged.after += plan.after
            merged.result.update(plan.result)
        return merged

    def _made(self, build: ImageBuild) -> Made:
        image = self.task.engine.image(build.reference) if self._is_up_to_date(build) else None
        return Made(build.platform, build.reference, image)

    def _is_up_to_date(self, build: ImageBuild) -> bool:
        return build in self._last and not self._last[build].steps and build not in self._failures

    def _of_the_only_one(self) -> dict[str, Any]:
        """What is said of a single image in the result itself."""
        if len(self.builds) > 1:
            return {}
        return {**self._first[self.builds[0]].found, **self._last[self.builds[0]].result}

    def _described(self, build: ImageBuild, digests: dict[str, str]) -> dict[str, Any]:
        """One of ``images``."""
        first, last, failure = self._first.get(build), self._last.get(build), self._failures.get(build)
        facts = {**(first.found if first else {}), **(last.result if last else {})}
        image = facts.pop("image", None)
        if failure:
            facts.update(failure.result, error=str(failure))
        elif build.reference in digests:
            facts["digest"] = digests[build.reference]
        return {
            "platform": str(build.platform),
            "name": build.reference,
            "id": build.built or (image["id"] if image else None),
            "changed": bool(build.built or (self.check_mode and first and first.steps)),
            **facts,
        }

    def _failed(self) -> CrossbuildError:
        """What is wrong, by platform; the same thing once."""
        if len(self.builds) == 1:
            return self._failures[self.builds[0]]
        platforms: dict[str, list[str]] = {}
        for build, exc in self._failures.items():
            platforms.setdefault(str(exc), []).append(str(build.platform))
        words = [f"{', '.join(names)}: {problem}" for problem, names in platforms.items()]
        done = [build.reference for build in self.builds if build.built or self._is_up_to_date(build)]
        nowhere = " Nothing was pushed or exported." if self.outputs else ""
        return CrossbuildError(
            f"{' -- '.join(words)} -- On the engine, and up to date: {', '.join(done) or 'none'}.{nowhere}",
            images=[self._described(build, {}) for build in self.builds],
        )


def _split_name(name: str, tag: str) -> tuple[str, str]:
    """A name may carry its tag, as in community.docker; a registry's port is not one."""
    repository, colon, suffix = name.rpartition(":")
    return (repository, suffix) if colon and "/" not in suffix else (name, tag)


def _platforms(names: list[str]) -> list[Platform]:
    platforms = parse_list(names)
    if not platforms:
        raise CrossbuildError("platforms names none. Name at least one platform.")
    return platforms


def _tag(tag: str, platform: Platform, platforms: list[Platform]) -> str:
    """An engine keeps one image under a name: of several, each has a tag of its own."""
    return tag if len(platforms) == 1 else f"{tag}-{str(platform).replace('/', '-')}"


def _outputs(task: BuildTask, name: str, tag: str) -> list[Output]:
    outputs: list[Output] = []
    for option in ("oci_archive", "oci_directory"):
        if task.params[option]:
            from ._oci_output import OciOutput

            outputs.append(OciOutput(task, name, tag, task.params[option], option == "oci_archive"))
    if task.params["push"]:
        from ._push import Push

        outputs.append(Push(task, name, tag))
    if task.params["ledger"]:
        from ._ledger import Ledger

        task.ledger = Ledger(task, name)
        outputs.append(task.ledger)
    return outputs


def _both(built: dict[str, Any], put: dict[str, Any]) -> dict[str, Any]:
    """What was done in both phases."""
    return {
        "changed": built["changed"] or put["changed"],
        "actions": built["actions"] + put["actions"],
        "diff": {side: built["diff"][side] + put["diff"][side] for side in ("before", "after")},
        "warnings": built["warnings"] + put["warnings"],
    }


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module trusted.crossbuild.docker_image."""
    _platforms(params["platforms"])  # before anything else: the engine may be missing in check mode
    try:
        engine = SdkEngine(params)
    except CrossbuildError as exc:
        if not check_mode:
            raise
        # On a fresh host the tasks before this one would have brought the engine.
        return {"changed": True, "actions": [f"build {params['name']}, once an engine is here"], "warnings": [str(exc)]}
    image = DockerImage(params, engine, check_mode)
    if params["state"] == "absent":
        return image.absent()
    if check_mode:
        return image.present()
    with ExitStack() as stack:
        stack.enter_context(_deadline.limit(params["timeout"], image.task.where))
        image.lock(stack)
        result = image.present(stack)
        image.remember(result)
    result["warnings"] += image.task.warnings
    return result
