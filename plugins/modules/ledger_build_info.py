#!/usr/bin/python
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ledger_build_info
short_description: Find out which builds the ledger of a farm has
version_added: 0.1.0
description:
  - Tells of many builds at once which of them M(trusted.crossbuild.docker_image) would find in a ledger, with
    O(trusted.crossbuild.docker_image#module:ledger), and not build. One task for each costs more than looking.
  - It builds nothing. By its base images a build is known, so those that are not on this engine for its platform are pulled, as the
    build would, but for O(trusted.crossbuild.docker_image#module:pull=never); not in check mode, where it counts as not found then.
  - A build with O(trusted.crossbuild.docker_image#module:pull=always) counts as not found.
extends_documentation_fragment:
  - trusted.crossbuild.attributes.actiongroup_docker
  - trusted.crossbuild.attributes.info
  - trusted.crossbuild.docker
  - trusted.crossbuild.registry.option
options:
  ledger:
    description: The repository, as for O(trusted.crossbuild.docker_image#module:ledger).
    type: str
    required: true
  builds:
    description:
      - The builds, each with the options of M(trusted.crossbuild.docker_image) and one platform. Those with
        O(trusted.crossbuild.docker_image#module:secrets) are refused, as they would be written to logs.
    type: list
    elements: dict
    required: true
seealso:
  - module: trusted.crossbuild.docker_image
  - module: trusted.crossbuild.ledger_info
author:
  - trusted.crossbuild contributors (@trusted)
"""

EXAMPLES = r"""
- name: Is it built, for both?
  trusted.crossbuild.ledger_build_info:
    ledger: registry.example/farm/ledger
    builds:
      - {name: registry.example/app, platforms: [armhf], path: /srv/src/app}
      - {name: registry.example/app, platforms: [arm64], path: /srv/src/app}
  register: farm_known
"""

RETURN = r"""
builds:
  description: The builds that were asked for, in this order.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The image's name, with its tag.
      type: str
    platform:
      description: The platform.
      type: str
    ledger:
      description: The entry, as RV(trusted.crossbuild.docker_image#module:ledger); V(null) where there is none.
      type: dict
    problem:
      description: Why it could not be looked up, or why one before it could not; V(null) where it was.
      type: str
"""

from ansible_collections.trusted.crossbuild.plugins.module_utils import (
    _connection,
    _ledger_search,
    _module,
    _registry_options,
)

ARGUMENT_SPEC = {
    "ledger": {"type": "str", "required": True},
    "registry": _registry_options.REGISTRY_OPTION,
    "builds": {"type": "list", "elements": "dict", "required": True},
    **_connection.CONNECTION_SPEC,
}


def main() -> None:
    _module.run(ARGUMENT_SPEC, _ledger_search.run)


if __name__ == "__main__":
    main()
