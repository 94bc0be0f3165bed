#!/usr/bin/python
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: binfmt
short_description: Register emulators with the kernel, now and for every boot
version_added: 0.1.0
description:
  - Makes the kernel run programs of other platforms by QEMU, through C(binfmt_misc), and proves it by running one of each.
    Or registers one custom format by O(name), for files of any kind with an interpreter of their own.
  - Entries are compared by what they mean - which programs they match, by which file and flags they run them - not by
    name. An entry of the distribution that does the same is left alone; where the kernel still runs programs by the file
    of an emulator that was since replaced, it is registered again.
  - Where C(/opt/trusted.crossbuild/dispatcher) has a copy of the emulator by which builds are accelerated, that copy is what is
    registered, as long as it is the emulator as it is now. After an upgrade of the emulator it is not, and the emulator itself
    is registered until the copy is made again. Where QEMU is older than 6.0 or Linux older than 5.12, and with
    O(credentials=true), O(fix_binary=false) or O(preserve_argv0=false), it is the emulator itself, and a warning says why.
  - On hosts with systemd or OpenRC the same is made sure of for every boot, by a file in C(/etc/binfmt.d) where the
    distribution's own configuration does not do it. Entries that are not about what is asked for are not touched.
extends_documentation_fragment:
  - trusted.crossbuild.attributes
options:
  platforms:
    description:
      - The platforms to register, in the spelling of Docker (V(linux/arm/v7)), Debian (V(armhf)), QEMU (V(aarch64)) or
        uname (V(armv7l)), or V(all).
      - Platforms that the host's kernel runs natively need no entry and are passed over.
      - Without it, and without O(name), these are V(linux/arm/v7) and V(linux/arm64).
    type: list
    elements: str
  name:
    description:
      - The name of one custom format's entry, instead of O(platforms). It goes with O(magic) or O(extension), and with
        O(interpreter); to remove it, the name is enough.
      - Nothing proves it by execution. A format that would take the host's own programs is refused.
    type: str
  magic:
    description:
      - The bytes that a file of the custom format holds at O(offset), as the kernel writes them, with C(\xNN) for a byte.
        Put them between single quotes, as between double ones YAML itself replaces C(\xNN).
    type: str
  mask:
    description: Which bits of O(magic) count, as many bytes as it has. All of them by default.
    type: str
  offset:
    description: Where in the file O(magic) is. At its start by default.
    type: int
  extension:
    description: What the names of files of the custom format end in, without the dot.
    type: str
  interpreter:
    description: The program that runs files of the custom format. It must be there and executable.
    type: path
  state:
    description:
      - V(present) registers, and enables again what was disabled.
      - V(disabled) leaves entries where they are and has them run nothing, now and after a boot. Where the distribution's
        configuration would register one, a file of the same name in C(/etc/binfmt.d) hides that.
      - V(absent) removes what this module registered, and undoes what it disabled. Where something registers entries at
        boot, what the distribution's own configuration says is brought back.
    type: str
    choices: [present, absent, disabled]
    default: present
  fix_binary:
    description:
      - Flag F. The kernel opens the interpreter once, at registration, so that it works in containers and chroots that do
        not have it.
      - Entries are to have the flags that were asked for and no other; one that does not is registered again.
    type: bool
    default: true
  preserve_argv0:
    description:
      - Flag P. Programs get the name that they were called by, which those such as busybox need.
      - V(auto) sets it where the emulator heeds it, which QEMU does from 6.0 on, with Linux 5.12 or newer, or under a name
        that ends in C(-binfmt-P); what the program that is run as a proof got as its name is in RV(proven). For a custom
        format V(auto) is V(false).
    type: str
    choices: [auto, 'true', 'false']
    default: auto
  open_binary:
    description: Flag O. The interpreter gets the program as an open file, so that programs which may be run but not read work.
    type: bool
    default: true
  credentials:
    description:
      - Flag C. Set-user-ID programs run with the rights of their owner, such as C(sudo) and C(ping) in an emulated container.
      - The price is that the emulator itself then runs with them, as root for a program of root. QEMU was not written to
        keep such a program in check, and whoever may start one from an image of their own making, or hand it input, may
        become root of the host's user namespace. Set it only where every image and every user is trusted.
    type: bool
    default: false
  conflict:
    description:
      - What to do about an entry of another name that handles what is asked for, but not as well as this module's would,
        for example without flag F. For a custom format these are entries whose magic overlaps with its own or whose
        extension is the same, and one of its own name that this module did not make.
      - V(fail) fails and says what is wrong with it, V(replace) removes it, V(adopt) uses it as it is if it proves to work.
        With O(state=disabled), V(replace) and V(adopt) both disable it.
      - A file in C(/etc/binfmt.d) that stands where this module's would, and was not written by it, is overwritten with
        V(replace) only.
    type: str
    choices: [fail, replace, adopt]
    default: fail
  boot:
    description:
      - What registers entries at boot on this host. V(auto) finds out; V(none) registers with the kernel only.
    type: str
    choices: [auto, systemd, openrc, none]
    default: auto
  scope:
    description:
      - Whose entries. V(host) are those of the host, and fails in a user namespace other than the host's.
      - V(user) are those of a user namespace of an unprivileged user, for rootless engines. The user needs no other rights,
        and Linux 6.7 or newer is needed. The namespace is that of O(namespace_pid), or of the user's rootless Docker or
        podman, or the one this runs in. It has entries of its own from then on, which hide the host's.
      - V(auto) is V(user) in a user namespace that a user made to be root in, and otherwise takes the machine or container
        it runs in for the host.
      - The entries of a user namespace go with it; the record of them is in C($XDG_STATE_HOME/trusted.crossbuild).
    type: str
    choices: [auto, host, user]
    default: auto
  namespace_pid:
    description: A process whose user namespace is to be served, with O(scope=user) or O(scope=auto).
    type: int
  mount_point:
    description: Where C(binfmt_misc) is mounted, or is to be.
    type: path
    default: /proc/sys/fs/binfmt_misc
seealso:
  - module: trusted.crossbuild.qemu_user_static
  - module: trusted.crossbuild.platform_info
  - name: The kernel's documentation of binfmt_misc
    description: What an entry and its flags mean.
    link: https://docs.kernel.org/admin-guide/binfmt-misc.html
author:
  - trusted.crossbuild contributors (@trusted)
"""

EXAMPLES = r"""
- name: Run 32-bit and 64-bit ARM programs, in containers too
  trusted.crossbuild.binfmt:
    platforms: [armhf, arm64]

- name: Take away what the task above added
  trusted.crossbuild.binfmt:
    platforms: [armhf, arm64]
    state: absent

- name: Run Windows programs by Wine
  trusted.crossbuild.binfmt:
    name: DOSWin
    magic: 'MZ'
    interpreter: /usr/bin/wine
    fix_binary: false

- name: Run them by nothing for a while
  trusted.crossbuild.binfmt:
    name: DOSWin
    magic: 'MZ'
    state: disabled

- name: Run ARM programs in the containers of a user's rootless engine
  trusted.crossbuild.binfmt:
    platforms: [armhf, arm64]
    scope: user
  become: true
  become_user: builder
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, in words.
  returned: always
  type: list
  elements: str
entries:
  description:
    - The entry that handles the programs of each architecture, by QEMU's name of it, or the files of the custom format, by
      its name; V(null) where none does.
  returned: always
  type: dict
  sample:
    arm:
      name: qemu-arm
      interpreter: /usr/libexec/qemu-binfmt/arm-binfmt-P
      flags: POF
instance:
  description:
    - V(own) where the kernel's entries are those of the user namespace this ran in, which hide those of the host, as in a
      container that mounted C(binfmt_misc) itself; V(host) otherwise.
  returned: always
  type: str
native:
  description: The platforms that need no entry, because the kernel runs them itself.
  returned: always
  type: list
  elements: str
persistent:
  description: Whether a boot brings about the same.
  returned: always
  type: bool
platforms:
  description:
    - The platforms whose programs were seen to run as they should, in containers, too; those that need no entry among them.
    - Nothing where O(state) is not V(present).
  returned: always
  type: list
  elements: str
  sample: [linux/arm/v7, linux/arm64]
proven:
  description: What came of running a program of each platform; nothing where O(state) is not V(present).
  returned: always
  type: dict
  contains:
    runs:
      description: Whether it ran.
      type: bool
    in_containers:
      description: Whether it ran where there is nothing but itself.
      type: bool
    argv0:
      description: Whether it got the name that it was called by; V(null) where it did not run.
      type: bool
    emulator_version:
      description: The version of the emulator that its entry names; V(null) where no entry handles its programs.
      type: str
    dispatcher:
      description: Whether that emulator is a copy of this collection's, by which builds are accelerated.
      type: bool
  sample:
    linux/arm/v7:
      runs: true
      in_containers: true
      argv0: true
      emulator_version: 7.2.22
      dispatcher: false
scope:
  description: Whose entries it was about, V(host) or V(user).
  returned: always
  type: str
"""

from ansible_collections.trusted.crossbuild.plugins.module_utils import _module, _registration

ARGUMENT_SPEC = {
    "platforms": {"type": "list", "elements": "str"},
    "name": {"type": "str"},
    "magic": {"type": "str"},
    "mask": {"type": "str"},
    "offset": {"type": "int"},
    "extension": {"type": "str"},
    "interpreter": {"type": "path"},
    "state": {"type": "str", "choices": ["present", "absent", "disabled"], "default": "present"},
    "fix_binary": {"type": "bool", "default": True},
    "preserve_argv0": {"type": "str", "choices": ["auto", "true", "false"], "default": "auto"},
    "open_binary": {"type": "bool", "default": True},
    "credentials": {"type": "bool", "default": False},
    "conflict": {"type": "str", "choices": ["fail", "replace", "adopt"], "default": "fail"},
    "boot": {"type": "str", "choices": ["auto", "systemd", "openrc", "none"], "default": "auto"},
    "scope": {"type": "str", "choices": ["auto", "host", "user"], "default": "auto"},
    "namespace_pid": {"type": "int"},
    "mount_point": {"type": "path", "default": "/proc/sys/fs/binfmt_misc"},
}


def main() -> None:
    _module.run(
        ARGUMENT_SPEC,
        _registration.run,
        mutually_exclusive=[("platforms", "name"), ("magic", "extension")],
        required_by={
            "magic": ["name"],
            "extension": ["name"],
            "interpreter": ["name"],
            "mask": ["magic"],
            "offset": ["magic"],
        },
    )


if __name__ == "__main__":
    main()
