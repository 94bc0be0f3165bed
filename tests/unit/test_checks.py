# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make test` leaves no integration target out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGETS = sorted((ROOT / "tests/integration/targets").iterdir())


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_each_target_is_in_one_check(target: Path) -> None:
    aliases = (target / "aliases").read_text().split()
    checks = [f"integration-{alias.partition('/')[2]}" for alias in aliases if alias.startswith("checks/")]
    known = re.findall(r"integration-\w+", re.findall(r"(?m)^CHECKS := (.*)", (ROOT / "Makefile").read_text())[0])
    assert len(checks) == ("hidden" not in aliases)
    assert set(checks) <= set(known)
