# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions of QEMU: what a user means by one, and which are known to be broken for which guest."""

from __future__ import annotations

import re
from dataclasses import dataclass

# "qemu-arm version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)"; upstream's own builds name no package.
_SAID = re.compile(r"(?P<program>\S+) version (?P<upstream>\d[\w.+~-]*)(?:\s+\((?P<package>[^)]*)\))?")


@dataclass(frozen=True)
class QemuVersion:
    """What ``qemu-ARCH --version`` says: ``7.2.22``, the package it was built as, ``1:7.2+dfsg-7``, or ``""``, its name."""

    upstream: str
    package: str = ""
    program: str = ""

    def __str__(self) -> str:
        return self.upstream


def parse(said: str) -> QemuVersion | None:
    """The version in the output of ``--version``; None where it holds none."""
    found = _SAID.search(said)
    if not found:
        return None
    words = (found.group("package") or "").split()
    return QemuVersion(found.group("upstream"), words[-1] if words else "", found.group("program"))


def matches(version: str, wanted: str) -> bool:
    """Whether a package's version is the one meant: exactly it, or begun by it at a component's end.

    ``10.0`` means ``1:10.0.2+ds-2``, and neither ``10.01`` nor ``1:110.0``. An epoch need not be said.
    """
    text = version if ":" in wanted else re.sub(r"^\d+:", "", version)
    return text == wanted or (text.startswith(wanted) and not text[len(wanted)].isdigit())


@dataclass(frozen=True)
class Problem:
    """A defect of some versions: those from ``first`` on, until it was ``fixed``.

    ``guests`` are QEMU's names, empty for all. ``linkage`` is the one that has the defect, empty for any.
    ``debian`` is the Debian package in which an older upstream version was mended, of the same series.
    """

    guests: tuple[str, ...]
    linkage: str
    first: tuple[int, ...]
    fixed: tuple[int, ...]
    debian: str
    words: str


PROBLEMS = (
    # https://gitlab.com/qemu-project/qemu/-/issues/1913, https://github.com/tonistiigi/binfmt/issues/215
    Problem(
        guests=("aarch64",),
        linkage="static",
        first=(0,),
        fixed=(10, 0),
        debian="7.2+dfsg-7+deb12u9",
        words="its static build is not position-independent, and on newer kernels ldconfig ends with a segmentation fault"
        " (exit status 139), also when an image's packages are installed",
    ),
    # https://bugs.debian.org/988174, https://github.com/docker/buildx/issues/542
    Problem(
        guests=(),
        linkage="",
        first=(5, 2),
        fixed=(6, 0),
        debian="",
        words="it crashes now and then when it allocates memory, so that builds fail at random",
    ),
    # https://bugs.launchpad.net/qemu/+bug/1749393, https://github.com/moby/moby/issues/43039
    Problem(
        guests=("aarch64",),
        linkage="",
        first=(4, 2),
        fixed=(5, 0),
        debian="",
        words="programs of Debian 11 and newer crash in it",
    ),
)


def problems(version: QemuVersion, guest: str, linkage: str) -> list[str]:
    """What is known to be broken in this emulator for a guest, in words."""
    number = numbers(version.upstream)
    return [
        problem.words
        for problem in PROBLEMS
        if problem.first <= number < problem.fixed
        and (not problem.guests or guest in problem.guests)
        and problem.linkage in ("", linkage)
        and not _mended(version.package, problem.debian)
    ]


def numbers(version: str) -> tuple[int, ...]:
    """``10.0.2`` as ``(10, 0, 2)``; what does not count is cut off, as the end of ``8.2.2-rc1`` or ``6.1.0-18-amd64``."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found.group().split(".")) if found else ()


def _mended(package: str, debian: str) -> bool:
    """Whether a Debian package is at least the one that was mended; only within its own series can that be said."""
    series, _update, number = debian.rpartition("u")
    found = re.match(rf"(?:\d+:)?{re.escape(series)}u(\d+)", package) if debian else None
    return bool(found and int(found.group(1)) >= int(number))
