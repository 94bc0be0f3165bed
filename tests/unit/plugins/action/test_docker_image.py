# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action plugin does where the host does not answer, or cannot be followed. The rest is an integration test."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.trusted.crossbuild.plugins.action import docker_image
from ansible_collections.trusted.crossbuild.plugins.module_utils import _background

HOST = {"inventory_hostname": "build1", "ansible_play_batch": ["build1"], "ansible_forks": 5}


class Plugin(docker_image.ActionModule):
    """The plugin on a host that is a pair of functions: a real one cannot be made to lose single answers."""

    def __init__(self, module: Callable[[Any], dict[str, Any]], shell: Callable[[str], dict[str, Any]]) -> None:
        self._task = SimpleNamespace(
            args={"name": "app"},
            async_val=0,
            check_mode=False,
            no_log=False,
            delegate_to=None,
            run_once=False,
            throttle=0,
        )
        self._connection = SimpleNamespace(has_native_async=False, _shell=SimpleNamespace(tmpdir="/tmp"))
        self._module_answer, self._shell_answer = module, shell
        self.options: dict[str, Any] = {}

    def get_shell_option(self, option: str, default: Any = None) -> Any:
        return default

    def _early_needs_tmp_path(self) -> bool:
        return False

    def _execute_module(self, module_name: str, module_args: Any = None, **options: Any) -> dict[str, Any]:
        self.options = options
        return self._module_answer(module_args)

    def _low_level_execute_command(self, cmd: str, **options: Any) -> dict[str, Any]:
        return self._shell_answer(cmd)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("PATIENCE", 1), ("RETRY", 0.01), ("FIRST_LOOK", 0.01)):
        monkeypatch.setattr(docker_image, name, seconds)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(docker_image.display, "display", lambda text, stderr: lines.append(text))
    return lines


def module(arguments: dict[str, Any]) -> dict[str, Any]:
    """Starts a job, and knows its result."""
    return {"changed": True} if "job" in arguments["_progress"] else {"_crossbuild_job": "/job"}


def in_shell(command: str) -> dict[str, Any]:
    return {"stdout": subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False).stdout}


def test_a_host_that_stays_away_is_unreachable_and_the_person_knows_that_the_build_goes_on(shown: list[str]) -> None:
    def away(_command: str) -> dict[str, Any]:
        raise AnsibleConnectionFailure("no route")

    plugin = Plugin(module, away)
    plugin._connection._shell.tmpdir = "/tmp/ansible-tmp-1"
    with pytest.raises(AnsibleConnectionFailure, match=r"the build goes on there\. Run the task again.* no route"):
        plugin.run(task_vars=HOST)
    plugin.cleanup()  # whose failure would be told instead
    assert shown == ["build1 the connection is lost; the build goes on, and the host is asked again"]


def test_how_long_a_host_may_stay_away_is_an_option(monkeypatch: pytest.MonkeyPatch, shown: list[str]) -> None:
    def away(_command: str) -> dict[str, Any]:
        raise AnsibleConnectionFailure("no route")

    monkeypatch.setattr(docker_image, "PATIENCE", 3)
    plugin = Plugin(module, away)
    plugin._task.args["reconnect_timeout"] = "1"
    with pytest.raises(AnsibleConnectionFailure, match="not answered for 1 seconds"):
        plugin.run(task_vars=HOST)
    assert len(shown) == 1


def test_a_host_that_comes_back_is_read_on_from_where_it_was(shown: list[str]) -> None:
    line = '{"event": "step_started", "platform": "p", "steps": 2, "step": 2, "text": "RUN a"}\r\n'
    end = '{"event": "step_ended", "platform": "p", "steps": 2, "step": 2, "seconds": 1, "outcome": "ok"}\r\n'
    answers = [f"crossbuild-job-running\r\n{line}", None, None, None, f"noise\r\ncrossbuild-job-ended\r\n{end}"]
    commands: list[str] = []

    def shaky(command: str) -> dict[str, Any]:
        commands.append(command)
        answer = answers.pop(0) if answers else ""
        if answer is None:
            raise AnsibleConnectionFailure("reset by peer")
        return {"stdout": answer}

    assert Plugin(module, shaky).run(task_vars=HOST) == {"changed": True}
    positions = [command.partition("tail -c +")[2].partition(" ")[0] for command in commands]
    second = str(1 + len(line) - 1)  # the terminal's carriage return is not in the file
    assert positions == ["1", *[second] * 4, ""]
    assert commands[-1] == "rm -rf /job"
    assert [text for text in shown if "[" in text] == ["build1 p [2/2] RUN a ... 1.0 s"]


STEP = (
    '{"event": "step_started", "platform": "p", "steps": 2, "step": 2, "text": "RUN a"}\n'
    '{"event": "output", "platform": "p", "steps": 2, "step": 2, "text": "what the step says"}\n'
    '{"event": "step_ended", "platform": "p", "steps": 2, "step": 2, "seconds": 1, "outcome": "ok"}\n'
)
END = "build1 p [2/2] RUN a ... 1.0 s"


def ended(command: str) -> dict[str, Any]:
    return {"stdout": f"crossbuild-job-ended\n{STEP}"}


@pytest.mark.parametrize(("task", "wrapped"), [({"check_mode": True}, False), ({"async_val": 100}, True)])
def test_in_check_mode_and_with_async_the_module_runs_as_any_other(task: dict[str, Any], wrapped: bool) -> None:
    calls: list[Any] = []
    plugin = Plugin(lambda arguments: calls.append(arguments) or {"changed": True}, ended)
    vars(plugin._task).update(task)
    assert plugin.run(task_vars=HOST) == {"changed": True}
    assert calls == [None], "without the option of the plugin"
    assert plugin.options["wrap_async"] is wrapped


@pytest.mark.parametrize(
    ("verbosity", "no_log", "output", "lines"),
    [
        (0, False, False, [END]),
        (1, False, True, ["build1 p [2/2] RUN a ...", "build1 p [2/2] | what the step says", END]),
        (3, True, False, []),
    ],
)
def test_output_is_asked_for_with_v_and_nothing_is_shown_of_a_secret_task(
    verbosity: int, no_log: bool, output: bool, lines: list[str], shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_image.display, "verbosity", verbosity)
    asked: list[Any] = []
    plugin = Plugin(lambda arguments: asked.append(arguments["_progress"]) or module(arguments), ended)
    plugin._task.no_log = no_log
    plugin.run(task_vars=HOST)
    assert {"jobs": "~/.ansible_async", "output": output}.items() <= asked[0].items()
    assert shown == lines


def test_the_lines_name_the_host_that_builds(shown: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_image.display, "verbosity", 1)
    plugin = Plugin(module, ended)
    plugin._task.delegate_to = "build2"
    plugin.run(task_vars=HOST)
    assert shown[0] == "build1 -> build2 p [2/2] RUN a ..."


def test_where_it_cannot_be_looked_at_the_module_waits(shown: list[str]) -> None:
    assert Plugin(module, lambda command: {"stdout": "sh: not found"}).run(task_vars=HOST) == {"changed": True}
    assert shown == []


def test_an_answer_counts_though_the_host_goes_before_it_is_cleaned_up() -> None:
    def goes(command: str) -> dict[str, Any]:
        if command.startswith("rm"):
            raise AnsibleConnectionFailure("gone")
        return {"stdout": "crossbuild-job-ended\n"}

    assert Plugin(module, goes).run(task_vars=HOST) == {"changed": True}


@pytest.fixture
def job(tmp_path: Path) -> Path:
    (tmp_path / "running").write_text(f"{os.getpid()} {_background._started(os.getpid())}\n")
    (tmp_path / "progress").write_text("{}\n")
    return tmp_path


def look(job: Path, position: int = 1) -> str:
    return str(in_shell(docker_image.LOOK.format(job=job, position=position, piece=100, mark="="))["stdout"])


def test_a_look_at_a_job_that_runs(job: Path) -> None:
    assert look(job) == "=running\n{}\n"
    assert look(job, 3) == "=running\n\n"


def test_a_look_at_one_that_ended(job: Path) -> None:
    (job / "running").rename(job / "done")
    assert look(job) == "=ended\n{}\n"


def test_a_look_at_one_whose_process_is_another_or_none(job: Path) -> None:
    (job / "running").write_text(f"{os.getpid()} 1\n")
    assert look(job) == "=ended\n{}\n"
    (job / "running").write_text("4194305 1\n")
    assert look(job) == "=ended\n{}\n"


def test_a_look_at_one_that_is_a_zombie(job: Path) -> None:
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
        (job / "running").write_text(f"{child.pid} {fields[19]}\n")
        assert look(job) == "=ended\n{}\n"


def test_a_look_at_one_that_is_gone(job: Path) -> None:
    assert look(job / "gone") == ""


@pytest.mark.parametrize(
    ("task", "batch", "forks", "hosts"),
    [
        ({}, 3, 5, 3),
        ({}, 40, 5, 5),
        ({"throttle": 2}, 40, 5, 2),
        ({"run_once": True}, 40, 5, 1),
    ],
)
def test_as_many_hosts_count_as_build_at_the_same_time(
    task: dict[str, Any], batch: int, forks: int, hosts: int
) -> None:
    plugin = Plugin(module, in_shell)
    vars(plugin._task).update(task)
    assert plugin._hosts({**HOST, "ansible_play_batch": range(batch), "ansible_forks": forks}) == hosts
