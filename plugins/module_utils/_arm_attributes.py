# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build attributes of 32-bit ARM programs: for which version of the architecture, and how they pass floating point.

The ELF header is the same for all of them. The format, its tags and their values:
https://github.com/ARM-software/abi-aa/blob/main/addenda32/addenda32.rst
"""

from __future__ import annotations

from dataclasses import dataclass

# sh_type of the section .ARM.attributes. It is not part of any segment: a stripped program has it, one without section
# headers has not, nor has what Go links.
SHT_ARM_ATTRIBUTES = 0x70000003
_EF_ARM_ABI_FLOAT_SOFT, _EF_ARM_ABI_FLOAT_HARD = 0x200, 0x400

_FORMAT = b"A"
_VENDOR = b"aeabi\0"
_TAG_FILE = 1
_TAG_CPU_ARCH, _TAG_ABI_VFP_ARGS = 6, 28
_VFP_REGISTERS = 1
# What is no number: Tag_CPU_raw_name and Tag_CPU_name, and Tag_compatibility, which is a number and a text.
_TEXTS = {4, 5}
_COMPATIBILITY = 32
_FIRST_REGULAR = 33  # from here on the odd ones are texts

# By the version of Docker's variants the numbers of Tag_CPU_arch. v6T2 (8) has Thumb-2, which a v6 (ARM11) lacks.
_VERSIONS = {4: {0, 1, 2}, 5: {3, 4, 5}, 6: {6, 7, 9}, 7: {8, 10}, 8: {14, 15, 18, 19, 20}}
# What is not in the table is newer than that, or for processors that run no Linux.
_NEWEST = 9


@dataclass(frozen=True)
class ArmNeeds:
    """What a program needs: ``version`` 4 to 9 of the architecture, ``hard_float`` the calling convention of armhf.

    None is what the program does not tell.
    """

    version: int | None = None
    hard_float: bool | None = None


NOTHING = ArmNeeds()


def needs(section: bytes, flags: int) -> ArmNeeds:
    """What a little-endian program needs, by its section and its ``e_flags``. A damaged section tells nothing."""
    tags = _file_attributes(section)
    # A section leaves out what is 0, which is Tag_CPU_arch of programs older than the section itself.
    version = _version(tags.get(_TAG_CPU_ARCH, 0)) if tags else None
    if flags & _EF_ARM_ABI_FLOAT_HARD or tags.get(_TAG_ABI_VFP_ARGS) == _VFP_REGISTERS:
        return ArmNeeds(version, True)
    return ArmNeeds(version, False if flags & _EF_ARM_ABI_FLOAT_SOFT else None)


def _version(cpu_arch: int) -> int:
    return next((version for version, numbers in _VERSIONS.items() if cpu_arch in numbers), _NEWEST)


def _file_attributes(section: bytes) -> dict[int, int]:
    """The numbers that apply to the whole file, by their tags. Empty where there are none."""
    try:
        if section[:1] != _FORMAT:
            return {}
        at = 1
        while at < len(section):
            end = _end(section, at, at)
            if section[at + 4 : at + 4 + len(_VENDOR)] == _VENDOR:
                return _of_the_file(section, at + 4 + len(_VENDOR), end)
            at = end
    except (IndexError, ValueError):
        return {}  # cut short
    return {}


def _of_the_file(section: bytes, at: int, end: int) -> dict[int, int]:
    while at < end:
        end_of_part = _end(section, at, at + 1)
        if section[at] == _TAG_FILE:
            return _numbers(section[at + 5 : end_of_part])
        at = end_of_part
    return {}


def _numbers(data: bytes) -> dict[int, int]:
    numbers = {}
    at = 0
    while at < len(data):
        tag, at = _uleb128(data, at)
        if tag not in _TEXTS and (tag <= _COMPATIBILITY or tag % 2 == 0):
            numbers[tag], at = _uleb128(data, at)
        if tag in _TEXTS or tag == _COMPATIBILITY or (tag >= _FIRST_REGULAR and tag % 2 == 1):
            at = data.index(b"\0", at) + 1
    return numbers


def _end(data: bytes, start: int, at: int) -> int:
    """Where a part ends whose length is at ``at`` and counts from ``start``. Raises ValueError where that cannot be."""
    length = int.from_bytes(data[at : at + 4], "little")
    if length < 5 or start + length > len(data):
        raise ValueError(length)
    return start + length


def _uleb128(data: bytes, at: int) -> tuple[int, int]:
    """A number, and where it ends. Raises IndexError where the data ends before it."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
