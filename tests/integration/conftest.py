# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable

import pytest


@pytest.fixture
def qemu() -> Callable[[str], str]:
    directory = os.environ.get("CROSSBUILD_QEMU_DIR")
    if not directory:
        pytest.fail("Set CROSSBUILD_QEMU_DIR to a directory with qemu-arm-static and its siblings.", pytrace=False)
    return lambda name: os.path.join(directory, f"qemu-{name}-static")


@pytest.fixture
def busybox() -> pathlib.Path:
    """A static one for armhf, a shell and tools in one file."""
    path = os.environ.get("CROSSBUILD_ARMHF_BUSYBOX")
    if not path:
        pytest.fail("Set CROSSBUILD_ARMHF_BUSYBOX to the program of the package busybox-static:armhf.", pytrace=False)
    return pathlib.Path(path)
