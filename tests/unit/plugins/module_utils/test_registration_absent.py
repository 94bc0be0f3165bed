# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a way back, which only reads: in directories that hold what a host with binfmt-support has."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _binfmt_support
from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_boot import BootConfiguration
from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_format import of_architecture
from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_host import BinfmtHost
from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_misc import BinfmtMisc
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import parse
from ansible_collections.trusted.crossbuild.plugins.module_utils._receipt import Receipt
from ansible_collections.trusted.crossbuild.plugins.module_utils._registration_absent import Absent

MAGIC = "7f454c4601010100000000000000000002002800"
MASK = "ffffffffffffff00fffffffffffffffffeffffff"
REGISTERED = ":qemu-arm:M:0:{}:{}:/bin/true:POF"
KERNEL = f"enabled\ninterpreter /bin/true\nflags: POF\noffset 0\nmagic {MAGIC}\nmask {MASK}\n"
RETURN = "kernel: register qemu-arm, as binfmt-support says"


def escaped(digits: str) -> str:
    return "".join(f"\\x{digits[start : start + 2]}" for start in range(0, len(digits), 2))


def host(directory: Path, scope: str = "host") -> BinfmtHost:
    """One on which this collection has registered qemu-arm."""
    for name in ("misc", "binfmts", "binfmt.d"):
        (directory / name).mkdir()
    (directory / "misc/register").touch()
    (directory / "misc/qemu-arm").write_text(KERNEL)
    record = ["qemu-user-static", "magic", "0", escaped(MAGIC), escaped(MASK), "/bin/true", "", "yes", "yes", "yes", ""]
    (directory / "binfmts/qemu-arm").write_text("\n".join(record))
    receipt = Receipt("binfmt", str(directory / "receipts"))
    receipt.save({"entries": {"qemu-arm": REGISTERED.format(escaped(MAGIC), escaped(MASK))}})
    boot = BootConfiguration([str(directory / "binfmt.d")])
    return BinfmtHost(BinfmtMisc(str(directory / "misc")), boot, "none", "fail", receipt, scope)


@pytest.mark.parametrize(
    ("scope", "active", "steps"),
    [
        ("host", True, ["remove qemu-arm", RETURN]),
        ("host", False, ["remove qemu-arm"]),
        ("user", True, ["remove qemu-arm"]),  # the service is the host's, and serves no other namespace
    ],
)
def test_what_binfmt_support_registers_at_boot_comes_back(scope, active, steps, tmp_path, monkeypatch):
    where = host(tmp_path, scope)
    found = _binfmt_support.entries(str(tmp_path / "binfmts"))
    monkeypatch.setattr(_binfmt_support, "active", lambda: active)
    monkeypatch.setattr(_binfmt_support, "entries", lambda: found)
    plan = Absent(where, [of_architecture(parse("linux/arm/v7").arch)]).plan()
    assert [step.words for step in plan.steps] == steps


def test_an_entry_that_is_there_is_left_to_binfmt_support(tmp_path, monkeypatch):
    where = host(tmp_path)
    found = _binfmt_support.entries(str(tmp_path / "binfmts"))
    monkeypatch.setattr(_binfmt_support, "active", lambda: True)
    monkeypatch.setattr(_binfmt_support, "entries", lambda: found)
    (tmp_path / "misc/qemu-arm").write_text(KERNEL.replace("POF", "POCF"))
    plan = Absent(where, [of_architecture(parse("linux/arm/v7").arch)]).plan()
    assert [step.words for step in plan.steps] == ["remove qemu-arm"]
    assert plan.after == []
