# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Dockerfile as BuildKit reads it: instructions with their lines, stages, and the images a build needs."""

from __future__ import annotations

import csv
import difflib
import json
import re
from dataclasses import dataclass
from typing import Iterable, Iterator, Mapping

from ._errors import CrossbuildError
from ._platform import Platform
from ._platform import parse as parse_platform
from ._shell_words import SPACES, WordError, expand, raw_words, unquoted_words

KEYWORDS = ("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER",
            "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR")
_HEREDOC_KEYWORDS = ("ADD", "COPY", "RUN")
_JSON_KEYWORDS = ("ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME")

_BYTE_SPACES = "\t\n\v\f\r \x85\xa0"
_BLANKS = re.compile(r"[\t\v\f\r ]+")
_DIRECTIVE = re.compile(r"([a-zA-Z][a-zA-Z0-9]*)[\t\f\r ]*=[\t\f\r ]*(.+?)[\t\f\r ]*\Z")
_HEREDOC = re.compile(r"[0-9]*<<(-?)[\t\n\f\r ]*([^<]+)\Z")
_STAGE_NAME = re.compile(r"[a-z][a-z0-9_.-]*\Z")


@dataclass(frozen=True)
class Heredoc:
    """``<<name``. ``body`` is as written; ``strip`` (``<<-``) and ``expand`` (unquoted) say what becomes of it."""

    name: str
    body: str
    strip: bool
    expand: bool


@dataclass(frozen=True)
class Instruction:
    """One instruction; ``start`` and ``end`` are its first and last line, counted from 1, heredocs included.

    ``value`` is the text behind keyword and flags with continued lines joined. ``original`` is the source of the
    lines, unchanged. ``json`` says whether the arguments (below ONBUILD, those of its instruction) are a JSON list.
    """

    keyword: str
    value: str
    flags: tuple[str, ...]
    start: int
    end: int
    heredocs: tuple[Heredoc, ...]
    original: str
    json: bool = False

    def flag_values(self, name: str) -> list[str]:
        """The values of all ``--name=value`` flags."""
        prefix = f"--{name}="
        return [flag[len(prefix):] for flag in self.flags if flag.startswith(prefix)]


@dataclass(frozen=True)
class Directives:
    """The ``# name=value`` lines at the top, values as written."""

    escape: str = "\\"
    syntax: str | None = None
    check: str | None = None


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


def parse(text: str) -> Dockerfile:
    """Read a Dockerfile. Raises CrossbuildError, with line number and line, for what no build would accept."""
    directives, instructions = lex(text)
    return Dockerfile(tuple(instructions), directives, tuple(_stages(instructions)))


def lex(text: str) -> tuple[Directives, list[Instruction]]:
    """Directives and instructions, like BuildKit's parser: any word may be an instruction, in any order.

    Raises CrossbuildError for what already that parser refuses: an unterminated heredoc, a bad directive, ...
    """
    lines = text[1:].split("\n") if text.startswith("\ufeff") else text.split("\n")
    lines = [line + "\n" for line in lines[:-1]] + [line for line in lines[-1:] if line]
    directives = _directives(lines)
    instructions = list(_Lexer(lines, directives.escape).instructions())
    if not instructions:
        raise CrossbuildError("The Dockerfile has no instructions; expected at least a FROM.")
    return directives, instructions


def _error(line: int, source: str, problem: str) -> CrossbuildError:
    shown = source.strip().split("\n")[0][:120]
    return CrossbuildError(f"Dockerfile, line {line}: {problem}. The line is: {shown}")


def _directives(lines: list[str]) -> Directives:
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n").lstrip(SPACES)
        match = _DIRECTIVE.match(text[1:].lstrip(SPACES)) if text.startswith("#") else None
        name = match.group(1).lower() if match else ""
        if match is None or name not in ("escape", "syntax", "check"):
            break
        if name in found:
            raise _error(number, line, f"the directive {name!r} is given twice, expected once")
        found[name] = match.group(2)
        if name == "escape" and found[name] not in ("\\", "`"):
            raise _error(number, line, f"the escape character is {found[name]!r}, expected \\ or `")
    return Directives(found.get("escape", "\\"), found.get("syntax"), found.get("check"))


class _Lexer:
    def __init__(self, lines: list[str], escape: str) -> None:
        self.lines = lines
        self.escape = escape
        self.count = 0  # lines read so far
        # An escaped escape character continues nothing.
        self.continuation = re.compile(r"(?:(?<=[^{0}])|^){0}[ \t]*\Z".format(re.escape(escape)))

    def instructions(self) -> Iterator[Instruction]:
        while self.count < len(self.lines):
            line = self.read().rstrip("\r\n").lstrip(SPACES)
            if line and not line.startswith("#"):
                yield self.instruction(line)

    def read(self) -> str:
        self.count += 1
        return self.lines[self.count - 1]

    def instruction(self, first: str) -> Instruction:
        start = self.count
        line = self.joined(first)
        keyword, flags, value = _split(line, self.escape)
        try:
            is_json = _check_arguments(keyword, value, self.escape)
            words = [] if is_json else _heredoc_words(keyword, value, line, self.escape)
            heredocs = tuple(self.heredoc(*word) for word in words)
        except ValueError as error:
            raise _error(start, self.lines[start - 1], str(error)) from error
        original = "".join(self.lines[start - 1:self.count])
        return Instruction(keyword, value, flags, start, self.count, heredocs, original, is_json)

    def joined(self, line: str) -> str:
        """``line`` and the lines it continues on; comments and empty lines between them do not end it."""
        match = self.continuation.search(line)
        whole = line[:match.start()] if match else line
        while match and self.count < len(self.lines):
            line = self.read().rstrip("\r\n")
            stripped = line.lstrip(SPACES)
            if stripped and not stripped.startswith("#"):
                match = self.continuation.search(line)
                whole += line[:match.start()] if match else line
        return whole

    def heredoc(self, name: str, strip: bool, expand_body: bool) -> Heredoc:
        body = ""
        while self.count < len(self.lines):
            line = self.read()
            end = line.rstrip("\r\n")
            if (end.lstrip("\t") if strip else end) == name:
                return Heredoc(name, body, strip, expand_body)
            body += line
        raise ValueError(f"the heredoc <<{name} has no end, expected a line with {name} alone")


def _split(line: str, escape: str) -> tuple[str, tuple[str, ...], str]:
    """Keyword, flags and the rest of a joined line."""
    keyword, *rest = _BLANKS.split(line.strip(SPACES), 1)
    flags: list[str] = []
    # BuildKit takes each byte of a flag for a character, so it garbles what is not ASCII.
    text = "".join(rest).encode("utf-8", "surrogateescape").decode("latin-1")
    while text.lstrip(_BYTE_SPACES).startswith("--"):
        flag, text = _flag(text.lstrip(_BYTE_SPACES), escape)
        if flag == "--":
            break
        flags.append(flag)
    return keyword.upper(), tuple(flags), text.encode("latin-1").decode("utf-8", "surrogateescape").strip(SPACES)


def _flag(text: str, escape: str) -> tuple[str, str]:
    """The first word of ``text`` without quotes and escapes, and what follows it."""
    word, quote, at = "", "", 0
    while at < len(text):
        char = text[at]
        if char == escape:
            at += 1
            word += text[at:at + 1]
        elif char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        elif not quote and char in _BYTE_SPACES:
            break
        else:
            word += char
        at += 1
    return word, text[at:]


def _check_arguments(keyword: str, value: str, escape: str) -> bool:
    """Whether the arguments are a JSON list. Raises ValueError for arguments that BuildKit's parser refuses."""
    if keyword == "ONBUILD" and value:
        inner, _flags, inner_value = _split(value, escape)
        return _check_arguments(inner, inner_value, escape)
    if keyword == "HEALTHCHECK":
        value = re.sub(r"\A[^{0}]*".format(SPACES), "", value)
    elif keyword in ("ENV", "LABEL"):
        _check_pairs(keyword, value, escape)
        return False
    elif keyword not in _JSON_KEYWORDS:
        return False
    return _is_json_list(value)


def _is_json_list(value: str) -> bool:
    try:
        items = json.loads(value, parse_constant=_no_constant) if value.lstrip(SPACES).startswith("[") else None
    except (ValueError, RecursionError):
        return False
    if items is None:
        return False
    if not all(isinstance(item, str) for item in items):
        raise ValueError("the JSON list holds something else than strings, expected strings only")
    return True


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is JavaScript, not JSON")


def _check_pairs(keyword: str, value: str, escape: str) -> None:
    words = _words(value, escape)
    if words and "=" not in words[0] and len(_BLANKS.split(value, 1)) < 2:
        raise ValueError(f"{keyword} has a name without a value, expected {keyword} name=value")
    if words and "=" in words[0]:
        for word in words:
            if "=" not in word:
                raise ValueError(f"{keyword} has {word!r} without '=', expected name=value")


def _words(text: str, escape: str) -> list[str]:
    """The words of ``text`` with their quotes and escapes, which may hold spaces."""
    pair = re.escape(escape) + r"(?:.|\Z)"
    pattern = r"(?:'[^']*(?:'|\Z)|\"(?:{0}|[^\"])*(?:\"|\Z)|{0}|[^{1}'\"])+".format(pair, SPACES)
    return re.findall(pattern, text)


def _heredoc_words(keyword: str, value: str, line: str, escape: str) -> Iterator[tuple[str, bool, bool]]:
    """Name, strip and expand of each heredoc that a joined line begins."""
    inner = _split(value, escape)[0] if keyword == "ONBUILD" else keyword
    if inner not in _HEREDOC_KEYWORDS or "<<" not in line:
        return
    try:
        words = raw_words(line)
    except WordError:
        # BuildKit leaves a line with an open quote to the shell of the image, and looks for no heredoc in it.
        return
    for word in words:
        match = _HEREDOC.match(word)
        names = unquoted_words(match.group(2)) if match else []
        if match and len(names) == 1:
            quoted = re.search("['\"]", match.group(2)) is not None
            yield names[0], match.group(1) == "-", not quoted


def _stages(instructions: Iterable[Instruction]) -> list[Stage]:
    """The stages, with the errors that BuildKit finds once it knows the instructions."""
    stages: list[Stage] = []
    for instruction in instructions:
        if instruction.keyword not in KEYWORDS:
            near = difflib.get_close_matches(instruction.keyword, KEYWORDS, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else "known are " + ", ".join(KEYWORDS)
            raise _error(instruction.start, instruction.original,
                         f"unknown instruction {instruction.keyword!r}, {hint}")
        if instruction.keyword == "FROM":
            stages.append(_stage(len(stages), instruction))
        elif stages:
            last = stages[-1]
            stages[-1] = Stage(last.index, last.name, last.base, last.base_platform,
                               last.instructions + (instruction,), last.line)
        elif instruction.keyword != "ARG":
            raise _error(instruction.start, instruction.original,
                         f"{instruction.keyword} comes before the first FROM, where only ARG is possible")
    if not stages:
        raise CrossbuildError("The Dockerfile has no FROM, expected at least one.")
    return stages


def _stage(index: int, instruction: Instruction) -> Stage:
    words = _BLANKS.split(instruction.value) if instruction.value else []
    if len(words) != 1 and not (len(words) == 3 and words[1].lower() == "as"):
        raise _error(instruction.start, instruction.original,
                     f"FROM has {len(words)} arguments, expected FROM image or FROM image AS name")
    # Stage names know no case.
    name = words[2].lower() if len(words) == 3 else None
    if name is not None and not _STAGE_NAME.match(name):
        raise _error(instruction.start, instruction.original,
                     f"the stage name {name!r} is not possible, expected a letter, then letters, digits or any of -_.")
    platforms = instruction.flag_values("platform")
    if len(platforms) != len(instruction.flags):
        raise _error(instruction.start, instruction.original,
                     f"FROM has the flags {' '.join(instruction.flags)}, expected --platform=os/arch or none")
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
    resolver = _Resolver(dockerfile, _variables(dockerfile, args, target_platform, build_platform, target),
                         target_platform)
    # BuildKit expands every FROM, so an error in a stage it would not build fails the build as well.
    known = dockerfile.stages[:last.index + 1] if all_stages else dockerfile.stages
    uses = {stage.index: list(resolver.uses(stage)) for stage in known}
    needed = set(uses) if all_stages else _reachable(uses, last.index)
    bases = [use for index in needed for use in uses[index] if isinstance(use, Base)]
    return sorted(bases, key=lambda base: base.line)


def _target_stage(stages: tuple[Stage, ...], target: str | None) -> Stage:
    if not target:
        return stages[-1]
    # A name given twice means the last one.
    for stage in reversed(stages):
        if stage.name == target.lower():
            return stage
    names = ", ".join(stage.name for stage in stages if stage.name) or "none, no FROM has an AS"
    raise CrossbuildError(f"The Dockerfile has no stage {target!r} to build. Its stage names: {names}.")


def _variables(dockerfile: Dockerfile, args: Mapping[str, str], target_platform: Platform,
               build_platform: Platform, target: str | None) -> dict[str, str]:
    """The variables that FROM lines can use: the predefined ones and the ARGs before the first FROM."""
    variables = {"TARGETSTAGE": target or dockerfile.stages[-1].name or "default"}
    for prefix, platform in (("BUILD", build_platform), ("TARGET", target_platform)):
        variables.update({
            prefix + "PLATFORM": str(platform), prefix + "OS": platform.os, prefix + "OSVERSION": "",
            prefix + "ARCH": platform.architecture, prefix + "VARIANT": platform.variant,
        })
    variables.update({name: args[name] for name in variables if name in args})
    for instruction in dockerfile.instructions:
        if instruction.keyword == "FROM":
            break
        for word in _words(instruction.value, dockerfile.directives.escape):
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
        raise _error(line, text, f"cannot expand {text!r}: {error}") from error


def _reachable(uses: Mapping[int, Iterable[Base | Stage]], start: int) -> set[int]:
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

    def uses(self, stage: Stage) -> Iterator[Base | Stage]:
        yield from self.base(stage)
        for instruction in stage.instructions:
            for name in _sources(instruction):
                if "$" in name:
                    raise _error(instruction.start, instruction.original,
                                 f"{name!r} has a variable, which Docker does not expand here; "
                                 "expected a stage or an image: name a stage with FROM and use that")
                source = self.stage_named(name, instruction)
                if source is None:
                    # BuildKit takes these for the target platform, whatever the platform of the stage.
                    yield from self.image(name, self.target_platform, instruction.start, instruction.keyword)
                elif source.index < stage.index:
                    yield source
                else:
                    raise _error(instruction.start, instruction.original,
                                 f"stage {name!r} begins in line {source.line}, expected an earlier stage")

    def base(self, stage: Stage) -> Iterator[Base | Stage]:
        name = _expanded(stage.base, self.variables, self.dockerfile, stage.line)
        if not name:
            raise _error(stage.line, f"FROM {stage.base}", f"the image {stage.base!r} expands to nothing; "
                         "expected a value, give the build argument or a default")
        platform = self.platform(stage)
        earlier = [other for other in self.dockerfile.stages[:stage.index] if other.name == name.lower()]
        if earlier:
            yield earlier[-1]
        else:
            yield from self.image(name, platform, stage.line, "FROM")

    def platform(self, stage: Stage) -> Platform:
        if not stage.base_platform:
            return self.target_platform
        source = f"FROM --platform={stage.base_platform} {stage.base}"
        name = _expanded(stage.base_platform, self.variables, self.dockerfile, stage.line)
        if not name:
            raise _error(stage.line, source, f"the platform {stage.base_platform!r} expands to nothing; "
                         "expected a value, give the build argument or a default")
        try:
            return parse_platform(name)
        except CrossbuildError as error:
            raise _error(stage.line, source, str(error).rstrip(".")) from error

    def stage_named(self, name: str, instruction: Instruction) -> Stage | None:
        stages = self.dockerfile.stages
        # Only COPY can count stages, a mount takes a number for the name of an image.
        if instruction.keyword == "COPY" and re.match(r"[+-]?[0-9]+\Z", name):
            if not 0 <= int(name) < len(stages):
                raise _error(instruction.start, instruction.original,
                             f"there is no stage {name}, expected 0 to {len(stages) - 1}")
            return stages[int(name)]
        return next((stage for stage in reversed(stages) if stage.name == name.lower()), None)

    def image(self, name: str, platform: Platform, line: int, used_by: str) -> Iterator[Base]:
        if name != "scratch":
            yield Base(name, platform, line, used_by)


def _sources(instruction: Instruction) -> Iterator[str]:
    """The stages or images that an instruction names in ``--from`` or in the ``from`` of a mount."""
    if instruction.keyword == "COPY":
        yield from (name for name in instruction.flag_values("from") if name)
    elif instruction.keyword == "RUN":
        for fields in csv.reader(instruction.flag_values("mount")):
            for field in fields:
                key, _equals, value = field.partition("=")
                if key.lower() == "from" and value:
                    yield value
