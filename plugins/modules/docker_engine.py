#!/usr/bin/python
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_engine
short_description: Install and start the Docker Engine
version_added: 0.1.0
description:
  - Brings a Docker Engine to the host from the distribution's packages, and starts it now and at every boot with
    whatever starts services there (systemd, OpenRC, or a System V init script).
  - An engine that answers already is used as it is, wherever it came from.
  - What is added is recorded on the host, so that O(state=absent) takes away exactly that.
extends_documentation_fragment:
  - trusted.crossbuild.attributes
options:
  state:
    description:
      - V(present) installs and starts the engine.
      - V(absent) removes the packages that this module added, and the engine's data if no image with a name, no container
        and no volume is left in it. An engine that was there before stays; where this module started it, or made it start
        at boot, that is undone.
    type: str
    choices: [present, absent]
    default: present
  socket:
    description: The local socket the engine answers on.
    type: path
    default: /var/run/docker.sock
  python_sdk:
    description: Also provide the Docker SDK for Python for the Python that runs the modules, where it is missing.
    type: bool
    default: true
  buildx:
    description:
      - V(present) brings buildx, the docker client's plugin with which M(trusted.crossbuild.docker_image) builds by BuildKit.
        One that is on the host and new enough is used as it is.
      - V(absent) takes away what this module brought of it.
      - V(ignore) does neither.
    type: str
    choices: [ignore, present, absent]
    default: ignore
  buildx_release:
    description:
      - The code name of a release of Debian from which to take the package C(docker-buildx), and nothing else, where the host's
        own has none. For Debian 12 that is V(trixie).
      - A file in C(/etc/apt/sources.list.d) and one in C(/etc/apt/preferences.d) let apt do so, also for later updates. They
        keep the host from being upgraded to that release, and go with O(buildx=absent).
    type: str
  buildx_file:
    description: A file on the host, or a URL, with the plugin itself, to be used instead of a package.
    type: str
  buildx_checksum:
    description: The checksum of O(buildx_file), as C(sha256:DIGITS).
    type: str
notes:
  - Installs with apt only. On other hosts, an engine that is there already is started and used.
author:
  - trusted.crossbuild contributors (@trusted)
"""

EXAMPLES = r"""
- name: A Docker Engine, running
  trusted.crossbuild.docker_engine:

- name: On Debian 12, buildx from the next release, and nothing else from there
  trusted.crossbuild.docker_engine:
    buildx: present
    buildx_release: trixie

- name: Take away what the task above added
  trusted.crossbuild.docker_engine:
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, in words.
  returned: always
  type: list
  elements: str
  sample: ["install docker.io", "start the Docker Engine"]
version:
  description: The version of the engine that answers; V(null) where none does.
  returned: when O(state=present)
  type: str
  sample: 20.10.24
buildx:
  description: The version of buildx that the docker client would use; V(null) where there is none.
  returned: when O(state=present) and O(buildx=present)
  type: str
  sample: 0.13.1
packages_added:
  description: The packages this module has added to the host, dependencies included.
  returned: when O(state=present)
  type: list
  elements: str
packages_removed:
  description: The packages removed.
  returned: when O(state=absent)
  type: list
  elements: str
"""

from ansible_collections.trusted.crossbuild.plugins.module_utils import _engine_host, _module

ARGUMENT_SPEC = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "socket": {"type": "path", "default": "/var/run/docker.sock"},
    "python_sdk": {"type": "bool", "default": True},
    "buildx": {"type": "str", "choices": ["ignore", "present", "absent"], "default": "ignore"},
    "buildx_release": {"type": "str"},
    "buildx_file": {"type": "str"},
    "buildx_checksum": {"type": "str"},
}


def main() -> None:
    _module.run(
        ARGUMENT_SPEC,
        _engine_host.run,
        mutually_exclusive=[("buildx_release", "buildx_file")],
        required_together=[("buildx_file", "buildx_checksum")],
    )


if __name__ == "__main__":
    main()
