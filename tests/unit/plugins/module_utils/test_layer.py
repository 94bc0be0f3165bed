# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a look tells, returned or raised."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._layer import (
    LAYERS,
    Layer,
    NotLookedAt,
    examine,
    first,
    parted,
)
from ansible_collections.trusted.crossbuild.plugins.module_utils._reason import REMEDIES, Reason, sentence

ARM = "linux/arm/v7"


def raising(problem: Exception) -> Callable[[], str]:
    def look() -> str:
        raise problem

    return look


def test_what_holds_needs_no_remedy() -> None:
    assert examine("engine", None, lambda: "20.10") == Layer("engine", None, True, "20.10", None)


@pytest.mark.parametrize(
    ("problem", "holds", "found", "remedy"),
    [
        (CrossbuildError("It is old. Upgrade it. Then go on."), False, "It is old.", "Upgrade it. Then go on."),
        (NotLookedAt("none was named"), None, "none was named", None),
        (
            PermissionError(13, "Permission denied", "/x"),
            False,
            "/x: Permission denied.",
            "Ask as root (become: true).",
        ),
    ],
)
def test_what_is_raised_is_a_finding(problem: Exception, holds: bool | None, found: str, remedy: str | None) -> None:
    assert examine("entry", ARM, raising(problem)) == Layer("entry", ARM, holds, found, remedy)


def test_any_other_exception_is_a_defect_of_ours() -> None:
    with pytest.raises(KeyError):
        examine("entry", ARM, raising(KeyError("x")))


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_parts_from_its_remedy(reason: Reason) -> None:
    found, remedy = parted(sentence(reason, "/usr/bin/qemu-arm, QEMU 7.2.22, says so"))
    assert found == f"{reason.value.replace('_', ' ')} (/usr/bin/qemu-arm, QEMU 7.2.22, says so)."
    assert remedy == REMEDIES[reason]


def test_versions_and_paths_are_no_end_of_a_sentence() -> None:
    assert parted("Version 19.03; 20.10 or newer is needed. Upgrade it.")[1] == "Upgrade it."


def test_there_is_always_something_to_do() -> None:
    assert parted("It is so.")[1]


@pytest.mark.parametrize(
    ("held", "expected"),
    [([True, False, False], "binfmt_misc"), ([None, None, False], "emulator"), ([True, None, True], None)],
)
def test_the_first_is_the_lowest_that_was_seen_not_to_hold(held: list[bool | None], expected: str | None) -> None:
    layers = [Layer(LAYERS[at], None, holds, "") for at, holds in enumerate(held)]
    found = first(layers)
    assert (found.layer if found else None) == expected
