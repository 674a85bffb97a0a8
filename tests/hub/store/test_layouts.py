"""Programs that know only the Hugging Face Hub find a version's files in a cache of the store's own bytes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from indextts_hub.errors import UsageError
from indextts_hub.store import RepoPart, Store, remove_version
from tests.hub.store.shelf import Shelf

FILES = {"config.yaml": b"a: 1\n", "hf_cache/w2v/model.bin": b"weights", "hf_cache/w2v/sub/vocab.txt": b"words"}
COMMIT = "740dcaff396282ffb241903d150ac011cd4b1ede"
PARTS = (RepoPart("", "IndexTeam/IndexTTS-2", COMMIT), RepoPart("hf_cache/w2v", "facebook/w2v-bert-2.0", "v1.0"))


def test_the_hugging_face_client_finds_every_file_without_a_network(store: Store, shelf: Shelf) -> None:
    manifest = shelf.version("v23", FILES)
    cache = store.layouts.hugging_face(store.snapshots.get("v23", manifest.digest), PARTS)
    body = f"""
from huggingface_hub import hf_hub_download, snapshot_download
print(open(hf_hub_download("IndexTeam/IndexTTS-2", "config.yaml")).read().strip())
print(open(hf_hub_download("IndexTeam/IndexTTS-2", "config.yaml", revision="{COMMIT}")).read().strip())
print(open(hf_hub_download("facebook/w2v-bert-2.0", "sub/vocab.txt")).read())
print(open(hf_hub_download("facebook/w2v-bert-2.0", "model.bin", revision="v1.0")).read())
print(snapshot_download("IndexTeam/IndexTTS-2"))
"""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(cache)}
    done = subprocess.run([sys.executable, "-c", body], env=environment, capture_output=True, text=True, timeout=60, check=False)
    folder = cache / "models--IndexTeam--IndexTTS-2" / "snapshots" / COMMIT
    assert done.stdout.splitlines() == ["a: 1", "a: 1", "words", "weights", str(folder)], done.stderr
    assert (folder / "config.yaml").samefile(store.blobs.path(manifest.files[0].sha256))


def test_it_is_made_once_grows_with_the_version_and_goes_with_it(store: Store, shelf: Shelf) -> None:
    for body in FILES.values():
        shelf.blob(body)
    manifest = shelf.manifest(FILES)
    cache = store.layouts.hugging_face(store.snapshots.commit("v23", manifest, {"config.yaml"}), PARTS)
    before = cache.stat().st_ino
    assert store.layouts.hugging_face(store.snapshots.get("v23", manifest.digest), PARTS).stat().st_ino == before
    store.layouts.hugging_face(store.snapshots.commit("v23", manifest), PARTS)
    assert len([path for path in cache.rglob("snapshots/*/**/*") if path.is_file()]) == 3
    remove_version(store, "v23", manifest.digest)
    assert not cache.exists()


@pytest.mark.parametrize(
    "part",
    [
        RepoPart("", "../../etc", "main"), RepoPart("", "no-owner", "main"), RepoPart("", "a/..", "main"),
        RepoPart("", "a/b/c", "main"), RepoPart("", "a/b", "../../../x"), RepoPart("", "a/b", "/etc/x"),
    ],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused(store: Store, shelf: Shelf, tmp_path: Path, part: RepoPart) -> None:
    manifest = shelf.version("v23", FILES)
    with pytest.raises(UsageError):
        store.layouts.hugging_face(store.snapshots.get("v23", manifest.digest), (part,))
    assert sorted(os.listdir(tmp_path)) == ["hub"]
