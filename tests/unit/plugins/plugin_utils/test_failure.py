# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each way not to begin with a host is named for what it is. The texts are those of ansible-core 2.19 and sudo 1.9.13."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.plugin_utils._failure import explain

REFUSED = "Failed to connect to the host via ssh: ssh: connect to host 127.0.0.1 port 1: Connection refused"
ASKED_TWICE = """Task failed: Duplicate become password prompt encountered waiting for become success.
>>> Standard Error
[sudo via ansible, key=abc] password:
Sorry, try again.
[sudo via ansible, key=abc] password:"""
NOT_ASKED = (
    "Task failed: Premature end of stream waiting for become success.\n>>> Standard Error\nsudo: a password is required"
)


@pytest.mark.parametrize(
    ("result", "reason", "remedy"),
    [
        (
            {"msg": f"Task failed: {REFUSED}", "unreachable": True},
            f"It cannot be reached: {REFUSED}.",
            "that ssh reaches it",
        ),
        ({"msg": ASKED_TWICE}, "The password to become root is wrong.", "-K or ansible_become_password"),
        ({"msg": "Task failed: Incorrect sudo password"}, "The password to become root is wrong.", "-K"),
        ({"msg": NOT_ASKED}, "A password is needed to become root, and none was given.", "-K"),
        (
            {"msg": "Task failed: Missing sudo password"},
            "A password is needed to become root, and none was given.",
            "-K",
        ),
        ({"msg": "x is not in the sudoers file."}, "Its user may not become root.", "ansible_user"),
        (
            {"msg": "The module interpreter '/usr/bin/python3.99' was not found.", "rc": 127},
            "There is no Python at /usr/bin/python3.99.",
            "apt install python3",
        ),
        (
            {
                "msg": "The module failed to execute correctly",
                "module_stderr": "/bin/sh: 1: /usr/bin/python3: not found\n",
            },
            "There is no Python at /usr/bin/python3.",
            "apt install python3",
        ),
        (
            {"msg": "The disk is full. Free some."},
            "The disk is full. Free some.",
            "Once that is put right, run this again",
        ),
        ({}, "It failed, and said nothing.", "run this again"),
    ],
)
def test_the_reason_and_what_to_do(result: dict[str, Any], reason: str, remedy: str) -> None:
    found = explain(result)
    assert found[0] == reason
    assert remedy in found[1]


def test_what_a_host_says_does_not_move_the_cursor() -> None:
    assert explain({"msg": "\x1b[2Jgone\r\nfor good\x07"})[0] == "gone for good."
