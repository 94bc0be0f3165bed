# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the Makefile and its scripts say where something is missing or wrong, and that they leave nothing half done."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = (
    "bash",
    "cat",
    "dirname",
    "echo",
    "env",
    "find",
    "git",
    "ln",
    "make",
    "mkdir",
    "mktemp",
    "rm",
    "sh",
    "test",
    "touch",
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone of which make needs no more, in a directory beside those that a test makes."""
    root = tmp_path / "clone"
    for name in ("Makefile", "requirements.txt", ".gitignore", "playbooks/inventory/localhost.yml", "tests/checkout.py",
                 "tests/galaxy.sh"):  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "--quiet", "--message=x")
    return root


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


def programs(directory: Path, **own: str) -> Path:
    """A directory for PATH with the ordinary programs, and some of one's own, by their text; an empty one is missing."""
    directory.mkdir()
    for name in PROGRAMS:
        if name not in own:
            found = shutil.which(name)
            assert found, name
            (directory / name).symlink_to(found)
    for name, text in own.items():
        if text:
            (directory / name).write_text(text)
            (directory / name).chmod(0o755)
    return directory


def run(root: Path, *command: str, path: Path | str | None = None, **environment: str) -> tuple[int, str]:
    """The status, and what was said as an error."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PIP_"))}
    environment = {**inherited, **({"PATH": str(path)} if path else {}), **environment}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def left(root: Path) -> str:
    """What git does not have, but for directories made for what is to come."""
    return git(root, "status", "--ignored", "--porcelain")


TOO_OLD = f"#!/bin/sh\nexec {sys.executable} -c 'import sys; sys.version_info = (3, 9, 2); exec(sys.argv[1])' \"$2\"\n"


@pytest.mark.parametrize("pythons", [{}, {"python3": TOO_OLD}], ids=["none", "too old"])
def test_there_is_no_python_that_will_do(checkout: Path, tmp_path: Path, pythons: dict[str, str]) -> None:
    status, said = run(checkout, "make", "site", path=programs(tmp_path / "bin", **pythons))
    assert status != 0
    assert "python3 is missing or not Python 3.11 to 3.13: install one, or name one" in said
    assert left(checkout) == ""


def test_python_makes_no_virtual_environments(checkout: Path, tmp_path: Path) -> None:
    bare = f'#!/bin/sh\n[ "$1" != -m ] || {{ mkdir -p "$3"; : >"$3/half"; exit 1; }}\nexec {sys.executable} "$@"\n'
    status, said = run(checkout, "make", "site", path=programs(tmp_path / "bin", python3=bare))
    assert status != 0
    assert "cannot make virtual environments: install its venv module, on Debian the package python3-venv" in said
    assert left(checkout) == ""


def test_there_is_no_network(checkout: Path) -> None:
    nowhere = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/",
        "PIP_RETRIES": "0",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_CACHE_DIR": "1",
    }
    status, said = run(checkout, "make", "site", f"PYTHON={sys.executable}", path=None, **nowhere)
    assert status != 0
    assert (
        "pip could not install what .venv needs (--requirement requirements.txt): see to its package source and the network"
        in said
    )
    assert left(checkout) == ""


@pytest.mark.parametrize("target", ["site", "verify", "teardown"])
def test_there_is_no_such_inventory(checkout: Path, target: str) -> None:
    status, said = run(checkout, "make", target, "INVENTORY=nowhere.yml")
    assert status != 0
    assert (
        "INVENTORY=nowhere.yml is no file or directory: name one, or hosts with a comma, as in: make site INVENTORY=host1,"
        in said
    )
    assert left(checkout) == ""


def test_a_list_of_hosts_is_an_inventory(checkout: Path) -> None:
    assert run(checkout, "make", "inventory", "INVENTORY=host1,host2") == (0, "")


def test_arguments_that_are_none_fail(checkout: Path) -> None:
    """A finished environment, whose program is what the make of the checkout would call."""
    (checkout / ".venv/bin").mkdir(parents=True)
    (checkout / ".venv/bin/ansible-playbook").symlink_to(Path(sys.executable).with_name("ansible-playbook"))
    (checkout / ".venv/ready").touch()
    (checkout / "playbooks/site.yml").write_text("[]\n")
    status, said = run(checkout, "make", "site", "ARGS=--nonsense")
    assert status != 0
    assert "unrecognized arguments: --nonsense" in said


def test_there_is_no_git(checkout: Path, tmp_path: Path) -> None:
    path = programs(tmp_path / "bin", git="", python=f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    status, said = run(checkout, "tests/galaxy.sh", path=path)
    assert status != 0
    assert (
        said
        == "There is no git here, which tells what belongs to the checkout: install it, on Debian the package git.\n"
    )


def test_it_is_no_clone(checkout: Path) -> None:
    shutil.rmtree(checkout / ".git")
    status, said = run(
        checkout, sys.executable, "tests/checkout.py", "copy", GIT_CEILING_DIRECTORIES=str(checkout.parent)
    )
    assert status != 0
    assert said.startswith(f"git cannot tell what belongs to {checkout} (fatal: not a git repository")
    assert said.endswith("): this works in a clone.\n")
    assert not (checkout / "copy").exists()


def test_clean_leaves_what_was_cloned(checkout: Path) -> None:
    for pattern in (checkout / ".gitignore").read_text().split():
        name = pattern.replace("*", "x").lstrip("/")
        if name.endswith("/"):
            (checkout / name / "below").mkdir(parents=True)
            (checkout / name / "below/file").touch()
        elif name == "x.pyc":
            (checkout / "tests/__pycache__").mkdir()
            (checkout / "tests/__pycache__" / name).touch()
        else:
            (checkout / name).touch()
    assert left(checkout).count("!!") >= 10
    assert run(checkout, "make", "clean") == (0, "")
    assert left(checkout) == ""


def test_the_laboratory_wants_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "tests/lab")
    import lab

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "argv", ["lab", "--", "true"])
    with pytest.raises(lab.LabError, match=r"the laboratory needs root .*: run it as root"):
        lab.main()
