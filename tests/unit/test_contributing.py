# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The change that CONTRIBUTING.md shows is a whole one: made in a copy, the architecture is there and its tests pass."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import parse

ROOT = Path(__file__).resolve().parents[2]
FILES = ("pyproject.toml", "plugins/module_utils", "tests/unit/conftest.py", "tests/unit/plugins/module_utils")
TESTS = ("platform", "elf", "emulator_names")


def test_the_shown_change_adds_an_architecture(tmp_path: Path) -> None:
    shown = re.findall(r"(?ms)^```diff\n(.*?)^```$", (ROOT / "CONTRIBUTING.md").read_text())
    assert len(shown) == 1
    name = re.findall(r'(?m)^\+ +qemu="(\w+)",$', shown[0])[0]
    with pytest.raises(CrossbuildError):
        parse(name)  # else somebody has made the change: show another one

    for file in FILES:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / file).is_dir() else shutil.copy
        copy(ROOT / file, tmp_path / file)
    collections = tmp_path / ".cache/collections/ansible_collections/trusted"
    collections.mkdir(parents=True)
    (collections / "crossbuild").symlink_to(tmp_path)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=shown[0], text=True, check=True)

    output = verdicts(tmp_path)
    for passed in (
        f"test_platform.py::test_every_spelling_is_understood[{name}-linux/{name}]",
        f"test_elf.py::test_magic_and_mask_are_those_of_qemu[{name}]",
        f"test_elf.py::test_a_probe_is_of_its_architecture_and_matches_its_magic_alone[{name}]",
    ):
        assert f"{passed} PASSED" in output
    assert "FAILED" not in output


def verdicts(copy: Path) -> str:
    """What pytest says of the tests of everything that is made of the table, each by its name."""
    files = [f"tests/unit/plugins/module_utils/test_{name}.py" for name in TESTS]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "--verbose", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout
