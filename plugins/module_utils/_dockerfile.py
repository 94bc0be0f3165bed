# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Dockerfile as BuildKit reads it: instructions with their lines, stages, and the images a build needs."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from typing import Iterable, Iterator, Mapping

from ._dockerfile_lexer import BLANKS, Directives, Instruction, lex, line_error
from ._errors import CrossbuildError
from ._platform import Platform
from ._platform import parse as parse_platform
from ._shell_words import WordError, expand, quoted_words

KEYWORDS = (
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
)
_STAGE_NAME = re.compile(r"[a-z][a-z0-9_.-]*\Z")


@dataclass(frozen=True)
class Stage:
    """A FROM and what follows it. ``base`` and ``base_platform`` (of ``--platform``) are not expanded."""

    index: int
    name: str | None
    base: str
    base_platform: str | None
    instructions: tuple[Instruction, ...]
    line: int


@dataclass(frozen=True)
class Dockerfile:
    instructions: tuple[Instruction, ...]
    directives: Directives
    stages: tuple[Stage, ...]


@dataclass(frozen=True)
class Base:
    """An image a build reads: ``reference`` as in the Dockerfile, expanded; ``used_by`` is FROM, COPY or RUN."""

    reference: str
    platform: Platform
    line: int
    used_by: str


@dataclass(frozen=True)
class BuiltStage:
    """A stage that a build needs.

    ``platform`` is what its RUNs are for, by its FROM; None where the name is unknown here, as windows/amd64. ``root`` is
    the image that it is made from in the end; None for scratch.
    """

    stage: Stage
    platform: Platform | None
    root: str | None


@dataclass(frozen=True)
class _Image:
    """A Base whose platform is still a name; empty for the target's."""

    reference: str
    platform: str
    line: int
    used_by: str


def parse(text: str) -> Dockerfile:
    """Read a Dockerfile. Raises CrossbuildError, with line number and line, for what no build would accept."""
    directives, instructions = lex(text)
    return Dockerfile(tuple(instructions), directives, tuple(_stages(instructions)))


def _stages(instructions: Iterable[Instruction]) -> list[Stage]:
    """The stages, with the errors that BuildKit finds once it knows the instructions."""
    stages: list[Stage] = []
    for instruction in instructions:
        if instruction.keyword not in KEYWORDS:
            near = difflib.get_close_matches(instruction.keyword, KEYWORDS, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else "known are " + ", ".join(KEYWORDS)
            raise line_error(
                instruction.start, instruction.original, f"unknown instruction {instruction.keyword!r}, {hint}"
            )
        if instruction.keyword == "FROM":
            stages.append(_stage(len(stages), instruction))
        elif stages:
            last = stages[-1]
            stages[-1] = Stage(
                last.index, last.name, last.base, last.base_platform, (*last.instructions, instruction), last.line
            )
        elif instruction.keyword != "ARG":
            raise line_error(
                instruction.start,
                instruction.original,
                f"{instruction.keyword} comes before the first FROM, where only ARG is possible",
            )
    if not stages:
        raise CrossbuildError("The Dockerfile has no FROM, expected at least one.")
    return stages


def _stage(index: int, instruction: Instruction) -> Stage:
    words = BLANKS.split(instruction.value) if instruction.value else []
    if len(words) != 1 and not (len(words) == 3 and words[1].lower() == "as"):
        raise line_error(
            instruction.start,
            instruction.original,
            f"FROM has {len(words)} arguments, expected FROM image or FROM image AS name",
        )
    # Stage names know no case.
    name = words[2].lower() if len(words) == 3 else None
    if name is not None and not _STAGE_NAME.match(name):
        raise line_error(
            instruction.start,
            instruction.original,
            f"the stage name {name!r} is not possible, expected a letter, then letters, digits or any of -_.",
        )
    platforms = instruction.flag_values("platform")
    if len(platforms) != len(instruction.flags):
        raise line_error(
            instruction.start,
            instruction.original,
            f"FROM has the flags {' '.join(instruction.flags)}, expected --platform=os/arch or none",
        )
    return Stage(index, name, words[0], platforms[0] if platforms else None, (), instruction.start)


def resolve_bases(
    dockerfile: Dockerfile,
    args: Mapping[str, str],
    target_platform: Platform,
    build_platform: Platform,
    target: str | None = None,
    all_stages: bool = False,
) -> list[Base]:
    """The images, in the order of their lines, that a build of ``target`` (or of the last stage) reads.

    BuildKit builds the stages that the target needs; ``all_stages`` is for the classic builder, which builds every
    stage up to the target. Not among them: the image of ``# syntax=``, and what an ONBUILD of a base image reads.
    Raises CrossbuildError for an unknown target, an empty or unknown platform, and a reference to a later stage.
    """
    last = _target_stage(dockerfile.stages, target)
    resolver = _Resolver(
        dockerfile, _variables(dockerfile, args, target_platform, build_platform, target), target_platform
    )
    # BuildKit expands every FROM, so an error in a stage it would not build fails the build as well.
    known = dockerfile.stages[: last.index + 1] if all_stages else dockerfile.stages
    uses = {stage.index: list(resolver.uses(stage)) for stage in known}
    needed = set(uses) if all_stages else _reachable(uses, last.index)
    # Only now, as a stage that is not needed may be for a platform that is unknown here, such as windows/amd64.
    bases = [resolver.base(use) for index in needed for use in uses[index] if isinstance(use, _Image)]
    return sorted(bases, key=lambda base: base.line)


def built_stages(
    dockerfile: Dockerfile,
    args: Mapping[str, str],
    target_platform: Platform,
    build_platform: Platform,
    target: str | None = None,
) -> list[BuiltStage]:
    """The stages that BuildKit builds for ``target`` (or the last stage), in their order.

    A stage made from another one has the platform of that one, even where its own FROM names another: BuildKit ignores
    that. Raises CrossbuildError as resolve_bases does.
    """
    resolver = _Resolver(
        dockerfile, _variables(dockerfile, args, target_platform, build_platform, target), target_platform
    )
    uses = {stage.index: list(resolver.uses(stage)) for stage in dockerfile.stages}
    found: list[BuiltStage] = []
    for stage in dockerfile.stages:
        earlier, name, platform = resolver.origin(stage)
        if earlier:
            found.append(replace(found[earlier.index], stage=stage))
        else:
            found.append(BuiltStage(stage, resolver.platform(platform), None if name == "scratch" else name))
    return [found[index] for index in sorted(_reachable(uses, _target_stage(dockerfile.stages, target).index))]


def _target_stage(stages: tuple[Stage, ...], target: str | None) -> Stage:
    if not target:
        return stages[-1]
    # A name given twice means the last one.
    for stage in reversed(stages):
        if stage.name == target.lower():
            return stage
    names = ", ".join(stage.name for stage in stages if stage.name) or "none, no FROM has an AS"
    raise CrossbuildError(f"The Dockerfile has no stage {target!r} to build. Its stage names: {names}.")


def _variables(
    dockerfile: Dockerfile,
    args: Mapping[str, str],
    target_platform: Platform,
    build_platform: Platform,
    target: str | None,
) -> dict[str, str]:
    """The variables that FROM lines can use: the predefined ones and the ARGs before the first FROM."""
    variables = {"TARGETSTAGE": target or dockerfile.stages[-1].name or "default"}
    for prefix, platform in (("BUILD", build_platform), ("TARGET", target_platform)):
        variables.update(
            {
                prefix + "PLATFORM": str(platform),
                prefix + "OS": platform.os,
                prefix + "OSVERSION": "",
                prefix + "ARCH": platform.architecture,
                prefix + "VARIANT": platform.variant,
            }
        )
    variables.update({name: args[name] for name in variables if name in args})
    for instruction in dockerfile.instructions:
        if instruction.keyword == "FROM":
            break
        for word in quoted_words(instruction.value, dockerfile.directives.escape):
            name, equals, default = word.partition("=")
            if name in args:
                variables[name] = args[name]
            elif equals:
                variables[name] = _expanded(default, variables, dockerfile, instruction.start)
    return variables


def _expanded(text: str, variables: Mapping[str, str], dockerfile: Dockerfile, line: int) -> str:
    try:
        return expand(text, variables, dockerfile.directives.escape)
    except WordError as error:
        raise line_error(line, _source(dockerfile, line), f"cannot expand {text!r}: {error}") from error


def _source(dockerfile: Dockerfile, line: int) -> str:
    return next(instruction.original for instruction in dockerfile.instructions if instruction.start == line)


def _reachable(uses: Mapping[int, Iterable[_Image | Stage]], start: int) -> set[int]:
    reached: set[int] = set()
    waiting = [start]
    while waiting:
        index = waiting.pop()
        if index not in reached:
            reached.add(index)
            waiting += [use.index for use in uses[index] if isinstance(use, Stage)]
    return reached


class _Resolver:
    """Tells the images and the earlier stages that a stage reads."""

    def __init__(self, dockerfile: Dockerfile, variables: Mapping[str, str], target_platform: Platform) -> None:
        self.dockerfile = dockerfile
        self.variables = variables
        self.target_platform = target_platform

    def uses(self, stage: Stage) -> Iterator[_Image | Stage]:
        yield from self.start(stage)
        for instruction in stage.instructions:
            for name in _sources(instruction):
                if "$" in name:
                    raise line_error(
                        instruction.start,
                        instruction.original,
                        f"{name!r} has a variable, which Docker does not expand here; "
                        "expected a stage or an image: name a stage with FROM and use that",
                    )
                source = self.stage_named(name, instruction)
                if source is None:
                    # BuildKit takes these for the target platform, whatever the platform of the stage.
                    yield from self.image(name, "", instruction.start, instruction.keyword)
                elif source.index < stage.index:
                    yield source
                else:
                    raise line_error(
                        instruction.start,
                        instruction.original,
                        f"stage {name!r} begins in line {source.line}, expected an earlier stage",
                    )

    def start(self, stage: Stage) -> Iterator[_Image | Stage]:
        earlier, name, platform = self.origin(stage)
        if earlier:
            yield earlier
        else:
            yield from self.image(name, platform, stage.line, "FROM")

    def origin(self, stage: Stage) -> tuple[Stage | None, str, str]:
        """What the stage's FROM names: the earlier stage, if it is one; the name; the platform, which may be empty."""
        source = _source(self.dockerfile, stage.line)
        name = _expanded(stage.base, self.variables, self.dockerfile, stage.line)
        if not name:
            raise line_error(
                stage.line,
                source,
                f"the image {stage.base!r} expands to nothing; expected a value, give the build argument or a default",
            )
        platform = _expanded(stage.base_platform or "", self.variables, self.dockerfile, stage.line)
        if stage.base_platform and not platform:
            raise line_error(
                stage.line,
                source,
                f"the platform {stage.base_platform!r} expands to nothing; "
                "expected a value, give the build argument or a default",
            )
        earlier = [other for other in self.dockerfile.stages[: stage.index] if other.name == name.lower()]
        return earlier[-1] if earlier else None, name, platform

    def platform(self, name: str) -> Platform | None:
        try:
            return parse_platform(name) if name else self.target_platform
        except CrossbuildError:
            return None

    def base(self, image: _Image) -> Base:
        try:
            platform = parse_platform(image.platform) if image.platform else self.target_platform
        except CrossbuildError as error:
            raise line_error(image.line, _source(self.dockerfile, image.line), str(error).rstrip(".")) from error
        return Base(image.reference, platform, image.line, image.used_by)

    def stage_named(self, name: str, instruction: Instruction) -> Stage | None:
        stages = self.dockerfile.stages
        # Only COPY can count stages, a mount takes a number for the name of an image.
        if instruction.keyword == "COPY" and re.match(r"[+-]?[0-9]+\Z", name):
            if not 0 <= int(name) < len(stages):
                raise line_error(
                    instruction.start,
                    instruction.original,
                    f"there is no stage {name}, expected 0 to {len(stages) - 1}",
                )
            return stages[int(name)]
        return next((stage for stage in reversed(stages) if stage.name == name.lower()), None)

    def image(self, name: str, platform: str, line: int, used_by: str) -> Iterator[_Image]:
        if name != "scratch":
            yield _Image(name, platform, line, used_by)


def _sources(instruction: Instruction) -> Iterator[str]:
    """The stages or images that an instruction names in ``--from`` or in the ``from`` of a mount."""
    if instruction.keyword == "COPY":
        yield from (name for name in instruction.flag_values("from") if name)
    elif instruction.keyword == "RUN":
        for fields in instruction.mounts():
            for field in fields:
                key, _equals, value = field.partition("=")
                if key.lower() == "from" and value:
                    yield value
