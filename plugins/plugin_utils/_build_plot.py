# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plot of a fleet's build times: how long each bar is; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# More bars than these would be a wall; the longest are the ones that matter.
MOST = 40


def plot(builds: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A bar for each of the longest builds. Widths are percent of the plot's, so that it fits every screen.

    A build has ``image``, ``platform`` and ``seconds`` (None: not known, left out), and may have ``host``, and ``status`` or
    ``emulator`` (its version; None: native), as ledger_info tells them.
    """
    known = sorted(
        (build for build in builds if build["seconds"] is not None), key=lambda build: -float(build["seconds"])
    )
    longest = max((float(build["seconds"]) for build in known), default=0.0) or 1.0
    bars = [_bar(build, longest) for build in known[:MOST]]
    return {"bars": bars, "left_out": len(known) - len(bars)}


def _bar(build: Mapping[str, Any], longest: float) -> dict[str, Any]:
    seconds = float(build["seconds"])
    build = {"status": _status(build), **build}
    return {
        "image": str(build["image"]),
        "words": ", ".join(str(build[key]) for key in ("platform", "status", "host") if build.get(key)),
        "status": str(build["status"] or "unknown"),
        "time": duration(seconds),
        "percent": round(max(100 * seconds / longest, 0.5), 2),
    }


def _status(build: Mapping[str, Any]) -> str | None:
    if "emulator" not in build:
        return None
    return "emulated" if build["emulator"] else "native"


def duration(seconds: float) -> str:
    """``0.4 s``, ``42 s``, ``3 min 05 s``, ``1 h 02 min``"""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
