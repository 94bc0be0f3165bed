#!/usr/bin/python
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: buildx_builder
short_description: Have a builder of buildx with these nodes
version_added: 0.1.0
description:
  - Makes a builder with a name of what C(docker buildx ls) shows, for the user that the task runs as. It is compared with
    what buildx itself recorded of it; while that is the same, the task is C(ok) and no command is run.
  - A builder that differs is removed and made again, as buildx can neither put nodes in another order nor take an option back. What
    its nodes have in their caches stays, and where neither address nor options of a node change, it goes on running.
  - No node is started here. Those of the driver V(remote) need not be there yet; of V(docker-container) buildx asks each engine.
extends_documentation_fragment:
  - trusted.crossbuild.attributes
options:
  name:
    description:
      - The builder's name. buildx writes it in lower case.
      - It is removed or changed whoever made it.
    type: str
    required: true
  state:
    description:
      - V(present) makes the builder what is asked for.
      - V(absent) removes it, with what its nodes keep where buildx started those.
    type: str
    choices: [present, absent]
    default: present
  driver:
    description:
      - V(docker-container) has buildx run BuildKit in a container of each node's engine.
      - V(remote) uses a BuildKit that is there already, at each node's address.
    type: str
    choices: [docker-container, remote]
    default: docker-container
  nodes:
    description:
      - The nodes, in their order. The first one also builds what no node names.
      - Required for O(state=present).
    type: list
    elements: dict
    suboptions:
      name:
        description: The node's name. buildx writes it in lower case.
        type: str
        required: true
      endpoint:
        description:
          - Where the node is. For V(docker-container) the address of an engine, such as V(ssh://root@build1.example) or
            V(tcp://build1.example:2375), or the name of a context; for V(remote) the address of a BuildKit, such as V(tcp://build1.example:1234).
          - Write it as buildx does, with the port.
        type: str
        required: true
      platforms:
        description:
          - What is built there, in any spelling.
          - buildx gives each platform to one node, always. One that several nodes name is the first one's.
        type: list
        elements: str
        default: []
      driver_options:
        description:
          - What the driver is to know, as for C(docker buildx create --driver-opt), such as C(image) for V(docker-container), and
            C(cacert), C(cert) and C(key) for V(remote).
        type: dict
        default: {}
seealso:
  - module: trusted.crossbuild.docker_image
notes:
  - buildx 0.12 or newer is needed. In check mode it may be missing.
  - While a builder is removed and made again, a build that begins by it does not find it. Where making it fails, it is missing or not
    complete, until the next run makes it.
author:
  - trusted.crossbuild contributors (@trusted)
"""

EXAMPLES = r"""
- name: One builder of two hosts
  trusted.crossbuild.buildx_builder:
    name: farm
    nodes:
      - {name: build1, endpoint: "ssh://root@build1.example.com", platforms: [amd64, armhf]}
      - {name: build2, endpoint: "ssh://root@build2.example.com", platforms: [arm64]}

- name: Of BuildKits that run there, with TLS
  trusted.crossbuild.buildx_builder:
    name: farm
    driver: remote
    nodes:
      - name: build1
        endpoint: tcp://build1.example.com:1234
        platforms: [amd64, arm64]
        driver_options: {cacert: /etc/buildkit/ca.pem, cert: /etc/buildkit/cert.pem, key: /etc/buildkit/key.pem}

- name: Build with it
  trusted.crossbuild.docker_image:
    name: registry.example/app
    path: /srv/src/app
    platforms: [arm64]
    builder_name: farm

- name: No builder any more
  trusted.crossbuild.buildx_builder:
    name: farm
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, in words.
  returned: always
  type: list
  elements: str
builder:
  description: The builder as buildx has it recorded; V(null) where there is none.
  returned: always
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    driver:
      description: Its driver.
      type: str
    nodes:
      description: Its nodes, each with C(name), C(endpoint), C(platforms) and C(driver_options).
      type: list
      elements: dict
  sample:
    name: farm
    driver: remote
    nodes:
      - {name: build1, endpoint: "tcp://build1.example.com:1234", platforms: [linux/amd64], driver_options: {}}
"""

from ansible_collections.trusted.crossbuild.plugins.module_utils import _buildx_builder, _module

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "driver": {"type": "str", "choices": ["docker-container", "remote"], "default": "docker-container"},
    "nodes": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "endpoint": {"type": "str", "required": True},
            "platforms": {"type": "list", "elements": "str", "default": []},
            "driver_options": {"type": "dict", "default": {}},
        },
    },
}


def main() -> None:
    _module.run(ARGUMENT_SPEC, _buildx_builder.run, required_if=[("state", "present", ("nodes",))])


if __name__ == "__main__":
    main()
