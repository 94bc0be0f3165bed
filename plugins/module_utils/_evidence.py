# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the answer "nothing has changed" rests on, and whether all of that is still as it was.

The action plugin also sends this file to the host by itself, for a bare Python to run: where the evidence still holds, the
answer does, and neither Ansible's modules nor this collection's are loaded to find it again. So it imports nothing but a
little of the standard library. What it cannot vouch for it does not know: then the module looks for itself.

Evidence is a dict, the same in memory and as JSON:

    environment  variables and their values, None where they are not set
    files        paths and what the kernel knew of each, empty where there was none
    tree         None, or ``root``, ``left_out`` (paths below it that do not count) and ``digest`` of all others
    socket       the engine's
    answers      resources and the digest of what the engine answered to each
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import stat
import sys
from typing import Any

# Counted up when the meaning of what is kept in the cache changes; files of another format are not read.
FORMAT = 1
# The kind of the files that hold an answer and its evidence.
KIND = "unchanged"
# Seconds without a byte from the engine.
_SILENCE = 10


def directory() -> str:
    """Root's cache, or the user's own."""
    own = "/var/cache" if os.geteuid() == 0 else os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(own, "trusted.crossbuild/docker_image")


def path_of(kind: str, subject: str, root: str | None = None) -> str:
    """The file of the cache about a subject, of which only the digest is in its name."""
    digest = hashlib.sha256(subject.encode("utf-8", "surrogateescape")).hexdigest()
    return os.path.join(root or directory(), kind, digest[:32])


def title(body: bytes) -> str:
    """The first line of such a file. It tells a damaged one, and one of another format."""
    return f"trusted.crossbuild table {FORMAT} {hashlib.sha256(body).hexdigest()}"


def load(path: str) -> dict[str, str]:
    """What is in such a file: names and values. Empty where it is not there, damaged, or of another format."""
    try:
        with open(path, "rb") as file:
            first, _newline, body = file.read().partition(b"\n")
    except OSError:
        return {}
    if first.decode("utf-8", "replace") != title(body):
        return {}
    parts = body.decode("utf-8", "surrogateescape").split("\0")
    return dict(zip(parts[::2], parts[1::2]))


def stamp(status: os.stat_result) -> str:
    """What the kernel changes when a file changes. Programs cannot set the ctime."""
    times = f"{status.st_mtime_ns} {status.st_ctime_ns}"
    return f"{status.st_mode:o} {status.st_size} {times} {status.st_dev} {status.st_ino}"


def of_file(path: str) -> tuple[str, int]:
    """A file's stamp, also behind links, and when it changed last, in nanoseconds."""
    try:
        status = os.stat(path)
    except OSError:
        return "", 0
    return stamp(status), max(status.st_mtime_ns, status.st_ctime_ns)


def of_tree(root: str, left_out: set[str]) -> tuple[str, int]:
    """The digest of everything below a directory, and when something there changed last. Raises OSError."""
    whole, last = hashlib.sha256(), 0
    waiting = [""]
    while waiting:
        directory = waiting.pop()
        with os.scandir(os.path.join(root, directory)) as found:
            children = sorted(found, key=lambda child: child.name)
        lines = []
        for child in children:
            path = directory + child.name
            if path in left_out:
                continue
            status = child.stat(follow_symlinks=False)
            last = max(last, status.st_mtime_ns, status.st_ctime_ns)
            if stat.S_ISDIR(status.st_mode):
                # Its times also change by what is left out of it.
                lines.append(f"{path}\0{status.st_mode:o} {status.st_dev} {status.st_ino}\0")
                waiting.append(path + "/")
            else:
                lines.append(f"{path}\0{stamp(status)}\0")
        whole.update("".join(lines).encode("utf-8", "surrogateescape"))
    return whole.hexdigest(), last


def of_answer(status: int, content: bytes) -> str:
    return f"{status} {hashlib.sha256(content).hexdigest()}"


def _ask(path: str, resource: str) -> str:
    """The digest of what an engine answers. Raises OSError, and ValueError for what is no answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_SILENCE)
        connection.connect(path)
        # By this version the answer comes in one piece, whose end is the connection's.
        connection.sendall(f"GET {resource} HTTP/1.0\r\nHost: engine\r\n\r\n".encode("ascii"))
        with connection.makefile("rb") as answer:
            head, _blank, content = answer.read().partition(b"\r\n\r\n")
    return of_answer(int(head.split()[1]), content)


def holds(evidence: dict[str, Any]) -> bool:
    """Whether everything is as it was. Raises OSError and ValueError where that cannot be found out."""
    tree = evidence["tree"]
    return (
        all(os.environ.get(name) == value for name, value in evidence["environment"].items())
        and all(of_file(path)[0] == known for path, known in evidence["files"].items())
        and all(_ask(evidence["socket"], resource) == known for resource, known in evidence["answers"].items())
        and (tree is None or of_tree(tree["root"], set(tree["left_out"]))[0] == tree["digest"])
    )


def main(subject: str) -> None:
    """Prints the answer that is remembered about a subject, where its evidence still holds."""
    known = load(path_of(KIND, subject))
    try:
        if known and holds(json.loads(known["evidence"])):
            sys.stdout.write(known["answer"] + "\n")
    except (OSError, ValueError, LookupError, TypeError):
        return  # what cannot be looked at, or was remembered otherwise, is for the module


if __name__ == "__main__":
    main(sys.argv[1])
