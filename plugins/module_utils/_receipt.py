# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this collection added to a host, kept so that it can take away that and nothing else."""

from __future__ import annotations

import json
import os
from typing import Any

from ._atomic import write_file
from ._errors import CrossbuildError

DIRECTORY = "/var/lib/trusted.crossbuild"


class Receipt:
    """One JSON object per module, in ``/var/lib/trusted.crossbuild/NAME.json``. No file stands for ``{}``."""

    def __init__(self, name: str, directory: str = DIRECTORY) -> None:
        self.path = os.path.join(directory, name + ".json")

    def load(self) -> dict[str, Any]:
        try:
            with open(self.path, encoding="utf-8") as file:
                content = json.load(file)
        except FileNotFoundError:
            return {}
        except PermissionError as exc:
            raise CrossbuildError(f"{self.path} is readable for root only: this needs root (become: true).") from exc
        except ValueError as exc:
            raise CrossbuildError(
                f"{self.path} is not JSON ({exc}). It records what was added to this host: repair it, or delete it and"
                " remove by hand what should go."
            ) from exc
        if not isinstance(content, dict):
            raise CrossbuildError(f"{self.path} holds no JSON object: repair it, or delete it.")
        return content

    def save(self, content: dict[str, Any]) -> None:
        """Writes the receipt; empty content removes it, and the directory with the last one."""
        if content:
            write_file(self.path, json.dumps(content, indent=1, sort_keys=True) + "\n", mode=0o600)
            return
        try:
            os.unlink(self.path)
            os.rmdir(os.path.dirname(self.path))
        except OSError:
            return  # no receipt, or those of other modules beside it
