#!/usr/bin/python
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: doctor_info
short_description: Find out what keeps a host from building for other platforms
version_added: 0.1.0
description:
  - Looks at everything that an image for another platform rests on, from the kernel to the image itself, and says of each
    layer whether it holds, by what was found. RV(first) is the lowest that does not, and where to begin.
  - It never fails because of what it finds, and needs nothing on the host but Python. What cannot be looked at because a layer
    below does not hold, or was not asked for, counts neither as good nor as bad.
  - The playbook C(trusted.crossbuild.doctor) shows this for all hosts.
extends_documentation_fragment:
  - trusted.crossbuild.attributes.actiongroup_docker
  - trusted.crossbuild.attributes.info
  - trusted.crossbuild.docker
options:
  platforms:
    description:
      - The platforms to look at, in the spelling of Docker (V(linux/arm/v7)), Debian (V(armhf)), QEMU (V(aarch64)) or
        uname (V(armv7l)), or V(all).
    type: list
    elements: str
    default: [linux/arm/v7, linux/arm64]
  engine:
    description: Whether there is to be a Docker Engine. Without it, nothing above the execution on the host is looked at.
    type: bool
    default: true
  image:
    description:
      - An image on the engine, which is to be for one of O(platforms). Its programs are looked at as by
        O(trusted.crossbuild.docker_image#module:verify=programs); it is not pulled, and nothing in it is run.
    type: str
  accelerator:
    description: Whether builds are to run native tools, and if so which. Without it, that is not looked at.
    type: dict
    suboptions:
      releases:
        description: As O(trusted.crossbuild.accelerator#module:releases).
        type: list
        elements: str
        default: [bookworm, trixie]
      dispatcher:
        description: As O(trusted.crossbuild.accelerator#module:dispatcher).
        type: str
        required: true
      launcher:
        description: As O(trusted.crossbuild.accelerator#module:launcher).
        type: str
        required: true
notes:
  - To run a program of each platform in a container, an image of less than 10 kB is loaded into the engine, and it and the
    container are removed again. A module that is killed meanwhile leaves them, under names that begin with
    C(crossbuild.invalid/probe).
  - Without root it says of many layers that they cannot be proven.
  - The Docker SDK for Python is needed for what is in a container or an image. Where it is missing that is one of the findings.
seealso:
  - module: trusted.crossbuild.platform_info
author:
  - trusted.crossbuild contributors (@trusted)
"""

EXAMPLES = r"""
- name: Why does this image not run?
  trusted.crossbuild.doctor_info:
    platforms: [armhf]
    image: registry.example/app:1.10
  register: host

- name: Begin here
  ansible.builtin.debug:
    msg: "{{ host.first.found }} {{ host.first.remedy }}"
  when: host.first is not none
"""

RETURN = r"""
layers:
  description: What was looked at, from below to above. Those of one platform come before those of the next.
  returned: always
  type: list
  elements: dict
  contains:
    layer:
      description:
        - V(host) - the machine and its kernel, told only.
        - V(binfmt_misc) - it is in the kernel, mounted, and switched on.
        - V(emulator) - the file by which the platform's programs are run is there, static, and of no version that is known to
          be broken for it.
        - V(entry) - an entry for them is registered and enabled, no other one takes its programs, and it works in containers.
        - V(boot) - the next boot registers it again.
        - V(execution) - a program of the platform runs in an empty root directory.
        - V(engine) - a Docker Engine answers, and is new enough.
        - V(builder) - what C(docker_image) needs to build by it is there, BuildKit or the classic builder.
        - V(container) - a program of the platform runs in a container of the engine.
        - V(accelerator) - everything is there by which builds are accelerated, and current.
        - V(image) - the image is on the engine, recorded as one for a platform asked for, and so are its programs.
        - A platform that the host runs natively needs no V(emulator), V(entry) and V(boot), and has none.
      type: str
    platform:
      description: The platform, as Docker writes it; V(null) for what all have in common.
      type: str
    holds:
      description: Whether it holds; V(null) where that was not looked at.
      type: bool
    found:
      description: What was found. Where nothing was looked at, why.
      type: str
    remedy:
      description: What to do about a layer that does not hold, else V(null).
      type: str
  sample:
    - layer: entry
      platform: linux/arm/v7
      holds: false
      found: The entry qemu-arm is disabled.
      remedy: Register it again (trusted.crossbuild.binfmt).
first:
  description: The lowest of RV(layers) that does not hold; V(null) where all that was looked at do.
  returned: always
  type: dict
"""

from ansible_collections.trusted.crossbuild.plugins.module_utils import _connection, _doctor, _module

ARGUMENT_SPEC = {
    "platforms": {"type": "list", "elements": "str", "default": ["linux/arm/v7", "linux/arm64"]},
    "engine": {"type": "bool", "default": True},
    "image": {"type": "str"},
    "accelerator": {
        "type": "dict",
        "options": {
            "releases": {"type": "list", "elements": "str", "default": ["bookworm", "trixie"]},
            "dispatcher": {"type": "str", "required": True},
            "launcher": {"type": "str", "required": True},
        },
    },
    **_connection.CONNECTION_SPEC,
}


def main() -> None:
    _module.run(ARGUMENT_SPEC, _doctor.run)


if __name__ == "__main__":
    main()
