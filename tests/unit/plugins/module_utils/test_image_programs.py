# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an image's programs are for the platform."""

from __future__ import annotations

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _elf, _platform, _probe_programs
from ansible_collections.trusted.crossbuild.plugins.module_utils._arm_attributes import ArmNeeds
from ansible_collections.trusted.crossbuild.plugins.module_utils._image_programs import ImageFile, Program, examine

ARMHF = _platform.parse("armhf")


def header(name: str) -> _elf.ElfHeader:
    found = _elf.parse_header(_probe_programs.probe_program(_platform.parse(name).arch))
    assert found
    return found


def program(path: str, name: str, loader: str = "", needs: ArmNeeds = ArmNeeds()) -> ImageFile:  # noqa: B008
    return ImageFile(path, program=Program(header(name), loader, needs), executable=True)


def arm(path: str, version: int | None, hard_float: bool | None = None, loader: str = "") -> ImageFile:
    return program(path, "armhf", loader, ArmNeeds(version, hard_float))


def test_a_shell_for_the_platform_is_right() -> None:
    found = examine([program("/bin/sh", "armhf")], ["/bin/sh"], ARMHF)
    assert (found.wrong, found.foreign) == ("", [])


@pytest.mark.parametrize(
    "files",
    [
        [program("/bin/sh", "amd64")],
        [ImageFile("/bin/sh", target="busybox"), program("/bin/busybox", "amd64")],
        [ImageFile("/bin", target="usr/bin"), ImageFile("/usr/bin/sh", target="/usr/bin/dash"),
         program("/usr/bin/dash", "amd64")],
        [program("/bin/busybox", "amd64"), ImageFile("/bin/sh", same_as="bin/busybox")],
    ],
)  # fmt: skip
def test_a_shell_of_another_architecture_is_found_through_links(files: list[ImageFile]) -> None:
    assert "is for amd64" in examine(files, [], ARMHF).wrong


@pytest.mark.parametrize("command", [["/app/run"], ["run", "-x"], ["/app/script"]])
def test_the_command_decides(command: list[str]) -> None:
    files = [
        program("/bin/sh", "armhf"),
        program("/app/run", "amd64"),
        program("/usr/local/bin/run", "amd64"),
        ImageFile("/app/script", script="/app/run"),
    ]
    assert "/run is for amd64" in examine(files, command, ARMHF).wrong


def test_an_emulator_in_the_image_does_not_decide_but_is_named() -> None:
    files = [program("/bin/sh", "armhf"), program("/usr/bin/qemu-arm-static", "amd64")]
    found = examine(files, ["/bin/sh"], ARMHF)
    assert (found.wrong, found.foreign) == ("", ["/usr/bin/qemu-arm-static"])


def test_without_shell_and_command_the_programs_decide_together() -> None:
    assert "its program /usr/bin/x is for amd64" in examine([program("/usr/bin/x", "amd64")], [], ARMHF).wrong
    both = [program("/usr/bin/x", "amd64"), program("/usr/bin/y", "armhf")]
    assert examine(both, [], ARMHF).wrong == ""


@pytest.mark.parametrize("files", [[], [ImageFile("/etc/motd")], [ImageFile("/bin/sh", script="/bin/nowhere")]])
def test_an_image_without_programs_is_of_any_platform(files: list[ImageFile]) -> None:
    assert examine(files, ["missing"], ARMHF).wrong == ""


def test_links_in_a_circle_end() -> None:
    files = [ImageFile("/bin/sh", target="/bin/ash"), ImageFile("/bin/ash", target="sh")]
    assert examine(files, ["/bin/sh"], ARMHF).wrong == ""


def test_the_class_and_byte_order_count() -> None:
    found = examine([program("/bin/sh", "mips64el")], [], _platform.parse("mipsel"))
    assert "mips64le" in found.wrong


@pytest.mark.parametrize(
    ("platform", "version", "hard_float", "wrong"),
    [
        ("arm/v5", 5, False, ""),
        ("arm/v5", 4, None, ""),
        ("arm/v5", 6, False, "its program /bin/sh needs ARMv6"),
        ("arm/v5", 5, True, "its program /bin/sh is for armhf"),
        ("arm/v6", 5, False, ""),
        ("arm/v6", 6, True, ""),
        ("arm/v6", 7, True, "its program /bin/sh needs ARMv7"),
        ("arm/v6", 7, False, "its program /bin/sh needs ARMv7"),
        ("arm/v7", 6, True, ""),
        ("arm/v7", 5, False, ""),
        ("arm/v7", 7, True, ""),
        ("arm/v7", 8, True, "its program /bin/sh needs ARMv8"),
    ],
)
def test_the_version_of_arm_decides(platform: str, version: int, hard_float: bool | None, wrong: str) -> None:
    found = examine([arm("/bin/sh", version, hard_float)], [], _platform.parse(platform))
    assert (found.wrong[: len(wrong) or None], found.silent) == (wrong, [])


def test_a_program_that_does_not_tell_its_version_is_right_and_named() -> None:
    found = examine([arm("/bin/sh", None), arm("/bin/other", None)], ["sh"], _platform.parse("arm/v5"))
    assert (found.wrong, found.silent) == ("", ["/bin/sh"])
    assert examine([program("/bin/sh", "arm64")], [], _platform.parse("arm64")).silent == []


LOADER = "/lib/ld-linux-armhf.so.3"


@pytest.mark.parametrize(
    ("files", "wrong"),
    [
        ([], f"its program /bin/sh is started by {LOADER}, which is not in the image"),
        ([ImageFile(LOADER, target="gone")], f"its program /bin/sh is started by {LOADER}, which is not in the image"),
        ([arm(LOADER, 7, True)], ""),
        ([ImageFile("/lib", target="usr/lib"), arm("/usr" + LOADER, 7, True)], ""),
        ([arm(LOADER, 7)], ""),
        ([arm(LOADER, 5, False)], f"is started by {LOADER}, which is for the other one of armel and armhf"),
        ([arm(LOADER, 8, True)], f"is started by {LOADER}, which needs ARMv8"),
        ([program(LOADER, "amd64")], f"is started by {LOADER}, which is for amd64"),
    ],
)
def test_a_dynamic_program_needs_its_loader(files: list[ImageFile], wrong: str) -> None:
    found = examine([arm("/bin/sh", 7, True, LOADER), *files], [], ARMHF)
    assert found.wrong.endswith(wrong)
    assert bool(found.wrong) == bool(wrong)


def test_every_program_and_library_decides_where_that_is_asked_for() -> None:
    files = [
        arm("/bin/sh", 5),
        arm("/usr/lib/libright.so", 6),
        arm("/usr/lib/libnew.so", 7),
        arm("/usr/lib/neon/vfp/libchosen.so", 7),
        program("/opt/tool", "amd64"),
    ]
    v6 = _platform.parse("arm/v6")
    assert examine(files, [], v6).wrong == ""
    assert (
        examine(files, [], v6, every=True).wrong
        == "its program /opt/tool is for amd64, its program /usr/lib/libnew.so needs ARMv7"
    )


def test_of_many_wrong_programs_some_are_named() -> None:
    found = examine([program(f"/opt/{number}", "amd64") for number in range(7)], [], ARMHF, every=True)
    assert found.wrong.endswith("its program /opt/4 is for amd64, and 2 more")
