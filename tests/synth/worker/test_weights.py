"""What an engine loads is what the version's digest is of, whatever happens to the files meanwhile and afterwards."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from indextts_hub.errors import HubError, IntegrityError, PolicyError, StorageError
from indextts_hub.manifest import ByteCount, Digest, FileEntry, License, Manifest
from indextts_hub.paths import portable_path
from synth.engines.protocol import Segment, Settings
from synth.worker.process import Launch, Proof
from synth.worker.sealed import CAN_SEAL
from synth.worker.supervisor import Supervisor, WorkerState
from synth.worker.weights import SEALED_WITHOUT_ASKING, Holding, hold_weights, is_sealed
from tests.hub.gate.pickling import call, checkpoint

ROOT = Path(__file__).parents[3]
WEIGHTS = b"good" * 5000
BOTH = [pytest.param(Holding.SEALED, marks=pytest.mark.skipif(not CAN_SEAL, reason="Linux only")), Holding.WATCHED]
SEALED = pytest.mark.skipif(not CAN_SEAL, reason="Linux only")


@dataclass(frozen=True)
class Version:
    folder: Path
    manifest: Path
    digest: str

    @property
    def weights(self) -> Path:
        return self.folder / "weights.bin"

    def launch(self, holding: Holding, digest: str | None = None) -> Launch:
        proof = Proof(self.manifest, digest or self.digest, holding)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return Launch("tests.synth.worker.reciter", self.folder, environment=environment, proof=proof)


def version(tmp_path: Path, **files: bytes) -> Version:
    """A version with `weights.bin`, a file further down, and whatever else is given."""
    folder = tmp_path / "version"
    bodies = {"weights.bin": WEIGHTS, "deep/er/config.yaml": b"a: 1\n"} | {name.replace("_", "."): b for name, b in files.items()}
    entries = []
    for name, body in bodies.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)
        entries.append(FileEntry(portable_path(name), ByteCount(len(body)), Digest(sha256(body).hexdigest())))
    manifest = Manifest("reciter", License("MIT"), tuple(entries))
    (tmp_path / "manifest.json").write_bytes(manifest.canonical())
    return Version(folder, tmp_path / "manifest.json", manifest.digest)


@asynccontextmanager
async def running(launch: Launch) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(launch)
    supervisor.start()
    try:
        yield supervisor
    finally:
        await supervisor.stop()


async def spoken(supervisor: Supervisor) -> bytes:
    return b"".join([speech.samples async for _, speech in supervisor.speak([Segment("你好")], Settings())])


@pytest.mark.parametrize("holding", BOTH)
def test_the_digest_is_of_the_bytes_that_the_engine_finds(tmp_path: Path, holding: Holding) -> None:
    made = version(tmp_path)
    with closing(hold_weights(made.folder, made.manifest, holding)) as weights, weights.laid_out() as folder:
        assert (folder / "weights.bin").read_bytes() == WEIGHTS
        assert (folder / "deep/er/config.yaml").read_text() == "a: 1\n"
        assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["config.yaml", "weights.bin"]
    assert weights.digest == made.digest
    assert weights.sealed is (holding is Holding.SEALED)
    if sys.platform == "linux":
        assert not folder.exists()


@SEALED
def test_sealed_bytes_can_t_be_changed_by_anybody(tmp_path: Path) -> None:
    made = version(tmp_path)
    with closing(hold_weights(made.folder, made.manifest, Holding.SEALED)) as weights, weights.laid_out() as folder:
        made.weights.write_bytes(b"evil" * 5000)
        os.truncate(made.weights, 3)
        assert (folder / "weights.bin").read_bytes() == WEIGHTS
        with (folder / "weights.bin").open("r+b", buffering=0) as opened:
            with pytest.raises(PermissionError):
                opened.write(b"evil")
            with pytest.raises(PermissionError):
                opened.truncate(3)


@SEALED
def test_a_file_that_is_replaced_while_it_is_loaded_changes_nothing(tmp_path: Path) -> None:
    made = version(tmp_path)
    with closing(hold_weights(made.folder, made.manifest, Holding.SEALED)) as weights, weights.laid_out() as folder:
        (tmp_path / "new").write_bytes(b"evil" * 5000)
        (tmp_path / "new").replace(made.weights)
        assert (folder / "weights.bin").read_bytes() == WEIGHTS


@pytest.mark.parametrize("change", ["overwritten", "truncated", "extended", "replaced", "the same again"])
def test_a_watched_file_that_is_written_to_while_it_is_loaded_is_refused(tmp_path: Path, change: str) -> None:
    made = version(tmp_path)

    def load() -> None:
        with closing(hold_weights(made.folder, made.manifest, Holding.WATCHED)) as weights, weights.laid_out():
            with made.weights.open("r+b") as file:
                match change:
                    case "overwritten":
                        file.write(b"evil")
                    case "truncated":
                        file.truncate(3)
                    case "replaced":
                        (tmp_path / "new").write_bytes(b"evil" * 5000)
                        (tmp_path / "new").replace(made.weights)
                    case "extended":
                        file.seek(0, os.SEEK_END)
                        file.write(b"x")
                    case _:
                        file.write(WEIGHTS)
            os.utime(made.weights, (0, 0))

    with pytest.raises(IntegrityError, match=r"weights\.bin was written to"):
        load()


@pytest.mark.parametrize("holding", BOTH)
def test_a_file_that_is_not_the_manifest_s_is_refused_by_its_name(tmp_path: Path, holding: Holding) -> None:
    """L07 and S14: other bytes of the same length, an older version's for instance."""
    made = version(tmp_path)
    before = len(list(Path("/proc/self/fd").iterdir())) if sys.platform == "linux" else 0
    made.weights.write_bytes(WEIGHTS[:-1] + b"D")
    with pytest.raises(IntegrityError, match=r"weights\.bin is not what it was"):
        hold_weights(made.folder, made.manifest, holding)
    if sys.platform == "linux":
        assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_manifest_that_was_changed_is_no_manifest(tmp_path: Path) -> None:
    made = version(tmp_path)
    made.manifest.write_bytes(made.manifest.read_bytes() + b"\n")
    with pytest.raises(IntegrityError):
        hold_weights(made.folder, made.manifest, Holding.AUTO)


def test_a_worker_refuses_what_the_gate_would_not_let_in(tmp_path: Path) -> None:
    """P01: it came into the store before there was a gate; the worker asks again, on the bytes that it would load."""
    made = version(tmp_path, gpt_pth=checkpoint(call("posix", "system", f"touch {tmp_path / 'canary'}", protocol=2)))

    async def story() -> None:
        async with running(made.launch(Holding.AUTO)) as supervisor:
            with pytest.raises(PolicyError) as refused:
                await supervisor.ready()
            assert (refused.value.code, refused.value.exit_code) == ("E_PICKLE", 8)
            assert "posix.system" in refused.value.message

    asyncio.run(story())
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("kind", ["a pipe", "a link", "a folder"])
def test_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    """S18."""
    made = version(tmp_path)
    made.weights.unlink()
    match kind:
        case "a pipe":
            os.mkfifo(made.weights)
        case "a link":
            (tmp_path / "elsewhere").write_bytes(WEIGHTS)
            made.weights.symlink_to(tmp_path / "elsewhere")
        case _:
            made.weights.mkdir()
    with pytest.raises(StorageError):
        hold_weights(made.folder, made.manifest, Holding.AUTO)


def test_large_versions_are_not_copied_unless_somebody_wants_them_to_be() -> None:
    assert is_sealed(Holding.AUTO, SEALED_WITHOUT_ASKING) is CAN_SEAL
    assert not is_sealed(Holding.AUTO, SEALED_WITHOUT_ASKING + 1)
    assert is_sealed(Holding.SEALED, 9 * 10**9) is CAN_SEAL
    assert not is_sealed(Holding.WATCHED, 1)


@SEALED
def test_a_worker_s_weights_outlive_what_is_done_to_their_file(tmp_path: Path) -> None:
    """A07: overwritten, then cut off, while the engine has it mapped: the same output, and no SIGBUS."""
    made = version(tmp_path)

    async def story() -> None:
        async with running(made.launch(Holding.AUTO)) as supervisor:
            assert await spoken(supervisor) == WEIGHTS
            assert supervisor.sealed is True
            with made.weights.open("r+b") as file:
                file.write(b"evil" * 5000)
            assert await spoken(supervisor) == WEIGHTS
            os.truncate(made.weights, 0)
            assert await spoken(supervisor) == WEIGHTS
            assert supervisor.restarts == 0

    asyncio.run(story())


def test_a_worker_says_nothing_with_watched_weights_that_were_written_to(tmp_path: Path) -> None:
    """A07: the alarm, where nothing was sealed; and the next worker finds what was done."""
    made = version(tmp_path)

    async def story() -> None:
        async with running(made.launch(Holding.WATCHED)) as supervisor:
            assert await spoken(supervisor) == WEIGHTS
            assert supervisor.sealed is False
            with made.weights.open("r+b") as file:
                file.write(b"evil")
            with pytest.raises(IntegrityError, match="written to after"):
                await spoken(supervisor)
            async with asyncio.timeout(30):
                while supervisor.state is not WorkerState.FAILING:  # noqa: ASYNC110 - that it fails is told by its state
                    await asyncio.sleep(0.02)
            assert isinstance(supervisor.trouble, HubError)
            assert supervisor.trouble.code == "E_INTEGRITY"

    asyncio.run(story())


def test_a_watched_file_may_get_another_name_while_it_is_served(tmp_path: Path) -> None:
    """Another version with the same file is pulled, which links the blob once more; then this version is pulled again."""
    made = version(tmp_path)

    async def story() -> None:
        async with running(made.launch(Holding.WATCHED)) as supervisor:
            assert await spoken(supervisor) == WEIGHTS
            (tmp_path / "link").hardlink_to(made.weights)
            assert await spoken(supervisor) == WEIGHTS
            (tmp_path / "new").write_bytes(WEIGHTS)
            (tmp_path / "new").replace(made.weights)
            assert await spoken(supervisor) == WEIGHTS
            assert supervisor.restarts == 0

    asyncio.run(story())


def test_a_worker_that_loaded_another_version_is_not_listened_to(tmp_path: Path) -> None:
    """The manifest under the right name is another's, whole and canonical."""
    made = version(tmp_path)

    async def story() -> None:
        async with running(made.launch(Holding.AUTO, digest="ab" * 32)) as supervisor:
            with pytest.raises(IntegrityError, match="abababababab was meant"):
                await supervisor.ready()

    asyncio.run(story())
