# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this host can execute: found out by executing."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from . import _probe
from ._binfmt_boot import reader
from ._binfmt_entry import Entry
from ._binfmt_misc import BinfmtMisc
from ._emulators import Emulator
from ._errors import CrossbuildError
from ._platform import Platform, host, parse_list, same_family
from ._probe_programs import probe_program
from ._registration import responsible

# Reasons that an execution cannot tell, and the kernel's entries can. The others are those of _probe.Reason.
DISABLED = "disabled"
SHADOWED = "shadowed"


def report(platforms: list[Platform], misc: BinfmtMisc) -> dict[str, Any]:
    """Per platform: what happened when a program of it was run, and the entry and emulator behind that."""
    entries = misc.entries()
    proofs = _probe.execute(platforms)
    rows = {str(platform): _row(platform, proofs[platform], entries, misc) for platform in platforms}
    return {
        "changed": False,
        "host": {"platform": str(host()), "kernel": os.uname().release},
        "platforms": [name for name, row in rows.items() if row["status"] != "unavailable"],
        "details": rows,
        "persistent": reader() != "none",
    }


def _row(platform: Platform, proof: _probe.Proof, entries: list[Entry], misc: BinfmtMisc) -> dict[str, Any]:
    entry = responsible(entries, platform.arch) if misc.enabled() else None
    works = proof.runs and proof.reason is None
    native = entry is None and same_family(platform, host())
    reason, explanation = (None, "") if works else _why(platform, proof, entries, misc)
    return {
        "status": ("native" if native else "emulated") if works else "unavailable",
        "runs": proof.runs,
        "in_containers": proof.runs and proof.isolated,
        "argv0": proof.argv0,
        "entry": {"name": entry.name, "interpreter": entry.interpreter, "flags": entry.flags} if entry else None,
        "emulator_version": _version(platform, entry) if entry else None,
        "reason": reason,
        "explanation": explanation,
    }


def _why(platform: Platform, proof: _probe.Proof, entries: list[Entry], misc: BinfmtMisc) -> tuple[str, str]:
    """The reason as a word and as a sentence."""
    seen = _probe.explain(proof)
    matching = [entry for entry in entries if replace(entry, enabled=True).matches(probe_program(platform.arch))]
    enabled = [entry for entry in matching if entry.enabled]
    if matching and not misc.enabled():
        return DISABLED, f"binfmt_misc is switched off as a whole. Switch it on: echo 1 > {misc.path}/status"
    if matching and not enabled:
        return DISABLED, f"The entry {matching[0].name} is disabled. Register it again (trusted.crossbuild.binfmt)."
    if len(enabled) > 1 and {"P", "F"} <= set(enabled[1].flags):
        first, second = enabled[0].name, enabled[1].name
        return SHADOWED, f"The entry {first}, registered later, takes the programs from the entry {second}: {seen}"
    if not matching and same_family(platform, host()):
        seen += " This kernel or processor does not run it natively."
    return str(proof.reason), seen


def _version(platform: Platform, entry: Entry) -> str | None:
    # The file itself: under the name of a link such as arm-binfmt-P it would not heed --version.
    path = os.path.realpath(entry.interpreter)
    try:
        return Emulator(platform.arch, path, linkage="").version()
    except CrossbuildError:
        return None  # told by the proof: an emulator that cannot say its version runs nothing


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module trusted.crossbuild.platform_info."""
    return report(parse_list(params["platforms"]), BinfmtMisc(params["mount_point"]))
