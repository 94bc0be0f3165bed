# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an image's programs are for the platform."""

from __future__ import annotations

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _platform, _probe_programs
from ansible_collections.trusted.crossbuild.plugins.module_utils._image_programs import ImageFile, examine

ARMHF = _platform.parse("armhf")


def program(name: str) -> bytes:
    return _probe_programs.probe_program(_platform.parse(name).arch)


ARM, AMD64 = program("armhf"), program("amd64")


def test_a_shell_for_the_platform_is_right() -> None:
    found = examine([ImageFile("/bin/sh", head=ARM)], ["/bin/sh"], ARMHF)
    assert (found.wrong, found.matching, found.foreign) == ("", 1, [])


@pytest.mark.parametrize(
    "files",
    [
        [ImageFile("/bin/sh", head=AMD64)],
        [ImageFile("/bin/sh", target="busybox"), ImageFile("/bin/busybox", head=AMD64)],
        [ImageFile("/bin", target="usr/bin"), ImageFile("/usr/bin/sh", target="/usr/bin/dash"),
         ImageFile("/usr/bin/dash", head=AMD64)],
        [ImageFile("/bin/busybox", head=AMD64), ImageFile("/bin/sh", same_as="bin/busybox")],
    ],
)  # fmt: skip
def test_a_shell_of_another_architecture_is_found_through_links(files: list[ImageFile]) -> None:
    assert "is for amd64" in examine(files, [], ARMHF).wrong


@pytest.mark.parametrize("command", [["/app/run"], ["run", "-x"], ["/app/script"]])
def test_the_command_decides(command: list[str]) -> None:
    files = [
        ImageFile("/bin/sh", head=ARM),
        ImageFile("/app/run", head=AMD64),
        ImageFile("/usr/local/bin/run", head=AMD64),
        ImageFile("/app/script", head=b"#! /app/run -v\n"),
    ]
    assert "/run is for amd64" in examine(files, command, ARMHF).wrong


def test_an_emulator_in_the_image_does_not_decide_but_is_named() -> None:
    files = [ImageFile("/bin/sh", head=ARM), ImageFile("/usr/bin/qemu-arm-static", head=AMD64)]
    found = examine(files, ["/bin/sh"], ARMHF)
    assert (found.wrong, found.foreign) == ("", ["/usr/bin/qemu-arm-static"])


def test_without_shell_and_command_the_programs_decide_together() -> None:
    assert "such as /usr/bin/x, are for amd64" in examine([ImageFile("/usr/bin/x", head=AMD64)], [], ARMHF).wrong
    both = [ImageFile("/usr/bin/x", head=AMD64), ImageFile("/usr/bin/y", head=ARM)]
    assert examine(both, [], ARMHF).wrong == ""


@pytest.mark.parametrize("files", [[], [ImageFile("/etc/motd")], [ImageFile("/bin/sh", head=b"#!/bin/nowhere\n")]])
def test_an_image_without_programs_is_of_any_platform(files: list[ImageFile]) -> None:
    assert examine(files, ["missing"], ARMHF).wrong == ""


def test_links_in_a_circle_end() -> None:
    files = [ImageFile("/bin/sh", target="/bin/ash"), ImageFile("/bin/ash", target="sh")]
    assert examine(files, ["/bin/sh"], ARMHF).wrong == ""


def test_variants_of_arm_share_a_machine() -> None:
    assert examine([ImageFile("/bin/sh", head=ARM)], [], _platform.parse("armel")).wrong == ""


def test_the_class_and_byte_order_count() -> None:
    found = examine([ImageFile("/bin/sh", head=program("mips64el"))], [], _platform.parse("mipsel"))
    assert "mips64le" in found.wrong
