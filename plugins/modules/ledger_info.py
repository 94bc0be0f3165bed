#!/usr/bin/python
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ledger_info
short_description: Ask the ledger of a farm how long its builds took
version_added: 0.1.0
description:
  - Tells of each image and platform how long its last build took that M(trusted.crossbuild.docker_image) entered into a ledger,
    whatever it was made from. Neither an engine nor a client is needed on the host.
  - It fails where the registry does not answer, or refuses the credentials.
extends_documentation_fragment:
  - trusted.crossbuild.attributes.info
  - trusted.crossbuild.registry
options:
  ledger:
    description: The repository, as for O(trusted.crossbuild.docker_image#module:ledger).
    type: str
    required: true
  images:
    description: The images to ask for.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The image's name. A tag in it does not count.
        type: str
        required: true
      platforms:
        description: The platforms, in any spelling.
        type: list
        elements: str
        required: true
seealso:
  - module: trusted.crossbuild.docker_image
  - plugin: trusted.crossbuild.assign
    plugin_type: filter
author:
  - trusted.crossbuild contributors (@trusted)
"""

EXAMPLES = r"""
- name: How long did they take?
  trusted.crossbuild.ledger_info:
    ledger: registry.example/farm/ledger
    images:
      - {name: registry.example/app, platforms: [armhf, arm64]}
  register: farm_durations
"""

RETURN = r"""
builds:
  description: Each image and platform that was asked for. What is not known is V(null).
  returned: always
  type: list
  elements: dict
  sample:
    - image: registry.example/app
      platform: linux/arm64
      seconds: 41.2
      host: build1 (unix:///var/run/docker.sock)
      emulator: 7.2.22
"""

from ansible_collections.trusted.crossbuild.plugins.module_utils import _ledger_report, _module, _registry_options

ARGUMENT_SPEC = {
    "ledger": {"type": "str", "required": True},
    "images": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "platforms": {"type": "list", "elements": "str", "required": True},
        },
    },
    **_registry_options.REGISTRY_SPEC,
}


def main() -> None:
    _module.run(
        ARGUMENT_SPEC,
        _ledger_report.run,
        required_together=_registry_options.REGISTRY_REQUIRED_TOGETHER,
    )


if __name__ == "__main__":
    main()
