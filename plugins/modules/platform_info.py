#!/usr/bin/python
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_info
short_description: Find out by executing which platforms a host can run
version_added: 0.1.0
description:
  - Runs a tiny program of every platform asked for, in an empty root directory as a container would, and reports what
    happened. Nothing is concluded from configuration files alone.
  - A platform that cannot be run is reported with a reason and what to do about it. It is a failure only with O(require).
extends_documentation_fragment:
  - trusted.crossbuild.attributes.info
options:
  platforms:
    description:
      - The platforms to try, in the spelling of Docker (V(linux/arm/v7)), Debian (V(armhf)), QEMU (V(aarch64)) or
        uname (V(armv7l)), or V(all).
    type: list
    elements: str
    default: [all]
  mount_point:
    description: Where C(binfmt_misc) is mounted.
    type: path
    default: /proc/sys/fs/binfmt_misc
  require:
    description:
      - Fail where a platform does not run as it should, in containers, with all reasons in one message. The result is the
        same then, beside the message.
    type: bool
    default: false
  data_root:
    description:
      - The directory that 32-bit programs are asked to list, to find out whether they can on its filesystem. Where it does
        not exist, the nearest directory above it stands for it.
      - By default where the Docker Engine keeps its data, C(data-root) in C(/etc/docker/daemon.json), else
        C(/var/lib/docker).
    type: path
notes:
  - Without root the programs are run in place and not in a root directory of their own, so RV(details[].in_containers) is
    not proven and V(false).
author:
  - trusted.crossbuild contributors (@trusted)
"""

EXAMPLES = r"""
- name: What can this host run?
  trusted.crossbuild.platform_info:

- name: Go on only where 32-bit and 64-bit ARM images run
  trusted.crossbuild.platform_info:
    platforms: [armhf, arm64]
    require: true

- name: Which of those that our base image is for can it run?
  trusted.crossbuild.platform_info:
    platforms: [armhf, arm64, s390x]
  register: host

- name: Build for these
  trusted.crossbuild.docker_image:
    name: registry.example/app
    tag: "{{ item | replace('/', '-') }}"
    path: /srv/src/app
    platforms: ["{{ item }}"]
  loop: "{{ host.platforms }}"
"""

RETURN = r"""
platforms:
  description:
    - The platforms that this host can run, natively or emulated, as Docker writes them, ready for
      O(trusted.crossbuild.docker_image#module:platforms).
  returned: always
  type: list
  elements: str
  sample: [linux/arm/v7, linux/amd64]
host:
  description: The host's own platform and its kernel's release.
  returned: always
  type: dict
persistent:
  description: Whether something on this host registers entries at boot.
  returned: always
  type: bool
data_root:
  description: The directory that 32-bit programs were asked to list.
  returned: always
  type: str
  sample: /var/lib/docker
details:
  description: What was found out about each platform, by its name.
  returned: always
  type: dict
  contains:
    status:
      description: V(native), V(emulated) or V(unavailable).
      type: str
    runs:
      description: Whether the program ran.
      type: bool
    in_containers:
      description: Whether it ran where the emulator's file is not visible, as in a container (flag F).
      type: bool
    argv0:
      description: Whether the program got its argv[0] unchanged (flag P); V(null) where it did not run.
      type: bool
    credentials:
      description:
        - Whether a set-user-ID bit of the program took effect (flag C, which this collection does not set); V(null) where
          that cannot be told, as without root.
      type: bool
    readdir:
      description:
        - Whether 32-bit programs built without large-file support can list directories on the filesystem of RV(data_root).
        - V(ok), or V(overflow) where they fail with EOVERFLOW, which is a warning, too; V(null) for platforms of 64 bits
          and where it cannot be told.
      type: str
    entry:
      description:
        - The entry of binfmt_misc that handles its programs, with C(name), C(interpreter) and C(flags); V(null) where none
          does.
        - C(current) is whether the file that the kernel ran is the one that is at the interpreter's path now. Behind flag F
          it is not, once an upgrade has replaced the file. V(null) where that could not be seen.
      type: dict
    emulator_version:
      description: The version of the emulator at the interpreter's path; V(null) where no entry handles its programs.
      type: str
    dispatcher:
      description: Whether that emulator is a copy of this collection's, by which builds are accelerated.
      type: bool
    linkage:
      description:
        - How that emulator is linked, V(static), V(static-pie) or V(dynamic); V(null) where there is none, or it is no
          ELF program.
      type: str
    reason:
      description:
        - Why it is unavailable, as one word; V(null) where it is not.
        - V(not_registered) - no entry handles its programs.
        - V(wrong_instance) - the entries that are seen are not those that the kernel uses here, or this user namespace's
          own, empty table hides another one.
        - V(disabled) - the entry, or binfmt_misc as a whole, is switched off.
        - V(shadowed) - an entry registered later takes the programs from a good one.
        - V(interpreter_missing) - the entry's interpreter is not there.
        - V(no_program) - the interpreter is no program that this host can run.
        - V(not_static) - the interpreter is dynamically linked, and containers have not its libraries.
        - V(not_fixed) - it runs outside of containers only.
        - V(denied) - the emulator may not be executed.
        - V(refused) - the kernel refused otherwise.
        - V(crashed), V(hung), V(wrong_output) - what became of the program that was run.
        - V(argv0_lost) - it ran, under a wrong name.
      type: str
    explanation:
      description: The same as a sentence, with what to do.
      type: str
environment:
  description: What surrounds the modules on this host and decides how programs run.
  returned: always
  type: dict
  contains:
    container:
      description: The kind of container this is, V(docker), V(podman), V(lxc), V(nspawn), V(other) or V(none).
      type: str
    wsl:
      description: Whether this is the Windows Subsystem for Linux.
      type: bool
    user_namespace:
      description: Whether this is a user namespace other than the initial one.
      type: bool
    instance:
      description:
        - Whose table of entries is seen, V(host) or the user namespace's V(own); V(none) where none is mounted.
        - A user namespace that maps every user to itself is taken to see its own.
      type: str
    binfmt_misc:
      description:
        - C(state) is V(mounted), V(autofs) (to be mounted when it is first used) or V(absent), and C(read_only) whether
          entries cannot be written there.
      type: dict
    proc_sys_read_only:
      description: Whether C(/proc/sys) is read-only, as in most containers.
      type: bool
    selinux:
      description: V(enforcing), V(permissive) or V(disabled).
      type: str
    apparmor:
      description: Whether AppArmor is enabled.
      type: bool
    kernel:
      description: The kernel's release.
      type: str
    init:
      description:
        - C(name) is what process 1 is called, and C(kind) V(systemd), V(openrc), V(sysvinit) or V(other).
      type: dict
    binfmt_owners:
      description: The services that are active and register entries, of V(systemd-binfmt), V(binfmt-support), V(openrc).
      type: list
      elements: str
"""

from ansible_collections.trusted.crossbuild.plugins.module_utils import _module, _platform_report

ARGUMENT_SPEC = {
    "platforms": {"type": "list", "elements": "str", "default": ["all"]},
    "mount_point": {"type": "path", "default": "/proc/sys/fs/binfmt_misc"},
    "require": {"type": "bool", "default": False},
    "data_root": {"type": "path"},
}


def main() -> None:
    _module.run(ARGUMENT_SPEC, _platform_report.run)


if __name__ == "__main__":
    main()
