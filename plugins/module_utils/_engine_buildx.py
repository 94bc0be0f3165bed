# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""BuildKit, by the docker client's plugin buildx."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Generator, Iterator, Sequence

from . import _command
from ._build_source import Source
from ._builder import Builder, Request
from ._dockerfile import Base, Dockerfile, Stage
from ._engine_sdk import SdkEngine
from ._errors import CrossbuildError

if TYPE_CHECKING:
    from ._build_log import Event
    from ._secrets import Secret

# The first engine whose BuildKit knows heredocs; an older one takes the text for instructions.
_HEREDOCS = (23, 0)


class BuildxBuilder(Builder):
    """The BuildKit inside of the engine, or with ``name`` any that buildx knows."""

    kind = "buildx"

    def __init__(self, engine: SdkEngine, connection: dict[str, Any], name: str | None, reason: str) -> None:
        super().__init__(engine, reason)
        self._connection = connection
        self._name = name
        self.engine_bases = name is None

    def refuse(self, dockerfile: Dockerfile, secrets: Sequence[Secret]) -> None:
        if self._name or dockerfile.directives.syntax or self._engine.at_least(*_HEREDOCS):
            return
        for instruction in dockerfile.instructions:
            if instruction.heredocs:
                raise CrossbuildError(
                    f"Line {instruction.start} of the Dockerfile has a heredoc ({instruction.original.splitlines()[0]}),"
                    f" and the BuildKit in Docker Engine {self._engine.version} does not know them. Upgrade the engine to"
                    f" {_HEREDOCS[0]} or newer, or, where its registry can be reached, begin the Dockerfile with the line"
                    " '# syntax=docker/dockerfile:1'."
                )

    def build(self, source: Source, request: Request) -> Generator[Event, None, None]:
        from ._build_log import Built
        from ._buildx_log import BuildxLog
        from ._client_process import ClientProcess

        self._require_node(str(request.platform))
        with ExitStack() as stack:
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="trusted.crossbuild-"))
            metadata = os.path.join(scratch, "metadata.json")
            passed = {secret.id: stack.enter_context(_in_memory(secret.value)) for secret in request.secrets}
            try:
                where, pieces = _sent(source, request.dockerfile, scratch)
            except OSError as exc:
                name = f" ({exc.filename})" if exc.filename else ""
                raise CrossbuildError(
                    f"The build context cannot be copied to {scratch}, as BuildKit needs it for a Dockerfile that is inline,"
                    f" left out of it or accelerated: {exc.strerror}{name}. Make room there or name another directory with"
                    " the variable TMPDIR. A device is copied by root only; name it in .dockerignore."
                ) from exc
            command = [*self._buildx("build"), "--progress=rawjson", "--provenance=false", "--sbom=false", "--load"]
            command += ["--metadata-file", metadata, *_options(request, source.dockerfile)]
            if request.newest_bases and not self.engine_bases:
                command.append("--pull")
            for name, descriptor in passed.items():
                command += ["--secret", f"id={name},src=/proc/self/fd/{descriptor}"]
            log = BuildxLog(source.dockerfile)
            client = ClientProcess([*command, *where], self._environment(scratch), list(passed.values()), pieces)
            with client:
                for line in client.lines():
                    yield from log.take(line)
            yield Built(self._image_id(metadata)) if client.status == 0 else log.failure()

    def _require_node(self, platform: str) -> None:
        """buildx would wait without an end for a node that is gone."""
        if not self._name:
            return
        from . import _buildx_nodes

        builder = _buildx_nodes.recorded(self._name)
        node = builder.node_for(platform) if builder else None
        silence = _buildx_nodes.silence(builder.driver, node) if builder and node else None
        if node and silence:
            raise CrossbuildError(
                f"The node {node.name} of the builder {self._name}, which builds {platform}, does not answer at {node.endpoint}:"
                f" {silence}. Start the BuildKit there, or give {platform} to another node.",
                host_fault=True,
                node_fault=True,
            )

    def bring_up_to_date(self, base: Base) -> str | None:
        if self.engine_bases:
            return super().bring_up_to_date(base)
        command = [*self._buildx("imagetools", "inspect"), "--format", "{{json .Manifest}}", base.reference]
        return str(json.loads(_command.require(command))["digest"])

    def _buildx(self, *words: str) -> list[str]:
        tls = self._connection
        command = ["docker", "--host", tls["docker_host"]]
        if tls["tls"]:
            command.append("--tlsverify" if tls["validate_certs"] else "--tls")
            for flag, option in (("--tlscacert", "ca_path"), ("--tlscert", "client_cert"), ("--tlskey", "client_key")):
                command += [flag, tls[option]] if tls[option] else []
        # The builder "default" is the engine itself, whatever somebody chose with "docker buildx use".
        return [*command, "buildx", *words, "--builder", self._name or "default"]

    def _environment(self, scratch: str) -> dict[str, str]:
        # What is killed leaves its temporary files. And with the engine's own builder there is nothing to know about
        # builders, but buildx would keep a file about every build.
        return {"TMPDIR": scratch, **({} if self._name else {"BUILDX_CONFIG": os.path.join(scratch, "buildx")})}

    def _image_id(self, metadata: str) -> str:
        with open(metadata, encoding="utf-8") as file:
            content = json.load(file)
        # Engines differ in what identifies an image: its configuration, or its manifest.
        found = [content[key] for key in ("containerimage.config.digest", "containerimage.digest") if key in content]
        for identity in found:
            if self._engine.image(identity):
                return str(identity)
        raise CrossbuildError(
            f"buildx built {' or '.join(found) or 'something without a digest'}, but the engine at {self._engine.host} does"
            " not have it. A builder that is an engine of its own keeps its images: name that engine with docker_host."
        )


def _sent(source: Source, other: str | None, scratch: str) -> tuple[list[str], Iterator[bytes]]:
    """The arguments that say what is built from what, and what goes to the standard input.

    ``other`` is the Dockerfile's text where COPY is not to see that one.
    """
    text = source.text if other is None else other
    if not source.members:
        return ["-"], iter([text.encode("utf-8", "surrogateescape")])
    if not source.extra and other is None:
        return ["--file", source.sent_name, "-"], _with_root(source)
    # A Dockerfile that is not in the context. In a tar COPY would see it, as BuildKit applies no .dockerignore to one. A
    # directory that BuildKit has never seen before is sent with every byte, too.
    from . import _context_copy

    context, dockerfile = os.path.join(scratch, "context"), os.path.join(scratch, "Dockerfile")
    os.mkdir(context)
    _context_copy.copy(source.root, source.members, context)
    # The second goes before the context's own .dockerignore, which has been applied already.
    for path, content in ((dockerfile, text), (dockerfile + ".dockerignore", "# everything\n")):
        with open(path, "wb") as file:
            file.write(content.encode("utf-8", "surrogateescape"))
    return ["--file", dockerfile, context], iter(())


def _with_root(source: Source) -> Iterator[bytes]:
    from . import _context_tar

    # buildx and BuildKit know a tar by its first 1024 bytes, which a long name does not fit in.
    yield _context_tar.root()
    yield from source.stream()


def _options(request: Request, dockerfile: Dockerfile) -> list[str]:
    options = ["--platform", str(request.platform)]
    for flag, values in (("--build-arg", request.args), ("--label", request.labels)):
        options += [word for name, value in values.items() for word in (flag, f"{name}={value}")]
    for flag, value in (("--target", request.target), ("--network", request.network)):
        options += [flag, value] if value else []
    # BuildKit does not count a secret's value: a step that read another one would come from its cache.
    stages = [stage for stage in dockerfile.stages if request.secrets and _reads_secret(stage)]
    if request.fresh or any(stage.name is None for stage in stages) or (stages and len(dockerfile.stages) == 1):
        return [*options, "--no-cache"]
    return options + [word for stage in stages for word in ("--no-cache-filter", str(stage.name))]


def _reads_secret(stage: Stage) -> bool:
    mounts = [mount for one in stage.instructions if one.keyword == "RUN" for mount in one.mounts()]
    return any("type=secret" in (field.lower() for field in fields) for fields in mounts)


class _in_memory:
    """A file that has no name, as a descriptor for a child process."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __enter__(self) -> int:
        self._descriptor = os.memfd_create("secret", 0)
        with open(self._descriptor, "wb", closefd=False) as file:
            file.write(self._content)
        return self._descriptor

    def __exit__(self, *_exception: object) -> None:
        os.close(self._descriptor)
