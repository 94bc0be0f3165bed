# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes the variant out of an image's configuration, in a directory that skopeo made and can read back (dir:)."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

directory = Path(sys.argv[1])
manifest = json.loads((directory / "manifest.json").read_text())
config = json.loads((directory / manifest["config"]["digest"].removeprefix("sha256:")).read_text())
del config["variant"]
content = json.dumps(config).encode()
name = hashlib.sha256(content).hexdigest()
(directory / name).write_bytes(content)
manifest["config"].update(digest=f"sha256:{name}", size=len(content))
(directory / "manifest.json").write_text(json.dumps(manifest))
