# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The installed collection with the ansible-core whose programs are on PATH: plays of it, and what it says of itself.

`tests/galaxy.sh` calls this in the laboratory, with ANSIBLE_COLLECTIONS_PATH as where it is installed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(CHECKOUT / "tests"))

import releases  # noqa: E402

COLLECTION = Path(os.environ["ANSIBLE_COLLECTIONS_PATH"]) / "ansible_collections/trusted/crossbuild"
GROUPS = yaml.safe_load((COLLECTION / "meta/runtime.yml").read_text())["action_groups"]
MODULES = sorted(path.stem for path in COLLECTION.glob("plugins/modules/*.py"))
# What a module has to be given, so that it gets as far as naming what it does not know.
REQUIRED: dict[str, dict[str, Any]] = {
    "accelerator": {"state": "absent"},
    "buildx_builder": {"name": "x", "nodes": [{"name": "x", "endpoint": "unix:///x"}]},
    "docker_image": {"name": "x", "path": "/x"},
    "docker_manifest": {"name": "localhost/x", "images": ["localhost/x:a"]},
    "foreign_package": {"name": "x", "platform": "armhf", "dest": "/x"},
    "ledger_build_info": {"ledger": "localhost/x", "builds": []},
    "ledger_info": {"ledger": "localhost/x", "images": []},
}


def core() -> str:
    said = subprocess.run(["ansible", "--version"], check=True, capture_output=True, text=True).stdout
    found = re.search(r"core (\d+\.\d+)", said)
    assert found, said
    return found.group(1)


PYTHONS = releases.found(releases.CORES[core()][1])


def play(directory: Path, tasks: list[dict[str, Any]], **keywords: Any) -> list[dict[str, Any]]:
    """Plays the tasks on this host, whether they fail or not; what each returned."""
    kept = [{**task, "register": f"result_{number}", "ignore_errors": True} for number, task in enumerate(tasks)]
    results = "{{ [" + ", ".join(task["register"] for task in kept) + "] | to_json }}"
    written = {"ansible.builtin.copy": {"content": results, "dest": str(directory / "results.json"), "mode": "0600"}}
    hosts = {"hosts": "localhost", "gather_facts": False}
    (directory / "play.yml").write_text(yaml.safe_dump([{**hosts, "tasks": [*kept, written], **keywords}]))
    playing = ["ansible-playbook", directory / "play.yml"]
    done = subprocess.run(playing, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    found: list[dict[str, Any]] = json.loads((directory / "results.json").read_text())
    return found


def test_there_is_a_python_on_the_host() -> None:
    absent = [version for version in releases.CORES[core()][1] if version not in PYTHONS]
    print(f"\nansible-core {core()}: hosts with Python {', '.join(PYTHONS)}; not here: {', '.join(absent) or 'none'}")
    assert PYTHONS


@pytest.mark.parametrize("version", PYTHONS)
def test_a_module_works_with_each_python_of_a_host(tmp_path: Path, version: str) -> None:
    task = {
        "trusted.crossbuild.platform_info": {"platforms": ["linux/386"]},
        "vars": {"ansible_python_interpreter": str(PYTHONS[version])},
    }
    (result,) = play(tmp_path, [task])
    assert result["platforms"] == ["linux/386"], result
    assert not result.get("warnings"), result


@pytest.mark.parametrize("group", GROUPS)
def test_defaults_of_a_group_reach_each_of_its_modules(tmp_path: Path, group: str) -> None:
    """By a default that no module knows, so that each names it; beside an option of that kind, by which none does its work."""
    tasks = [{f"trusted.crossbuild.{name}": {**REQUIRED.get(name, {}), "unknown_option": 1}} for name in MODULES]
    results = play(tmp_path, tasks, module_defaults={f"group/trusted.crossbuild.{group}": {"default_of_the_group": 1}})
    said = dict(zip(MODULES, (result.get("msg", "") for result in results), strict=True))
    assert [name for name in MODULES if "unknown_option" not in said[name]] == [], said
    reached = [name for name in MODULES if "default_of_the_group" in said[name]]
    assert reached == sorted(GROUPS[group]), said


def test_the_documentation_names_the_groups() -> None:
    names = [f"trusted.crossbuild.{name}" for name in MODULES]
    said = subprocess.run(["ansible-doc", "--json", *names], check=True, capture_output=True, text=True).stdout
    documented = {name: page["doc"] for name, page in json.loads(said).items()}
    membership = {name: page["attributes"]["action_group"]["membership"] for name, page in documented.items()}
    groups = {name: [f"trusted.crossbuild.{group}" for group in GROUPS if name[19:] in GROUPS[group]] for name in names}
    assert membership == groups
    # The group docker has what takes its options, and crossbuild all.
    assert sorted(GROUPS["docker"]) == [
        name for name in MODULES if "docker_host" in documented[f"trusted.crossbuild.{name}"]["options"]
    ]
    assert sorted(GROUPS["crossbuild"]) == MODULES
