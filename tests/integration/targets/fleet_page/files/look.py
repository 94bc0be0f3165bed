# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Open a page in headless Chromium, and print as JSON what is there to be seen: of the page, its console and its network.

The page is shown in frames of the widths of a phone and of a desk, by a page around it that may look inside.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from pathlib import Path

WIDTHS = (375, 1280)
AROUND = """<!DOCTYPE html><meta charset="utf-8"><body>%s<script>
addEventListener('load', () => {
  const seen = {widths: {}};
  for (const frame of document.querySelectorAll('iframe')) {
    const page = frame.contentDocument;
    seen.widths[frame.width] = page.documentElement.scrollWidth;
    seen.rows = page.querySelectorAll('tbody tr').length;
    seen.svgs = page.querySelectorAll('svg').length;
    seen.scripts = page.scripts.length;
    seen.images = page.images.length;
    seen.title = page.title;
    seen.text = page.body.innerText;
    seen.background = frame.contentWindow.getComputedStyle(page.body).backgroundColor;
  }
  const told = document.createElement('pre');
  told.id = 'told';
  told.textContent = btoa(unescape(encodeURIComponent(JSON.stringify(seen))));
  document.body.replaceChildren(told);
});
</script>"""


def chromium(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = [
        "chromium-headless-shell",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
    ]
    quiet = [
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--allow-file-access-from-files",
    ]
    return subprocess.run([*program, *quiet, *arguments], capture_output=True, text=True, timeout=60, check=True)


def look(page: Path, scheme: int) -> tuple[dict, list[str]]:
    """What is seen in a colour scheme (0: dark, 1: light), and what the console and the network tell."""
    around, network = page.with_name("around.html"), page.with_name("network.json")
    around.write_text(
        AROUND % "".join(f'<iframe src="{page.name}" width="{width}" height="800"></iframe>' for width in WIDTHS)
    )
    log = [f"--log-net-log={network}", "--enable-logging=stderr"]
    done = chromium(*log, f"--blink-settings=preferredColorScheme={scheme}", "--dump-dom", around.as_uri())
    told = re.search(r'<pre id="told">([^<]+)</pre>', done.stdout)
    if not told:
        sys.exit(f"the page around saw nothing: {done.stdout}\n{done.stderr}")
    problems = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    asked = re.findall(r'"url":"([^"]+)"', network.read_text())
    problems += [f"asked for {url}" for url in asked if not url.startswith(("file:", "data:", "about:"))]
    return json.loads(base64.b64decode(told.group(1))), problems


def main(path: str) -> None:
    page = Path(path)
    light, problems = look(page, 1)
    dark, more = look(page, 0)
    for scheme, name in ((1, "light"), (0, "dark")):
        for width in WIDTHS:
            picture = page.with_name(f"{name}-{width}.png")
            chromium(
                f"--screenshot={picture}",
                f"--window-size={width},1400",
                f"--blink-settings=preferredColorScheme={scheme}",
                page.as_uri(),
            )
    backgrounds = {"light": light["background"], "dark": dark["background"]}
    print(json.dumps({**light, "backgrounds": backgrounds, "problems": sorted({*problems, *more})}))


if __name__ == "__main__":
    main(sys.argv[1])
