# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make test` leaves no integration target out, and the workflows none of its checks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text().replace("\\\n", "")
TARGETS = sorted((ROOT / "tests/integration/targets").iterdir())


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_each_target_is_in_one_check(target: Path) -> None:
    aliases = (target / "aliases").read_text().split()
    checks = [f"integration-{alias.partition('/')[2]}" for alias in aliases if alias.startswith("checks/")]
    assert len(checks) == ("hidden" not in aliases)
    assert set(checks) <= set(listed("CHECKS"))


def test_the_workflows_make_what_is_there() -> None:
    assert made_by("ci") == sorted(listed("CHECKS"))
    assert made_by("nightly") == sorted(name for name in listed("LONG") if name.startswith("test-"))
    assert set(made_by("release")) <= set(listed("CHECKS"))


def listed(variable: str) -> list[str]:
    found = re.search(rf"(?m)^{variable} := (.*)", MAKEFILE)
    assert found
    return found.group(1).split()


def made_by(workflow: str) -> list[str]:
    """The targets that a workflow gives to make, with those that it gives by a matrix."""
    names = []
    for job in yaml.safe_load((ROOT / f".github/workflows/{workflow}.yml").read_text())["jobs"].values():
        commands = "\n".join(step.get("run", "") for step in job["steps"])
        words = " ".join(re.findall(r"(?m)\bmake (.*)", commands))
        for key, values in job.get("strategy", {}).get("matrix", {}).items():
            words = words.replace("${{ matrix." + key + " }}", " ".join(values))
        names += words.split()
    return sorted(names)
