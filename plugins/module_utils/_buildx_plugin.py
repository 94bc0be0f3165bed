# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plugin buildx of this host's docker client."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass

from . import _command

# The first with --progress=rawjson.
OLDEST = "0.12"
# Where the docker client looks: defaultSystemPluginDirs in https://github.com/docker/cli/blob/master/cli-plugins/manager.
_DIRECTORIES = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)


@dataclass(frozen=True)
class Plugin:
    path: str
    version: str

    @property
    def usable(self) -> bool:
        return _numbers(self.version) >= _numbers(OLDEST)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:2]]


def candidates() -> list[str]:
    """Where the plugin may be, in the docker client's order."""
    own = os.path.join(os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker"), "cli-plugins")
    return [os.path.join(directory, "docker-buildx") for directory in (own, *_DIRECTORIES)]


def find() -> Plugin | None:
    """The plugin that the docker client would use. Raises CrossbuildError for one that does not run."""
    for path in candidates():
        if os.access(path, os.X_OK):
            # It says, as in "github.com/docker/buildx v0.13.1 788433953af1": module, version, commit.
            words = _command.require([path, "version"]).split()
            return Plugin(path, words[1].lstrip("v") if len(words) > 1 else "")
    return None


def missing() -> str | None:
    """Why buildx cannot be used on this host; None where it can."""
    if not shutil.which("docker"):
        return "there is no docker client on the host"
    plugin = find()
    if plugin is None:
        return "there is no buildx on the host"
    if not plugin.usable:
        return f"{plugin.path} is buildx {plugin.version or '(of no known version)'}, and {OLDEST} is needed"
    return None
