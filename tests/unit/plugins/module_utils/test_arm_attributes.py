# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What programs of 32-bit ARM say that they need."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trusted.crossbuild.plugins.module_utils._arm_attributes import ArmNeeds, needs

HARD, SOFT = 0x5000400, 0x5000200

# The section of busybox in Debian 12, for armhf and for armel.
ARMHF = bytes.fromhex(
    "41340000006165616269000 12a00000005372d4100060a0741080109020a030c0112041301140115011703180119011a021c012201".replace(
        " ", ""
    )
)
ARMEL = bytes.fromhex(
    "412a000000616561626900012000000005355445000604080109011204130114011501170318 0119011a02".replace(" ", "")
)


def section(attributes: bytes) -> bytes:
    file = b"\1" + (len(attributes) + 5).to_bytes(4, "little") + attributes
    vendor = b"aeabi\0" + file
    return b"A" + (len(vendor) + 4).to_bytes(4, "little") + vendor


def test_programs_of_debian() -> None:
    assert needs(ARMHF, HARD) == ArmNeeds(7, True)
    assert needs(ARMEL, SOFT) == ArmNeeds(5, False)


@pytest.mark.parametrize(
    ("cpu_arch", "version"),
    [
        (0, 4),
        (2, 4),
        (3, 5),
        (4, 5),
        (5, 5),
        (6, 6),
        (7, 6),
        (8, 7),
        (9, 6),
        (10, 7),
        (11, 9),
        (14, 8),
        (22, 9),
        (99, 9),
    ],
)
def test_the_version(cpu_arch: int, version: int) -> None:
    assert needs(section(bytes([6, cpu_arch])), 0) == ArmNeeds(version, None)


def test_a_program_older_than_the_numbers_leaves_them_out() -> None:
    assert needs(section(bytes([18, 4])), 0).version == 4


@pytest.mark.parametrize(
    ("flags", "attributes", "hard_float"),
    [(HARD, b"", True), (SOFT, b"", False), (0, b"", None), (0, bytes([28, 1]), True), (SOFT, bytes([28, 0]), False)],
)
def test_how_floating_point_is_passed(flags: int, attributes: bytes, hard_float: bool | None) -> None:
    assert needs(section(attributes) if attributes else b"", flags).hard_float is hard_float


@pytest.mark.parametrize(
    "before",
    [
        # Texts that would be other tags and numbers.
        bytes([5]) + b"x\6\6\0",
        bytes([4]) + b"x\6\6\0",
        bytes([32, 1]) + b"\6\6\0",
        bytes([65]) + b"x\6\6\0",
        bytes([66, 1]),
        bytes([0xC0, 0x01, 0x80, 0x01]),
        bytes([0xC1, 0x01]) + b"text\0",
    ],
)
def test_texts_and_long_numbers_are_passed_over(before: bytes) -> None:
    assert needs(section(before + bytes([6, 10])), 0).version == 7


def test_other_vendors_and_parts_are_passed_over() -> None:
    other = b"gnu\0" + bytes([1, 7, 0, 0, 0, 6, 14])
    vendor = (len(other) + 4).to_bytes(4, "little") + other
    assert needs(b"A" + vendor + section(bytes([6, 10]))[1:], 0).version == 7
    symbols = bytes([3, 8, 0, 0, 0, 1, 0, 0]) + bytes([1, 7, 0, 0, 0, 6, 10])
    assert needs(b"A" + (len(symbols) + 10).to_bytes(4, "little") + b"aeabi\0" + symbols, 0).version == 7


@given(st.binary(max_size=60) | st.binary(max_size=60).map(section))
def test_any_bytes_tell_something_or_nothing(data: bytes) -> None:
    assert needs(data, 0).version in (None, 4, 5, 6, 7, 8, 9)


@pytest.mark.parametrize("size", range(1, len(ARMHF)))
def test_a_section_cut_short_tells_nothing(size: int) -> None:
    assert needs(ARMHF[:size], 0) == ArmNeeds()
