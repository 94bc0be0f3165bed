# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A copy of a Dockerfile in which RUN instructions have one more mount, and nothing else differs.

The mount comes right behind the keyword, on the keyword's line. So every line keeps its number, by which BuildKit tells
where an error is, and it does not matter what flags follow or what form the command has.

- History and configuration of the image know nothing of mounts, the names of a build's steps do: they show the text.
- A mount is a part of what BuildKit caches a RUN by, with the content of the image it is from. So a step with it and one
  without do not take each other's results, and what is changed in the accelerator is built with it.
- A mount below ``/dev`` leaves nothing in the image. Without one the BuildKit of Docker Engine 26 leaves an empty ``/dev`` of
  a RUN in an image that has none; with one it does not. Base images have a ``/dev``.
- What is for a child image stays as it is: ``ONBUILD RUN`` is recorded in the image's configuration, and would ask for the
  mount in builds that know nothing of it. So what is ONBUILD in a base image, or in a stage that another one is made
  from, runs without the mount.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Mapping

from ._dockerfile import Dockerfile
from ._dockerfile_lexer import Instruction

# What neither a Dockerfile's flags nor a mount's list of fields has a use for.
_MOUNT = re.compile(r"[A-Za-z0-9_./:@=,+-]+\Z")
_TARGET_KEYS = ("target", "dst", "destination")
_FRONTEND = re.compile(r"(?:.*/)?docker/dockerfile(?:-upstream)?(?::([^@/]*))?(@.*)?\Z")


@dataclass(frozen=True)
class Skipped:
    """A RUN or ONBUILD RUN that did not get the mount that its stage was to have, by its first line, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class Mounted:
    """``text`` is the Dockerfile with the mounts; ``lines`` are the first lines of the RUNs that have them."""

    text: str
    lines: tuple[int, ...]
    skipped: tuple[Skipped, ...]


def frontend_problem(dockerfile: Dockerfile, args: Mapping[str, str]) -> str | None:
    """Why the frontend that reads the Dockerfile may not know ``RUN --mount``, or None where it does.

    ``docker/dockerfile`` knows it since 1.2, and its ``experimental`` versions before; of another one nobody can tell.
    Without ``# syntax`` it is the builder's own, which does since BuildKit 0.8 (Docker Engine 20.10).
    See https://docs.docker.com/build/buildkit/dockerfile-release-notes/.
    """
    named = (args.get("BUILDKIT_SYNTAX") or dockerfile.directives.syntax or "").split()
    if not named:
        return None
    match = _FRONTEND.match(named[0])
    if not match:
        return f"the frontend {named[0]} is not docker/dockerfile, so whether it knows RUN --mount is unknown"
    tag, digest = match.groups()
    if tag is None and digest:
        return f"the frontend {named[0]} has no version in its name, so whether it knows RUN --mount is unknown"
    version = re.match(r"(\d+)\.(\d+)", tag or "")
    if version and (int(version.group(1)), int(version.group(2))) < (1, 2) and "experimental" not in (tag or ""):
        return f"the frontend {named[0]} does not know RUN --mount, which came with docker/dockerfile:1.2"
    return None


def with_mounts(text: str, dockerfile: Dockerfile, mounts: Mapping[int, str]) -> Mounted:
    """``text``, which was parsed to ``dockerfile``, with a mount in every RUN of some stages.

    ``mounts`` maps a stage's index to what follows ``--mount=``, with an absolute ``target``. Its ``from`` is an image
    reference with a tag: a name alone may be one of a stage. Raises ValueError for one that would need quotes.
    """
    # A byte order mark does not matter: what is in the first line is never a RUN, as a FROM comes before.
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    inserted: dict[int, str] = {}
    done, skipped = [], []
    for stage in dockerfile.stages:
        if stage.index not in mounts:
            continue
        mount = mounts[stage.index]
        target = _checked_target(mount)
        for instruction in stage.instructions:
            reason = _obstacle(instruction, target)
            if reason:
                skipped.append(Skipped(instruction.start, reason))
            elif instruction.keyword == "RUN" and instruction.value:
                inserted[starts[instruction.start - 1] + instruction.keyword_end] = f" --mount={mount}"
                done.append(instruction.start)
    cuts = [0, *inserted, len(text)]
    kept = (text[start:end] for start, end in zip(cuts, cuts[1:]))
    whole = "".join(piece + new for piece, new in zip(kept, [*inserted.values(), ""]))
    return Mounted(whole, tuple(done), tuple(skipped))


def _checked_target(mount: str) -> str:
    target = _target(mount.split(",")) or ""
    if not _MOUNT.match(mount) or not posixpath.isabs(target):
        raise ValueError(f"the mount is {mount!r}, expected plain fields with an absolute target: type=bind,target=/x")
    return target


def _target(fields: list[str]) -> str | None:
    for field in fields:
        key, _equals, value = field.partition("=")
        if key.lower() in _TARGET_KEYS:
            return value
    return None


def _obstacle(instruction: Instruction, target: str) -> str | None:
    """Why an instruction that runs something cannot have a mount at ``target``."""
    if instruction.keyword == "ONBUILD":
        command = instruction.value.split(None, 1)[0].upper() if instruction.value else ""
        return "ONBUILD RUN is for builds of other images, and recorded in this one" if command == "RUN" else None
    if instruction.keyword != "RUN":
        return None
    for fields in instruction.mounts():
        # One that is relative, or has a variable, is taken to be elsewhere.
        own = re.sub("^//+", "/", posixpath.normpath(_target(fields) or "."))
        if posixpath.isabs(own) and posixpath.commonpath([own, target]) in (own, target):
            return f"it has a mount of its own at {own}, and {target} is needed"
    return None
