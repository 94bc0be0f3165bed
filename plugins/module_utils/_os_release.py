# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""os-release(5): what a system says it is."""

from __future__ import annotations

# The second where there is no first.
PATHS = ("/etc/os-release", "/usr/lib/os-release")


def fields(text: str) -> dict[str, str]:
    """The fields, without their quotes."""
    pairs = (line.strip().partition("=") for line in text.splitlines() if "=" in line)
    return {key: value.strip("\"'") for key, _equals, value in pairs}
