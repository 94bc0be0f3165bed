# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Docker Engine through the Docker SDK for Python."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import sys
import tarfile
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Callable, Iterator, cast
from urllib.parse import quote

from ._engine_socket import EngineSocket, numbers, require_recent
from ._errors import CrossbuildError
from ._platform import Platform

if TYPE_CHECKING:
    from ._image_programs import ImageFile

_UNIX = "unix://"
# Seconds without a byte from the engine. A step may be silent for long; the build's own timeout is the limit on that.
_SILENCE = 24 * 3600
# The same for looking at what the engine has.
_ANSWER = 60
# What a build is said to have failed by that was cut off.
LOST = "the connection to the engine broke"


@dataclass(frozen=True)
class Image:
    """An image of the engine: identity, recorded platform, labels, tags, its command, and its layers' digests."""

    id: str
    platform: Platform
    labels: dict[str, str]
    tags: list[str]
    command: list[str]
    layers: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, content: dict[str, Any]) -> Image:
        config = content.get("Config") or {}
        return cls(
            id=content["Id"],
            platform=Platform(content["Architecture"], _variant(content), content.get("Os", "linux")),
            labels=dict(config.get("Labels") or {}),
            tags=list(content.get("RepoTags") or []),
            command=[*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])],
            layers=list((content.get("RootFS") or {}).get("Layers") or []),
        )


@dataclass(frozen=True)
class Ran:
    """What a command did: its exit status, or None where its time was over, and what it wrote."""

    status: int | None
    stdout: str
    stderr: str


def _variant(content: dict[str, Any]) -> str:
    variant = str(content.get("Variant") or "")
    return "" if content["Architecture"] == "arm64" and variant == "v8" else variant


def sdk() -> Any:
    """The Docker SDK for Python. Raises CrossbuildError where it is missing."""
    try:
        import docker
        import docker.errors
        import docker.tls
    except ImportError as exc:
        raise CrossbuildError(
            f"The Docker SDK for Python (the package docker) is missing in {sys.executable}, the Python that runs"
            " this module. Install python3-docker for the system's Python, or 'pip install docker' into that one; or"
            " point ansible_python_interpreter at a Python that has it.",
            host_fault=True,
        ) from exc
    return docker


def _broken() -> tuple[type[Exception], ...]:
    """What the SDK raises where a connection breaks: it lets the exceptions of its own parts through."""
    sdk()  # where that is missing, this is what is to be said
    import requests.exceptions
    import urllib3.exceptions

    found = requests.exceptions
    return (found.ConnectionError, found.ChunkedEncodingError, found.Timeout, urllib3.exceptions.HTTPError)


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Raises CrossbuildError with what the engine said where it refuses something, or goes away."""
    errors = (sdk().errors.DockerException, *_broken())
    try:
        yield
    except errors as exc:
        raise CrossbuildError(f"The engine did not do what was asked of it: {exc}. Its log says more.") from exc


class SdkEngine:
    """One engine. ``connection`` holds the docker_host and TLS options of the modules.

    Looking at images of a local engine is done over its socket: loading the SDK takes longer than all the rest of a task
    that finds nothing to do.
    """

    def __init__(self, connection: dict[str, Any]) -> None:
        self.host: str = connection["docker_host"]
        self._connection = connection
        # Of a local one; else None.
        self.socket = EngineSocket(self.host[len(_UNIX) :], _ANSWER) if self.host.startswith(_UNIX) else None
        version = self.socket.version() if self.socket else self._client.version()["Version"]
        if version is None:
            raise _silent(self.host, "nothing listens there")
        require_recent(version)
        self.version: str = version

    @property
    def has_buildkit(self) -> bool:
        """Whether it is Docker's own, on Linux: others that speak its language, such as Podman, have only a builder."""
        about = self.socket.get("/version") if self.socket else self._client.version()
        names = [component.get("Name") for component in about.get("Components") or []]
        return about.get("Os") == "linux" and "Engine" in names

    def at_least(self, *version: int) -> bool:
        return numbers(self.version) >= version

    @property
    def is_local(self) -> bool:
        return self.socket is not None

    @functools.cached_property
    def _client(self) -> Any:
        docker = sdk()
        try:
            return docker.APIClient(
                base_url=self.host,
                version="auto",
                timeout=_SILENCE,
                tls=_tls(self._connection) if self._connection["tls"] else False,
            )
        except docker.errors.DockerException as exc:
            raise _silent(self.host, str(exc)) from exc

    def image(self, reference: str) -> Image | None:
        if self.socket:
            try:
                content = self.socket.find(f"/images/{quote(reference, safe='/:@')}/json")
            except OSError as exc:
                raise _silent(self.host, str(exc)) from exc
            return Image.of(content) if content else None
        try:
            return Image.of(self._client.inspect_image(reference))
        except sdk().errors.ImageNotFound:
            return None

    def labelled(self, label: str) -> list[Image]:
        """The images that have this label, whatever its value."""
        filters = {"label": [label]}
        if self.socket:
            try:
                found = self.socket.get(f"/images/json?filters={quote(json.dumps(filters))}")
            except OSError as exc:
                raise _silent(self.host, str(exc)) from exc
        else:
            found = self._client.images(filters=filters)
        images = (self.image(one["Id"]) for one in found)
        return [image for image in images if image]

    def answers(self) -> bool:
        """Whether it is still there."""
        if self.socket:
            return self.socket.version() is not None
        try:
            return bool(self._client.ping())
        except (*_broken(), sdk().errors.APIError):
            return False

    def data_root(self) -> str:
        """The directory, on its host, where it keeps images and builds. Raises OSError where it does not say."""
        return str(self._information()["DockerRootDir"])

    def _information(self) -> dict[str, Any]:
        about: dict[str, Any] = self.socket.get("/info") if self.socket else self._client.info()
        return about

    def describe(self) -> str:
        """In words, which engine it is and what surrounds it. Raises CrossbuildError where it does not say."""
        try:
            api = (self.socket.get("/version") if self.socket else self._client.version())["ApiVersion"]
            about = self._information()
        except OSError as exc:
            raise _silent(self.host, str(exc)) from exc
        rootless = any("name=rootless" in option for option in about.get("SecurityOptions") or [])
        return (
            f"{self.version} at {self.host}, API {api}, {'rootless, ' if rootless else ''}data in {about['DockerRootDir']} by"
            f" {about['Driver']}, on {about['OSType']}/{about['Architecture']}, Linux {about['KernelVersion']}"
        )

    def pull(self, reference: str, platform: Platform) -> None:
        """Raises CrossbuildError with what the engine said where the image cannot be had."""
        self._require_done(lambda: self._client.pull(reference, platform=str(platform), stream=True, decode=True))

    def push(self, name: str, tag: str, credentials: dict[str, str]) -> None:
        """Raises CrossbuildError with what the engine said where the image does not get there."""
        # Without credentials the SDK would look for some by itself.
        self._require_done(lambda: self._client.push(name, tag, stream=True, decode=True, auth_config=credentials))

    def _require_done(self, request: Callable[[], Iterator[dict[str, Any]]]) -> None:
        """Raises CrossbuildError with what the engine tells of why it could not do what it was asked for."""
        try:
            with self._connected():
                problem = next((event["error"] for event in request() if "error" in event), None)
        except sdk().errors.APIError as exc:
            problem = exc.explanation or str(exc)
        if problem:
            raise CrossbuildError(str(problem).strip())

    @contextlib.contextmanager
    def saved(self, image_id: str) -> Iterator[IO[bytes]]:
        """An image with its layers, as the tar of ``docker save``."""
        from ._chunk_reader import ChunkReader

        try:
            with self._connected():
                chunks = self._client.get_image(image_id)
                with contextlib.closing(chunks):
                    yield cast(IO[bytes], ChunkReader(chunks))
        except sdk().errors.APIError as exc:
            raise CrossbuildError(f"The engine did not save {image_id}: {exc.explanation or exc}") from exc

    def load(self, file: IO[bytes]) -> None:
        """Takes the images of a tar as ``docker save`` writes it. Raises CrossbuildError with what the engine said."""
        self._require_done(lambda: self._client.load_image(file))

    def build(self, context: Iterator[bytes], options: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """What the engine tells of a build by its classic builder."""
        try:
            yield from self._client.build(
                fileobj=_Untouched(context), custom_context=True, decode=True, rm=True, forcerm=True, **options
            )
        except sdk().errors.APIError as exc:
            yield {"error": exc.explanation or str(exc)}
        except _broken() as exc:
            yield {"error": f"{LOST} ({exc})"}

    def tag(self, image_id: str, name: str, tag: str) -> None:
        with self._connected():
            self._client.tag(image_id, name, tag=tag)

    def remove(self, reference: str) -> None:
        """Removes a reference, and the image with its last one. Parents stay: they are the builder's cache."""
        with self._connected():
            self._client.remove_image(reference, noprune=True)

    def discard(self, image_id: str) -> None:
        """Removes an image that nothing refers to."""
        image = self.image(image_id)
        if image and not image.tags:
            try:
                self.remove(image_id)
            except sdk().errors.APIError:
                return  # it is the parent of another image, or a container uses it: then it is not ours alone

    def files(self, image_id: str, libraries: bool, labels: dict[str, str]) -> Iterator[ImageFile]:
        """Every file of an image; which is a program, or with ``libraries`` also a library. Starts nothing."""
        from ._image_files import read_files

        with self._exported(image_id, labels) as content:
            yield from read_files(content, libraries)

    def save_files(self, image_id: str, path: str) -> None:
        """Writes every file of an image into a tar. Starts nothing."""
        with self._exported(image_id, {}) as content, open(path, "wb") as file:
            file.writelines(content)

    def read_file(self, image_id: str, path: str) -> bytes | None:
        """A regular file of an image; None where it has none at that path. Starts nothing."""
        with self._never_started(image_id, {}) as container:
            try:
                chunks, _about = self._client.get_archive(container, path)
            except sdk().errors.NotFound:
                return None
            with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
                member = archive.next()
                file = archive.extractfile(member) if member and member.isreg() else None
                return file.read() if file else None

    @contextlib.contextmanager
    def _exported(self, image_id: str, labels: dict[str, str]) -> Iterator[Iterator[bytes]]:
        """The files of an image as a tar."""
        with self._never_started(image_id, labels) as container:
            yield self._client.export(container)

    @contextlib.contextmanager
    def _never_started(self, image_id: str, labels: dict[str, str]) -> Iterator[str]:
        """A container by which an image's files can be read, and which goes again."""
        with self._connected():
            container = str(self._client.create_container(image_id, command=["never-started"], labels=labels)["Id"])
            try:
                yield container
            finally:
                self._client.remove_container(container, v=True)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[None]:
        """Raises CrossbuildError where the engine goes away in between."""
        try:
            yield
        except _broken() as exc:
            raise _silent(self.host, str(exc)) from exc

    def run(
        self, image_id: str, command: list[str], environment: dict[str, str], seconds: int, labels: dict[str, str]
    ) -> Ran:
        """Runs a command in a container that has no network, and that goes again with this process's own cleaning up.

        Raises CrossbuildError with what the engine said where it cannot be started.
        """
        options = {"command": command, "environment": environment, "labels": labels}
        with self._connected():
            try:
                # QEMU that crashes wants to end by its program's signal, which the first process of a container cannot.
                container = self._start(image_id, options, init=True)
            except CrossbuildError:
                # The engine has no init; or the container cannot be started at all, and this says why.
                container = self._start(image_id, options, init=False)
            try:
                return Ran(
                    self._status(container, seconds),
                    self._client.logs(container, stdout=True, stderr=False).decode("utf-8", "replace"),
                    self._client.logs(container, stdout=False, stderr=True).decode("utf-8", "replace"),
                )
            except sdk().errors.APIError as exc:
                raise CrossbuildError(exc.explanation or str(exc)) from exc
            finally:
                self._client.remove_container(container, v=True, force=True)

    def _start(self, image_id: str, options: dict[str, Any], init: bool) -> str:
        errors = sdk().errors
        logs = {"Type": "json-file", "Config": {"max-size": "1m"}}  # whatever the engine does with logs otherwise
        limits = self._client.create_host_config(network_mode="none", log_config=logs, init=init)
        with contextlib.ExitStack() as undo:
            try:
                container = str(self._client.create_container(image_id, host_config=limits, **options)["Id"])
                undo.callback(self._client.remove_container, container, v=True, force=True)
                self._client.start(container)
            except errors.APIError as exc:
                raise CrossbuildError(exc.explanation or str(exc)) from exc
            undo.pop_all()
        return container

    def remove_containers(self, labels: dict[str, str]) -> None:
        """Ends and removes the containers that have all these labels."""
        wanted = [f"{name}={value}" for name, value in labels.items()]
        for container in self._client.containers(all=True, filters={"label": wanted}):
            self._client.remove_container(container["Id"], v=True, force=True)

    def _status(self, container: str, seconds: int) -> int | None:
        """The status that a container ends with; None where it is still running after so many seconds."""
        import requests  # comes with the SDK

        try:
            return int(self._client.wait(container, timeout=seconds)["StatusCode"])
        except (requests.exceptions.ReadTimeout, requests.exceptions.ConnectionError):
            if not self._client.inspect_container(container)["State"]["Running"]:
                raise
            return None


class _Untouched:
    """An iterator that the SDK passes on to the HTTP library as it is, to be sent in chunks."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces


def _tls(connection: dict[str, Any]) -> Any:
    pair = (connection["client_cert"], connection["client_key"])
    return sdk().tls.TLSConfig(
        client_cert=pair if all(pair) else None, ca_cert=connection["ca_path"], verify=connection["validate_certs"]
    )


def _silent(host: str, problem: str) -> CrossbuildError:
    return CrossbuildError(
        f"No Docker Engine answers at {host}: {problem}. Start it (role trusted.crossbuild.docker_engine), name another with"
        " docker_host, and make sure this user may use it.",
        host_fault=True,
    )
