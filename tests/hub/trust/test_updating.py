"""Rows K: what a signed catalogue's client takes over, and what it refuses; what was taken over before always stays."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from securesystemslib.signer._crypto_signer import CryptoSigner
from tuf.api.metadata import Metadata, Root, Targets

from indextts_hub.catalog import load_catalog
from indextts_hub.catalog.signed import open_signed, read_mark
from indextts_hub.errors import HubError, IntegrityError, PolicyError, SourceError, StorageError, UsageError
from indextts_hub.manifest import Json
from indextts_hub.trust.places import Address, Carried
from indextts_hub.trust.updating import update
from tests.hub.trust.publisher import Client, Publisher, catalogue, key, keys
from tests.origins.origin import Origin

Signed = dict[str, Json]


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path / "site")


@pytest.fixture
def client(tmp_path: Path, publisher: Publisher) -> Client:
    return Client(tmp_path / "hub", publisher)


def refused(client: Client, code: str, place: Carried | None = None, now: datetime | None = None) -> HubError:
    """It is refused, and the catalogue is what it was."""
    before = client.mark
    with pytest.raises(HubError) as error:
        client.update(place, now)
    assert error.value.code == code, error.value
    assert client.mark == before
    return error.value


def change(**fields: Json) -> Callable[[Signed], object]:
    return lambda signed: signed.update(fields)


def test_a_catalogue_is_taken_over_and_read(client: Client) -> None:
    assert client.update().is_new
    read = load_catalog("signed", client.root)
    assert list(read.versions) == ["tiny"]
    assert read.signed is not None
    assert (read.signed.version, read.signed.expires > datetime.now(UTC)) == (1, True)
    assert not client.update().is_new


def test_what_is_published_anew_is_taken_over_and_the_old_is_swept(client: Client) -> None:
    client.update()
    client.publisher.publish(catalogue("two"))
    assert client.update().is_new
    assert load_catalog("signed", client.root).versions["tiny"].title == "two"
    names = [path.name for path in (client.root / "catalogue").rglob("*.json")]
    assert sum(name.endswith(".mirrors.json") for name in names) == 1
    assert sorted(name for name in names if name.endswith(".targets.json")) == ["2.targets.json"]


def test_an_address_gives_it_as_a_folder_does(client: Client) -> None:
    with Origin(client.publisher.files()) as origin:
        client.update(Address(origin.url))
        assert client.mark is not None
        assert client.mark.place == f"{origin.url}/".rstrip("/")
        origin.faults["*"] = lambda _, answer: type(answer)(503, {}, b"")
        with pytest.raises(SourceError):
            client.update(Address(origin.url))
    with pytest.raises(SourceError):
        client.update(Address(origin.url))


def test_a_store_is_itself_a_place_for_others(client: Client, tmp_path: Path) -> None:
    client.update()
    client.publisher.rotate("targets", add=("t2",))
    client.publisher.publish(catalogue("two"))
    client.update()
    other = Client(tmp_path / "other", client.publisher)
    carried = {
        path.relative_to(client.root / "catalogue").as_posix(): path.read_bytes()
        for path in (client.root / "catalogue").rglob("*.json")
    }
    other.update(Carried("a bundle", carried))
    assert other.mark is not None
    assert client.mark is not None
    assert other.mark.files == client.mark.files


def test_without_a_root_nobody_is_trusted(client: Client) -> None:
    with pytest.raises(UsageError) as error:
        update(client.root, client.publisher.place, None, None, datetime.now(UTC))
    assert error.value.code == "E_NO_ROOT"


def test_another_root_is_not_taken_for_the_first(client: Client, tmp_path: Path) -> None:
    client.update()
    stranger = Publisher(tmp_path / "stranger")
    stranger.rotate("root", add=("r3",))
    stranger.publish()
    root = (tmp_path / "stranger" / "metadata" / "2.root.json").read_bytes()
    with pytest.raises(PolicyError) as error:
        update(client.root, stranger.place, client.mark, root, datetime.now(UTC))
    assert error.value.code == "E_ROOT"


# K01


def test_k01_older_metadata_is_refused(client: Client) -> None:
    old = client.publisher.files()
    client.publisher.publish(catalogue("two"))
    client.update()
    refused(client, "E_ROLLBACK", Carried("an old copy", old))


def test_k01_a_frozen_catalogue_ends(client: Client) -> None:
    client.publisher.publish(fresh=timedelta(seconds=-1))
    refused(client, "E_CATALOG_EXPIRED")


@pytest.mark.parametrize("name", ["1.root.json", "1.targets.json", "1.snapshot.json", "timestamp.json"])
def test_k01_any_part_that_is_over_is_refused(client: Client, name: str) -> None:
    signers = {"1.root.json": ("r1", "r2"), "1.targets.json": ("t",)}.get(name, ("online",))
    place = client.publisher.tampered(f"metadata/{name}", change(expires="2020-01-01T00:00:00Z"), *signers)
    client.publisher.first_root = place.documents["metadata/1.root.json"]
    refused(client, "E_CATALOG_EXPIRED", place)


def test_k01_a_mix_of_two_states_is_refused(client: Client) -> None:
    old = client.publisher.files()
    client.publisher.publish(catalogue("two"))
    mixed = client.publisher.files() | {"metadata/2.targets.json": old["metadata/1.targets.json"]}
    assert refused(client, "E_ROLLBACK", Carried("a mix", mixed))


def test_k01_a_stolen_online_key_that_ran_ahead_is_survived_by_a_new_root(client: Client) -> None:
    client.update()
    ahead = client.publisher.tampered("metadata/timestamp.json", change(version=2**31), "online")
    client.update(ahead)
    refused(client, "E_ROLLBACK")
    client.publisher.rotate("timestamp", add=("online2",), remove=("online",))
    client.publisher.publish(None, "online2")
    client.update()
    assert client.mark is not None
    assert client.mark.versions["timestamp"] == 2


def test_k01_metadata_without_end_is_refused(client: Client) -> None:
    files = client.publisher.files()
    refused(
        client,
        "E_METADATA",
        Carried("endless", files | {"metadata/timestamp.json": files["metadata/timestamp.json"] + b" " * 20_000}),
    )


def test_k01_documents_of_another_length_or_digest_are_refused(client: Client) -> None:
    files = client.publisher.files()
    (name,) = (name for name in files if name.endswith(".mirrors.json"))
    refused(client, "E_METADATA", Carried("longer", files | {name: files[name] + b" "}))
    refused(client, "E_METADATA", Carried("other", files | {name: files[name].replace(b"one", b"two")}))
    del files[name]
    refused(client, "E_NOT_THERE", Carried("lacking", files))


def test_k01_a_threshold_of_nothing_is_no_threshold(client: Client, tmp_path: Path) -> None:
    def nobody(signed: Signed) -> None:
        roles = signed["roles"]
        assert isinstance(roles, dict)
        roles["targets"] = {"keyids": [], "threshold": 0}

    document = json.loads(client.publisher.first_root)
    nobody(document["signed"])
    client.publisher.first_root = json.dumps(document).encode()
    refused(client, "E_METADATA")


@pytest.mark.parametrize("name", ["1.targets.json", "1.snapshot.json", "timestamp.json"])
@pytest.mark.parametrize("signers", [(), ("stranger",)])
def test_k01_what_the_right_keys_have_not_signed_is_refused(client: Client, name: str, signers: tuple[str, ...]) -> None:
    refused(client, "E_SIGNATURE", client.publisher.tampered(f"metadata/{name}", lambda _: None, *signers))


# K02


@pytest.mark.parametrize("steps", [1, 2, 50])
def test_k02_roots_are_followed_step_by_step(client: Client, steps: int) -> None:
    client.update()
    holders = ["r1", "r2"]
    for step in range(steps):
        new = f"root {step}"
        client.publisher.rotate("root", add=(new,), remove=(holders[0],), signed_by=(*holders, new))
        client.publisher.publish()
        holders = [*holders[1:], new]
    client.update()
    assert client.mark is not None
    assert client.mark.versions["root"] == steps + 1


def test_k02_a_step_that_is_missing_is_not_jumped(client: Client) -> None:
    client.update()
    for new in ("r3", "r4"):
        client.publisher.rotate("root", add=(new,))
        client.publisher.publish(None)
    client.publisher.rotate("timestamp", add=("online2",), remove=("online",))
    client.publisher.publish(None, "online2")
    files = client.publisher.files()
    del files["metadata/2.root.json"]
    refused(client, "E_SIGNATURE", Carried("a gap", files))


def test_k02_a_key_that_was_revoked_signs_nothing_any_more(client: Client) -> None:
    client.update()
    client.publisher.rotate("targets", add=("t2",), remove=("t",))
    client.publisher.publish(catalogue("two"), "t2")
    client.update()
    place = client.publisher.tampered("metadata/2.targets.json", lambda _: None, "t")
    other = Client(client.root.parent / "other", client.publisher)
    refused(other, "E_SIGNATURE", place)


def test_k02_a_root_that_only_the_new_keys_signed_is_refused(client: Client) -> None:
    client.update()
    files = client.publisher.files()
    stranger = keys("s1", "s2", threshold=2)
    metadata = Metadata[Root].from_bytes(files["metadata/1.root.json"])
    metadata.signed.version = 2
    for name, held in zip(("s1", "s2"), stranger.keys, strict=True):
        metadata.signed.add_key(held, "root")
        metadata.sign(CryptoSigner(key(name)), append=True)
    refused(client, "E_SIGNATURE", Carried("a coup", files | {"metadata/2.root.json": metadata.to_bytes()}))


# K03


@pytest.mark.parametrize("how", ["wiped", "torn", "empty"])
def test_k03_the_mark_holds_whatever_becomes_of_the_metadata(client: Client, how: str) -> None:
    old = client.publisher.files()
    client.publisher.publish(catalogue("two"))
    client.update()
    if how == "wiped":
        shutil.rmtree(client.root / "catalogue")
    for path in (client.root / "catalogue").rglob("*.json"):
        path.write_bytes(path.read_bytes()[: 0 if how == "empty" else 100])
    refused(client, "E_ROLLBACK", Carried("an old copy", old))
    with pytest.raises(IntegrityError):
        open_signed(client.root)
    client.update()
    assert load_catalog("signed", client.root).versions["tiny"].title == "two"


def test_k03_a_mark_that_is_damaged_is_not_taken_for_none(client: Client) -> None:
    client.update()
    (client.root / "catalogue.json").write_bytes(b"{")
    with pytest.raises(StorageError) as error:
        read_mark(client.root)
    assert error.value.code == "E_CATALOG_MARK"


def test_k03_one_version_signed_twice_is_a_split_view(client: Client) -> None:
    client.update()
    twice = Publisher(client.root.parent / "twice")
    (twice.folder / "metadata" / "1.targets.json").unlink()
    twice.publish(catalogue("another"))
    (twice.folder / "metadata" / "1.root.json").write_bytes(client.publisher.first_root)
    shutil.rmtree(client.root / "catalogue")
    refused(client, "E_SPLIT_VIEW", Carried("a split view", twice.files()))


# K04


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body.replace(b'"version": 1', b'"version": 1, "version": 2', 1),
        lambda body: body.replace(b'"version": 1', b'"version": NaN', 1),
        lambda body: body.replace(b'"version": 1', b'"version": ' + b"9" * 5000, 1),
        lambda body: body.replace(b'"version": 1', b'"version": 1, "x": ' + b"[" * 5000 + b"]" * 5000, 1),
        lambda body: b"\xef\xbb\xbf" + body,
        lambda body: body.replace(b"timestamp", b"\xff\xfe", 1),
        lambda _: b"",
        lambda _: b"[]",
        lambda _: b"<html>sign in</html>",
    ],
    ids=["twice", "NaN", "huge", "deep", "BOM", "no UTF-8", "empty", "a list", "HTML"],
)
def test_k04_only_strict_json_is_read(client: Client, spoil: Callable[[bytes], bytes]) -> None:
    files = client.publisher.files()
    name = "metadata/timestamp.json"
    assert spoil(files[name]) != files[name]
    error = refused_one_of(client, {"E_JSON", "E_METADATA"}, Carried("hostile", files | {name: spoil(files[name])}))
    assert isinstance(error, IntegrityError)


def refused_one_of(client: Client, codes: set[str], place: Carried) -> HubError:
    with pytest.raises(HubError) as error:
        client.update(place)
    assert error.value.code in codes, error.value
    assert client.mark is None
    return error.value


def test_k04_a_document_of_a_hundred_megabytes_is_not_read_to_its_end(client: Client) -> None:
    files = client.publisher.files() | {"metadata/timestamp.json": b" " * (100 << 20)}
    with Origin(files) as origin, pytest.raises(HubError) as error:
        client.update(Address(origin.url))
    assert error.value.code in {"E_LIED", "E_METADATA", "E_JSON"}


# K05, K06, K07, K09: of the targets; of the catalogue in them see tests/hub/catalog.


def targets(client: Client, change: Callable[[dict[str, Signed]], object]) -> Carried:
    def within(signed: Signed) -> None:
        listed = signed["targets"]
        assert isinstance(listed, dict)
        change(listed)  # type: ignore[arg-type]

    return client.publisher.tampered("metadata/1.targets.json", within, "t")


@pytest.mark.parametrize(
    "path", ["Mirrors.json", "mirrors.json/x", "../x.json", "/etc/x", "a\\b", "con.json", "e\u0301.json", "a//b"]
)
def test_k05_paths_that_mean_something_else_somewhere_are_refused(client: Client, path: str) -> None:
    refused(client, "E_PATH", targets(client, lambda listed: listed.update({path: dict(listed["mirrors.json"])})))


@pytest.mark.parametrize("size", [-1, 2**63, 2**70])
def test_k06_sizes_that_nothing_has_are_refused(client: Client, size: int) -> None:
    refused_one_of(client, {"E_METADATA", "E_JSON"}, targets(client, lambda listed: listed["mirrors.json"].update(length=size)))


def test_k07_a_signed_manifest_under_another_name_is_refused(client: Client, tmp_path: Path) -> None:
    other = Publisher(tmp_path / "other")
    documents = catalogue()
    documents["manifests/tiny.json"] = catalogue(body=b"other weights")["manifests/tiny.json"]
    with pytest.raises(IntegrityError) as error:
        other.publish(documents)
    assert error.value.code == "E_CATALOG_BOUND"
    # Whoever holds the keys can sign it all the same; a client looks for itself.
    files = client.publisher.files()
    metadata = Metadata[Targets].from_bytes(files["metadata/1.targets.json"])
    listed = metadata.signed.targets
    body = documents["manifests/tiny.json"]
    target = type(listed["mirrors.json"]).from_data("manifests/tiny.json", body, ["sha256"])
    place = targets(client, lambda told: told.update({"manifests/tiny.json": target.to_dict()}))
    name = f"targets/manifests/{target.hashes['sha256']}.tiny.json"
    refused(client, "E_CATALOG_BOUND", Carried("renamed", {**place.documents, name: body}))


def test_k07_a_version_without_a_manifest_is_refused(client: Client) -> None:
    refused(client, "E_CATALOG_BOUND", targets(client, lambda listed: listed.pop("manifests/tiny.json")))


@pytest.mark.parametrize("hashes", [{"md5": "0" * 32}, {"sha1": "0" * 40}, {"rot13": "x"}, {"sha512": "0" * 128}])
def test_k09_weak_and_unknown_digests_do_not_count(client: Client, hashes: dict[str, str]) -> None:
    refused(client, "E_METADATA", targets(client, lambda listed: listed["mirrors.json"].update(hashes=dict(hashes))))


def test_k09_a_weak_digest_beside_a_good_one_is_refused_as_well(client: Client) -> None:
    def weaken(listed: dict[str, Signed]) -> None:
        hashes = listed["mirrors.json"]["hashes"]
        assert isinstance(hashes, dict)
        hashes["md5"] = "0" * 32

    refused(client, "E_METADATA", targets(client, weaken))


# The clock.


def test_s21_a_clock_that_went_back_is_told(client: Client) -> None:
    client.update()
    refused(client, "E_CLOCK_BACKWARDS", now=datetime.now(UTC) - timedelta(days=3650))
    client.update(now=datetime.now(UTC) - timedelta(hours=12))


def test_s21_a_catalogue_that_is_over_is_read_but_not_fresh(client: Client) -> None:
    client.update()
    read = load_catalog("signed", client.root)
    read.check_fresh(datetime.now(UTC))
    with pytest.raises(PolicyError) as error:
        read.check_fresh(datetime.now(UTC) + timedelta(days=3650))
    assert error.value.code == "E_CATALOG_EXPIRED"


def test_a_document_that_was_changed_on_the_disk_is_not_read(client: Client) -> None:
    client.update()
    (path,) = (client.root / "catalogue" / "targets").glob("*.mirrors.json")
    path.write_bytes(path.read_bytes().replace(b"one", b"two"))
    with pytest.raises(IntegrityError) as error:
        load_catalog("signed", client.root)
    assert error.value.code == "E_CATALOG_DAMAGED"


def test_a_signed_catalogue_names_no_program_to_run(client: Client) -> None:
    documents = catalogue()
    document = json.loads(documents["mirrors.json"])
    document["mirrors"]["cdn"] = {"kind": "link", "resolver": "program --link"}
    documents["mirrors.json"] = json.dumps(document).encode()
    with pytest.raises(UsageError, match="program to run"):
        client.publisher.publish(documents)
