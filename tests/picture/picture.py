# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draw what a person sees who types the README's commands on a fresh copy of this machine: run it in the laboratory only.

picture.py FILE writes the picture as SVG. It is what the commands wrote to a terminal, but that other tasks than SHOWN are
left out, "…" stands for them, and what was shown once is not shown again.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS = 88
COMMANDS = (
    "uname -m",
    "make site",
    "docker run --rm --platform linux/arm/v7 armbuild/hello uname -m",
    "make site",
)
SHOWN = (
    "Docker Engine: present",
    "Install the emulators",
    "Register them with the kernel, now and for every boot",
    "Build the first image",
    "What the hosts can build",
)
LICENCE = """<!-- Copyright: (c) 2026, trusted.crossbuild contributors
     GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
     SPDX-License-Identifier: GPL-3.0-or-later
     Made by `make picture`. -->
"""


def main(file: str) -> None:
    if "4294967295" in Path("/proc/self/uid_map").read_text():
        sys.exit("picture: this is the machine itself, and not the laboratory")
    seen: set[str] = set()
    lines: list[str] = []
    for command in COMMANDS:
        lines += ["", f"\033[1m$ {command}\033[0m", *abridged(run(command), seen)]
    missing = [name for name in SHOWN if not any(f"{name}]" in line for line in lines)]
    if missing:
        sys.exit(f"picture: no task is called {missing}")
    Path(file).write_text(drawn(lines[1:]))


def run(command: str) -> str:
    """What a command writes to a terminal, colours and all."""
    ours, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (40, COLUMNS))
    # As if no make ran this.
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    }
    with subprocess.Popen(
        ["sh", "-c", command],
        env={**environment, "TERM": "xterm-256color"},
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
    ) as process:
        os.close(terminal)
        output = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    text = output.decode().replace("\r\n", "\n")
    if process.returncode != 0:
        sys.exit(f"picture: {command} failed: {text}")
    return text


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says EIO where nobody has the other end any more.
        return b""


def abridged(output: str, seen: set[str]) -> Iterator[str]:
    """The lines to show of what a command wrote, of which Ansible's part is paragraphs; ``seen`` are those shown before."""
    whole = "PLAY RECAP" not in output
    left_out = False
    for paragraph in output.strip("\n").split("\n\n"):
        name = re.match(r"TASK \[(?:[\w.]+ : )?(.*)\]", paragraph)
        wanted = whole or paragraph.startswith("PLAY RECAP") or (name and name[1] in SHOWN)
        if not wanted or (name and paragraph in seen) or "skipping: " in paragraph:
            left_out = True
            continue
        if left_out:
            yield "\033[2m…\033[0m"
        left_out = False
        seen.add(paragraph)
        yield from paragraph.rstrip("\n").split("\n")


def drawn(lines: list[str]) -> str:
    """Lines with a terminal's colours, as SVG; none is longer than the terminal is wide, and no font comes from a network."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True, color_system="truecolor")
        for line in lines:
            text = Text.from_ansi(line)
            text.truncate(COLUMNS, overflow="ellipsis")
            console.print(text, no_wrap=True)
        picture = console.export_svg(title="make site", unique_id="site")
    fontless = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    return LICENCE + fontless.replace("Fira Code", "DejaVu Sans Mono") + "\n"


if __name__ == "__main__":
    main(sys.argv[1])
