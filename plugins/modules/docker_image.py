#!/usr/bin/python
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_image
short_description: Build a Docker image for another platform, when something in it has changed
version_added: 0.1.0
description:
  - Builds an image for the platform asked for, and afterwards looks whether it is one - by the platform recorded in it,
    by its programs, and where asked for by running it. An image that is not gets no tag; the old one stays.
  - Everything that goes into an image - Dockerfile, the bytes, modes and names of the context, build arguments, target,
    platform, labels, network, base images, the emulator's version - makes a key, which is kept in a label of the image.
    While the key is the same, nothing is built or sent and the task is C(ok).
  - Of two tasks that build the same image at the same time one builds it, and the other one waits and finds it built.
  - The digests of the context's files are remembered on the build host, in C(/var/cache/trusted.crossbuild/docker_image)
    or below E(XDG_CACHE_HOME), so that an unchanged file is not read again. A file whose bytes changed while size and
    modification time did not is noticed by its time of last change (ctime), which programs cannot set. On a filesystem
    that keeps none of its own (FAT, sshfs, network) every file is read each time. That directory may be deleted at any time.
  - It is built by BuildKit, by way of the docker client's plugin buildx, or by the engine's classic builder, through the
    Docker SDK for Python. The context is read, filtered and sent by this module to both, so that what was compared is
    what is built.
extends_documentation_fragment:
  - trusted.crossbuild.attributes.actiongroup_docker
  - trusted.crossbuild.attributes
  - trusted.crossbuild.docker
  - trusted.crossbuild.registry.option
options:
  name:
    description: The image's name. It may carry the tag, as C(name:tag).
    type: str
    required: true
  tag:
    description: The image's tag, where O(name) carries none.
    type: str
    default: latest
  state:
    description:
      - V(present) builds the image where it is missing or not up to date.
      - V(absent) removes it, if this module built it; with several O(platforms), the image for each.
    type: str
    choices: [present, absent]
    default: present
  platforms:
    description:
      - The platforms to build for, in the spelling of Docker (V(linux/arm/v7)), Debian (V(armhf)), QEMU (V(aarch64)) or
        uname (V(armv7l)). One that is named twice is built once.
      - With one platform the image is called as O(name) and O(tag) say. With several there is an image for each, whose tag has
        the platform at its end, as C(app:1.10-linux-arm-v7), since an engine keeps one image under a name. RV(images) lists them.
      - They are built one after the other, of the same context, which is read once. Where one fails the others are built all
        the same, so that the next run finds them; then the task fails and names each that failed, and nothing is pushed or
        exported.
    type: list
    elements: str
    aliases: [platform]
    default: [linux/arm/v7]
  path:
    description:
      - The build context, a directory on the build host. What its C(.dockerignore) names is left out, or what the
        Dockerfile's own does, such as C(Dockerfile.dockerignore).
      - Required unless O(dockerfile_inline) is given, which then builds with an empty context.
    type: path
  dockerfile:
    description: The Dockerfile, relative to O(path).
    type: str
    default: Dockerfile
  dockerfile_inline:
    description: The text of the Dockerfile, instead of a file. It is not part of the context.
    type: str
  args:
    description:
      - Build arguments. Their values are strings; quote what YAML would read as something else, such as a version V("1.10").
    type: dict
  target:
    description: The stage to build, instead of the last.
    type: str
  labels:
    description: Labels to add to the image.
    type: dict
  network:
    description: The network of the containers that run the build's steps, as for C(docker build --network).
    type: str
  pull:
    description:
      - V(missing) pulls a base image that is not on the host, or is there for another platform, before a build.
      - V(always) asks the registry every time, and a new base means a rebuild. In check mode it does not ask.
      - V(never) uses what is there. A build fails where that is nothing, or is for another platform.
    type: str
    choices: [missing, always, never]
    default: missing
  rebuild:
    description:
      - V(auto) builds when something that goes into the image has changed.
      - V(always) builds each time, reads every file, and takes no step from the engine's cache.
      - V(never) builds only where no image of this name is there for the platform; RV(changed_inputs) says all the same
        what has changed.
    type: str
    choices: [auto, always, never]
    default: auto
  verify:
    description:
      - How the image is looked at before it gets its tag. Each looks at what the ones before it do.
      - V(none) does not look; RV(verified) says so.
      - V(metadata) looks at the platform recorded in the image.
      - V(programs) looks at the programs that a container starts, which are the command and the shell, and at their loaders -
        machine, word size and byte order. Of 32-bit ARM also the version of the architecture that they were compiled for,
        and whether they pass floating point in registers. So a program for v7 is not one for V(linux/arm/v6), and one for
        armhf starts by no loader of armel; what is for an older version is right.
      - V(all) looks at every ELF program and shared library of the image in that way, also at an emulator that was copied
        into it. Libraries in directories from which the loader takes them on some processors only (C(neon), C(vfp),
        C(glibc-hwcaps)) may be for a newer version.
      - An image that is up to date and was not looked at so closely yet is looked at, and not built again. The task is not
        C(changed) by that. It fails if the image does not pass; the image stays then, as it was there before.
    type: str
    choices: [none, metadata, programs, all]
    default: programs
  smoke_test:
    description:
      - A command that must do its work in a container of the new image before that gets its tag. The container has no
        network, and is removed afterwards. For 32-bit ARM the emulator is told to be a processor of the version asked for.
      - The container of a task that was killed goes on. The next task that proves an image of this name ends and removes it.
      - A crash is seen at once where the engine has an init (C(docker-init), the package C(tini)); where it has none, an
        emulator that crashes may go on until the O(smoke_test.timeout).
      - An image that is up to date and did not pass this very test yet has to pass it, and is not built again, as with
        O(verify).
    type: dict
    suboptions:
      command:
        description: The command and its arguments. They go to the image's entrypoint, if it has one.
        type: list
        elements: str
        required: true
      stdout:
        description:
          - What it must print, to the letter, but for line ends at the end. Without it, ending with status 0 is all.
        type: str
      timeout:
        description: Seconds after which it is ended, and has failed.
        type: int
        default: 60
  builder:
    description:
      - V(buildx) builds with BuildKit, V(classic) with the classic builder.
      - V(auto) builds with BuildKit where the docker client has buildx, 0.12 or newer, and the engine is Docker's own. Else it
        builds with the classic builder. RV(builder) says which, and why.
      - An image of the other builder counts as changed.
    type: str
    choices: [auto, buildx, classic]
    default: auto
  builder_name:
    description:
      - A builder that C(docker buildx ls) names for the user that builds, instead of the BuildKit inside of the engine. It may
        be on another host, or have several nodes. The image is brought from there to the engine.
      - Such a builder finds base images by itself, so that a new one is noticed only with O(pull=always).
      - M(trusted.crossbuild.buildx_builder) makes one. Where its node for the platform is a remote BuildKit that does not answer, the
        task fails at once (RV(node_fault)).
    type: str
  accelerate:
    description:
      - Whether steps for an emulated platform run native tools in place of emulated ones, where the role
        P(trusted.crossbuild.accelerator#role) has brought them. Compilers, shells and archivers then take the time that they
        take on the host. The image is the same, but for the exceptions that the role's documentation lists, so that this is no
        input of the build, and a change of it no reason to build.
      - V(auto) accelerates the stages that it can. RV(acceleration) says which, by what, and why not the others.
      - V(true) fails where something that is emulated cannot be accelerated.
      - V(false) emulates everything.
      - It takes the BuildKit inside of the engine, and a base image of a release of Debian that there is an accelerator for. What a
        base image has as C(ONBUILD RUN) is emulated.
    type: str
    choices: [auto, 'true', 'false']
    default: auto
  secrets:
    description:
      - What steps of the Dockerfile may read with C(RUN --mount=type=secret,id=ID). BuildKit only. It gets into no image,
        log, diff, command line and file; steps that read one are not taken from the builder's cache.
      - A slow digest of each is in the key and thus in the image's labels, so that another secret means a rebuild.
      - Lines of a secret that the failing step wrote are shown as asterisks, if they have four characters or more.
    type: list
    elements: dict
    suboptions:
      id:
        description: The name by which the Dockerfile asks for it.
        type: str
        required: true
      type:
        description: Where it comes from.
        type: str
        choices: [file, env, value]
        required: true
      src:
        description: A file on the build host, for O(secrets[].type=file).
        type: path
      env:
        description: A variable in the environment of the task, for O(secrets[].type=env).
        type: str
      value:
        description: The secret itself, for O(secrets[].type=value).
        type: str
  push:
    description:
      - Have the images in the registry that O(name) names, too. The engine pushes them, once those for all platforms are
        built and proven. C(ok) then means that the registry has them; one that is missing only there is pushed and not built.
      - Of several platforms each suffixed tag is pushed. Then O(name) and O(tag) name their index, which is made as
        M(trusted.crossbuild.docker_manifest) makes it, and is what it was before until every platform is there.
    type: bool
    default: false
  ledger:
    description:
      - A repository in a registry (V(registry.example:5000/farm/ledger)) in which several hosts keep account of what they build, so
        that each build is done once. A build that is found there, by what goes into it, is not done - the task is C(ok), and the
        image is not brought to this host. Otherwise it is built, proven, pushed there, and entered.
      - A build is found by Dockerfile, context, arguments, target, platform, labels, network, base images and secrets, and by the
        O(verify) and O(smoke_test) that it passed. What builds it (classic or buildx, QEMU's version, or none on a host of that
        platform) does not count. O(rebuild=always) builds it anew.
      - Base images count by their IDs on the engine. So they should come from a registry, and one that is missing here, or is here
        for another platform, is pulled before the ledger is asked. In check mode it is not, and the build may count as not done.
      - Of hosts that want the same build at the same time one builds, and the others wait for it. The one that builds renews its
        claim every 5 seconds; when it is gone, another one takes its place after 20 seconds. As registries cannot compare and swap,
        on a slow network two may build the same after all. That is in vain, but never wrong.
      - For one platform a task, and not together with O(push), O(oci_archive), O(oci_directory) and O(rebuild=never).
        M(trusted.crossbuild.docker_manifest) joins RV(ledger.image) of several tasks under a tag.
    type: str
  oci_archive:
    description:
      - Have the images in this file on the build host, a tar of an OCI image layout, with an index where they are for several
        platforms. It is compared by the images in it, and made under another name before it takes its place.
      - The same images make the same bytes. Layers are not compressed.
    type: path
  oci_directory:
    description:
      - The same as a directory. It is replaced as a whole, and must be missing, empty, or such a layout.
    type: path
  timeout:
    description:
      - Seconds after which a build is ended, with the container of its step. It fails, and says at which step. They count
        from the beginning of the task, for all platforms together, and what comes before the first step or after the last, such as
        pulling a base image or pushing, is ended as well.
    type: int
  reconnect_timeout:
    description:
      - Seconds for which a host is asked again whose connection broke, while its build goes on there. After them it counts as
        unreachable.
    type: int
    default: 300
  _progress:
    description: Not for playbooks. With it the action plugin of this name says how it follows the build.
    type: dict
seealso:
  - module: trusted.crossbuild.binfmt
  - module: trusted.crossbuild.buildx_builder
  - module: trusted.crossbuild.docker_manifest
  - module: trusted.crossbuild.platform_info
notes:
  - The classic builder refuses a Dockerfile that needs BuildKit (heredocs, flags of C(RUN) such as C(--mount)), with the line.
  - BuildKit is sent a context whose Dockerfile is inline, or excluded from it, by way of a copy in the directory for temporary
    files (E(TMPDIR)).
  - The frontend that a line C(# syntax=) of the Dockerfile names is known by that name only. A new image behind it is no reason to
    build; O(rebuild=always) is.
  - While it builds, an action plugin of the same name prints each step on the controller as it starts and ends, and with
    C(-v) what the step writes. The lines go to the standard error. With C(no_log) there are none, nor with the task's own
    C(async).
  - A build goes on when the connection or the controller goes. The connection is tried again for O(reconnect_timeout). The files
    of a build whose result nobody came for, in the directory that C(async_dir) names, are removed by a later build.
  - What was pushed and exported stays with O(state=absent), which takes the images from the engine only.
  - An image that was pushed and then replaced by a newer one stays on the engine, by its digest, as with C(docker push).
    C(docker image prune --all) removes it.
  - In check mode, on a host where no engine answers yet, the module says that it would build, and returns nothing else.
  - The labels C(trusted.crossbuild.*) of an image are believed. They tell this module's images from others, and are no proof.
    Who may build, load or pull images on the engine can put those of an image that this module built on another one. The task
    is then C(ok) though nothing of that image comes from the context, and O(state=absent) removes it, as it does what other
    programs built from an image of this module, which inherits them. O(rebuild=always) does not ask them. Let nobody use the
    engine who is not trusted.
author:
  - trusted.crossbuild contributors (@trusted)
"""

EXAMPLES = r"""
- name: Build an armhf image from a directory of the build host
  trusted.crossbuild.docker_image:
    name: registry.example/app
    path: /srv/src/app
    platforms: [linux/arm/v7]

- name: Build from a Dockerfile in the playbook
  trusted.crossbuild.docker_image:
    name: armbuild/hello
    platforms: [armhf]
    dockerfile_inline: |
      FROM armbuild/busybox
      RUN uname -m > /arch && cat /arch
    verify: all
    smoke_test:
      command: [uname, -m]
      stdout: armv7l

- name: Build with a secret that is in no layer of the image
  trusted.crossbuild.docker_image:
    name: registry.example/app
    path: /srv/src/app
    builder: buildx
    secrets:
      - {id: token, type: value, value: "{{ vault_token }}"}

- name: Build for three platforms, and push them under one tag
  trusted.crossbuild.docker_image:
    name: registry.example/app
    tag: "1.10"
    path: /srv/src/app
    platforms: [linux/arm/v7, linux/arm64, linux/amd64]
    push: true
    registry:
      username: builder
      password: "{{ registry_password }}"

- name: Build on whichever host comes first, and once
  trusted.crossbuild.docker_image:
    name: registry.example/app
    path: /srv/src/app
    platforms: [arm64]
    ledger: registry.example/farm/ledger

- name: Build for two platforms into a file that needs no registry
  trusted.crossbuild.docker_image:
    name: app
    path: /srv/src/app
    platforms: [armhf, arm64]
    oci_archive: /srv/images/app.tar
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, in words.
  returned: always
  type: list
  elements: str
changed_inputs:
  description: The inputs in which the image on the engine differed from what was asked for, before this task.
  returned: when O(state=present), for one platform, and an engine answers
  type: list
  elements: str
  sample: [context, args]
image:
  description: The image's ID, platform and tags; V(null) where there is none.
  returned: for one platform, when an engine answers
  type: dict
  sample:
    id: sha256:3ef0
    platform: linux/arm/v7
    tags: ["armbuild/hello:latest"]
images:
  description:
    - The images for all platforms, whether one or several. Beside what is in the sample each has C(key), C(verified), C(builder),
      where it was built C(acceleration), and where there are any C(foreign_programs) and C(silent_programs), as described for one
      platform; C(digest), which the registry knows it by; and where it failed, C(error), C(step), C(output) and
      C(emulator_crashed).
  returned: when O(state=present) and an engine answers, also when some platforms fail
  type: list
  elements: dict
  sample:
    - platform: linux/arm/v7
      name: "registry.example/app:1.10-linux-arm-v7"
      id: sha256:3ef0
      changed: true
      changed_inputs: [context]
digest:
  description: The digest by which the registry knows what O(name) and O(tag) name - the image, or the index of several.
  returned: with O(push=true), but in check mode only where it is there already
  type: str
  sample: sha256:91c4
ledger:
  description: What O(ledger) says of this build.
  returned: with O(ledger), but in check mode only where it is there already
  type: dict
  contains:
    image:
      description: The image, by its digest.
      type: str
      sample: registry.example:5000/farm/ledger@sha256:91c4
    seconds:
      description: How long building it took; V(null) where the engine had it before it came to the ledger.
      type: float
    host:
      description: The name of the host that built it, and its engine.
      type: str
    emulator:
      description: The version of QEMU that ran its steps; V(null) where none did, or it is not known.
      type: str
host_fault:
  description:
    - Whether it failed for a reason of its host and not of its own, so that another host may well build it. The engine does not
      answer, or ended, its disk is full, the Docker SDK for Python is missing, or the process that built was killed.
  returned: when true
  type: bool
node_fault:
  description:
    - Whether it failed for a reason of the node of O(builder_name) that was to build it, and not of this host. RV(host_fault) is true
      then, too. The node does not answer, ended, or its disk is full.
  returned: when true
  type: bool
key:
  description: The digest of everything that goes into the image.
  returned: when O(state=present), for one platform, and an engine answers
  type: str
verified:
  description:
    - By what this very image was proven, now or by a task before. V(none) and V(false) say that it was not.
    - What was proven is remembered on the build host, in C(/var/cache/trusted.crossbuild/docker_image) or below
      E(XDG_CACHE_HOME), for 90 days; where that is lost the next task proves it again.
  returned: when O(state=present), for one platform, and an engine answers
  type: dict
  sample:
    verify: programs
    smoke_test: false
builder:
  description: What built the image, or would build it, and why that.
  returned: when O(state=present), for one platform, and an engine answers
  type: dict
  sample:
    kind: buildx
    reason: buildx is on the host, and BuildKit in the engine
acceleration:
  description: Each stage that was built and has steps for an emulated platform, and how these ran.
  returned: for one platform, when it was built
  type: list
  elements: dict
  contains:
    stage:
      description: Its name, or where it has none its number, from 0.
      type: str
    line:
      description: The line of its C(FROM).
      type: int
    platform:
      description: The platform that its steps are for.
      type: str
    accelerator:
      description: The image of native tools that its steps ran with; V(null) where everything was emulated.
      type: str
      sample: crossbuild.invalid/accelerator:bookworm-arm-v7-3ef01b2c91c4d5e6
    reason:
      description: Why it was not accelerated, or not to its end; V(null) where it was.
      type: str
    skipped:
      description: The C(RUN)s of it that were emulated all the same, by C(line), and the C(reason) of each.
      type: list
      elements: dict
foreign_programs:
  description: Programs of other architectures found in the image just looked at, such as an emulator copied into it.
  returned: for one platform, when there are any
  type: list
  elements: str
silent_programs:
  description:
    - Programs of 32-bit ARM that decide about the image just looked at and do not tell which version they need, as those
      linked by Go or without section headers. They count as right; O(smoke_test) can tell.
  returned: for one platform, when there are any
  type: list
  elements: str
step:
  description: The number of the step that failed, as the engine counts; V(0) is the sending of the context.
  returned: for one platform, when a step of the build fails
  type: int
output:
  description: The last lines that the failing step wrote.
  returned: for one platform, when a step of the build fails
  type: list
  elements: str
emulator_crashed:
  description: Whether the failing step looks like a crash of the emulator.
  returned: for one platform, when a step of the build fails
  type: bool
"""

from ansible_collections.trusted.crossbuild.plugins.module_utils import (
    _background,
    _docker_image,
    _image_options,
    _module,
)


def main() -> None:
    _module.run(
        _image_options.IMAGE_SPEC,
        _background.followed(_docker_image.run),
        required_if=_image_options.IMAGE_REQUIRED_IF,
        mutually_exclusive=_image_options.IMAGE_MUTUALLY_EXCLUSIVE,
    )


if __name__ == "__main__":
    main()
