# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module of the same name, and shows on the controller what its build is doing.

First it asks the host, in one short command, whether all that an earlier answer rests on is as it was (_evidence): then
that is the answer. Else it runs the module, which answers with its result where there is nothing to tell, and that was all;
or with a job that goes on on the host. Then this plugin reads on in the job's progress file, prints what is new, and in the
end calls the module again for the result. So a task that changes nothing costs one call at most, as it would without a
plugin; and a connection that breaks interrupts the lines and not the build.

Lines go to the standard error, as warnings do: the standard output is the callback's, which may be writing JSON.

In check mode, and with the task's own ``async``, the module runs as any other.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.trusted.crossbuild.plugins.module_utils import _evidence
from ansible_collections.trusted.crossbuild.plugins.module_utils._build_key import FORMAT
from ansible_collections.trusted.crossbuild.plugins.plugin_utils._build_lines import BuildLines

MODULE = "trusted.crossbuild.docker_image"
# The default of the module's option reconnect_timeout, and seconds between two attempts at a host that does not answer.
PATIENCE = 300
RETRY = 5
# Seconds between the first two looks, and how the time grows from one to the next.
FIRST_LOOK = 0.1
GROWTH = 1.5
# Bytes that a look brings at most.
PIECE = 256 * 1024
# Whether the job goes on (see module_utils/_background.py), and behind that the progress file from a position on. The
# other way round the last lines could be missed.
LOOK = """cd {job} || exit
if read -r pid started < running && stat=$(cat /proc/$pid/stat) && set -- ${{stat##*)}} && [ "$1" != Z ] &&
   [ "${{20}}" = "$started" ]; then echo {mark}running; else echo {mark}ended; fi
tail -c +{position} progress | head -c {piece}"""
MARK = "crossbuild-job-"

display = Display()
Answer = TypeVar("Answer")


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs trusted.crossbuild.docker_image with the task's own arguments."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        if self._task.async_val or self._task.check_mode:
            wrap_async = bool(self._task.async_val) and not self._connection.has_native_async
            result.update(self._execute_module(module_name=MODULE, task_vars=task_vars, wrap_async=wrap_async))
            return result
        subject = self._subject()
        known = self._known(subject, task_vars)
        if known is not None:
            result.update(known)
            return result
        output = display.verbosity > 0 and not self._task.no_log
        jobs = self.get_shell_option("async_dir", default="~/.ansible_async")
        answer = self._module({"jobs": jobs, "output": output, "unchanged": subject}, task_vars)
        if "_crossbuild_job" in answer:
            lines = BuildLines(self._host(task_vars), self._hosts(task_vars), output, time.monotonic())
            answer = self._follow(answer["_crossbuild_job"], lines, task_vars)
        result.update(answer)
        return result

    def _subject(self) -> str:
        """What an answer to this very task is remembered by."""
        asked = json.dumps([FORMAT, self._task.args], sort_keys=True, default=repr)
        return hashlib.sha256(asked.encode()).hexdigest()

    def _known(self, subject: str, task_vars: dict[str, Any]) -> dict[str, Any] | None:
        """The answer of a task before this one, where the host finds that all it rests on is as it was."""
        python = self._python(task_vars)
        # An environment of the task's own is the module's alone. What is expanded on the host may be something else now.
        if python is None or any(self._task.environment or ()) or "$" in str(self._task.args.get("path")):
            return None
        # Nobody is to guess at what these hold by what is seen of a command.
        if {"secrets", "registry"} & set(self._task.args):
            return None
        command = [python, "-I", "-S", "-c", Path(_evidence.__file__).read_text(encoding="utf-8"), subject]
        said = self._low_level_execute_command(shlex.join(command))
        try:
            answer = json.loads(said["stdout"]) if said["rc"] == 0 else None
        except ValueError:
            return None
        return answer if isinstance(answer, dict) else None

    def _python(self, task_vars: dict[str, Any]) -> str | None:
        """The host's Python, where it is known without asking."""
        if self._task.delegate_to:
            return None
        given = task_vars.get("ansible_python_interpreter")
        named = str(self._templar.template(given)) if given else "auto"
        if named.startswith("auto"):
            named = str(task_vars.get("ansible_facts", {}).get("discovered_interpreter_python") or "")
        return named or None

    def _module(self, progress: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        arguments = {**self._task.args, "_progress": progress}
        answer: dict[str, Any] = self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)
        answer.get("invocation", {}).get("module_args", {}).pop("_progress", None)
        return answer

    def _follow(self, job: str, lines: BuildLines, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Shows what the job does until it has ended. Returns its result."""
        position, wait, running = 1, FIRST_LOOK, True
        while running:
            running, text = self._look(job, position, lines)
            position += len(text)
            lines.take(text, time.monotonic())
            self._show(lines.due(time.monotonic(), end=not running))
            if running and len(text) < PIECE:
                time.sleep(wait)
                wait = min(wait * GROWTH, lines.pause)
        answer = self._persistently(lambda: self._module({"job": job}, task_vars), lines)
        self._remove(job)
        return answer

    def _look(self, job: str, position: int, lines: BuildLines) -> tuple[bool, str]:
        """Whether the job goes on, and what its progress file says from ``position`` on, counted from 1."""
        command = LOOK.format(job=shlex.quote(job), position=position, piece=PIECE, mark=MARK)
        seen = self._persistently(lambda: self._low_level_execute_command(command), lines)
        # A terminal in between, as sudo may want one, ends lines in its own way. The file is ASCII: a character a byte.
        _before, _mark, after = seen["stdout"].replace("\r\n", "\n").partition(MARK)
        state, _newline, text = after.partition("\n")
        # Without the mark it cannot be looked at: then the module waits for the job, as it does where it has ended.
        return state == "running" or len(text) == PIECE, text

    def _persistently(self, ask: Callable[[], Answer], lines: BuildLines) -> Answer:
        """Asks until the host answers. After a time raises AnsibleConnectionFailure: then the host is unreachable."""
        # That it is a number the module has seen to, which ran before.
        patience = int(self._task.args.get("reconnect_timeout") or PATIENCE)
        deadline = None
        while True:
            try:
                return ask()
            except AnsibleConnectionFailure as exc:
                if deadline is None:
                    deadline = time.monotonic() + patience
                    self._show(
                        [lines.of_host("the connection is lost; the build goes on, and the host is asked again")]
                    )
                elif time.monotonic() > deadline:
                    # Ansible would tidy up there next, and tell of how that failed instead.
                    self._connection._shell.tmpdir = None
                    raise AnsibleConnectionFailure(
                        f"The host has not answered for {patience} seconds; the build goes on there. Run the task again to"
                        f" get its result. In the end: {exc}"
                    ) from None  # Ansible would show the cause instead
                time.sleep(RETRY)

    def _remove(self, job: str) -> None:
        try:
            self._low_level_execute_command(f"rm -rf {shlex.quote(job)}")
        except AnsibleConnectionFailure as exc:
            # The result is here. What is left there goes when a later job begins.
            display.vvv(f"{job} stays for now: {exc}")

    def _show(self, lines: list[str]) -> None:
        if not self._task.no_log:
            for line in lines:
                display.display(line, stderr=True)

    def _host(self, task_vars: dict[str, Any]) -> str:
        """As in Ansible's own lines."""
        host = str(task_vars["inventory_hostname"])
        return f"{host} -> {self._task.delegate_to}" if self._task.delegate_to else host

    def _hosts(self, task_vars: dict[str, Any]) -> int:
        """How many hosts may be printing at the same time."""
        if self._task.run_once:
            return 1
        limits = (len(task_vars["ansible_play_batch"]), task_vars.get("ansible_forks"), self._task.throttle)
        return int(min(limit for limit in limits if limit))
