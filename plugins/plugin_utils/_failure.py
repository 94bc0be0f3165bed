# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a task failed on a host, and what to do, in words; pure.

Ansible says that it cannot begin with a host in the words of whatever it tried first. Here those are known by these words
(ansible-core 2.18 to 2.19: ``plugins/connection/ssh.py``, ``plugins/connection/local.py``, ``plugins/action/__init__.py``)
and by what ``sudo`` itself prints.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_AGAIN = "Then run this again: it does what is left."
_NO_PYTHON = re.compile(r"interpreter '([^']+)' was not found|(\S+/python[\d.]*): (?:not found|No such file)")
_WRONG_PASSWORD = re.compile(
    r"Incorrect \S+ password|Sorry, try again|Duplicate become password prompt|incorrect password attempt"
)
_NO_PASSWORD = re.compile(r"Missing \S+ password|a password is required")
_NO_SUDOER = re.compile(r"is not in the sudoers file|is not allowed to execute|may not run sudo")
# What a program writes must not move the cursor of the person who reads it.
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x1f\x7f-\x9f]")


def explain(result: Mapping[str, Any]) -> tuple[str, str]:
    """The reason and the remedy, a sentence or more each, of the result of a task that failed or did not reach its host."""
    words = one_line(str(result.get("msg", "")) or "It failed, and said nothing.").removeprefix("Task failed: ")
    everything = " ".join(one_line(str(result.get(key, ""))) for key in ("msg", "module_stderr", "module_stdout"))
    if result.get("unreachable"):
        return _sentence(
            f"It cannot be reached: {words}"
        ), f"See that it is up, and that ssh reaches it from here. {_AGAIN}"
    if _NO_SUDOER.search(everything):
        return (
            "Its user may not become root.",
            f"Allow it in sudo's configuration there, or name another one by ansible_user. {_AGAIN}",
        )
    if _WRONG_PASSWORD.search(everything):
        return (
            "The password to become root is wrong.",
            f"Give the right one, by -K or ansible_become_password. {_AGAIN}",
        )
    if _NO_PASSWORD.search(everything):
        return (
            "A password is needed to become root, and none was given.",
            f"Give it, by -K or ansible_become_password. {_AGAIN}",
        )
    if missing := _NO_PYTHON.search(everything):
        path = missing.group(1) or missing.group(2)
        remedy = "Install Python 3.8 or newer there (on Debian: apt install python3), or say by ansible_python_interpreter where it is."
        return f"There is no Python at {path}.", f"{remedy} {_AGAIN}"
    return _sentence(words), _AGAIN.replace("Then run", "Once that is put right, run")


def one_line(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())


def _sentence(words: str) -> str:
    words = words.rstrip(" :")
    return words if words.endswith((".", "!", "?")) else words + "."
