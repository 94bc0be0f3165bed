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
notes:
  - Installs with apt only. On other hosts, an engine that is there already is started and used.
author:
  - trusted.crossbuild contributors (@trusted)
"""

EXAMPLES = r"""
- name: A Docker Engine, running
  trusted.crossbuild.docker_engine:

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
}


def main() -> None:
    _module.run(ARGUMENT_SPEC, _engine_host.run)


if __name__ == "__main__":
    main()
