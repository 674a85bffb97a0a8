"""Publishing a signed catalogue: nothing comes out before enough have signed, and what is out is whole at every moment."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from indextts_hub.errors import PolicyError, UsageError
from indextts_hub.trust.publishing import begin, publish, roles_of, rotate, sign_staged, stage_targets, staged
from tests.hub.trust.publisher import MONTH, NOW, YEAR, Client, Publisher, catalogue, key, keys, public


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path / "site")


def refused(code: str, publisher: Publisher) -> str:
    with pytest.raises(PolicyError) as error:
        publish(publisher.folder, [key("online")], datetime.now(UTC), MONTH)
    assert error.value.code == code
    return error.value.message


def test_each_signer_adds_a_signature_on_a_machine_of_their_own(publisher: Publisher) -> None:
    rotate(publisher.folder, "root", [public("r3")], [], 3, NOW + YEAR)
    for signer, left in (("r1", 2), ("r2", 1), ("r3", 0)):
        sign_staged(publisher.folder, [key(signer)])
        (waiting,) = staged(publisher.folder)
        assert (waiting.role, waiting.version, waiting.missing) == ("root", 2, left)
        if left:
            assert "root lacks" in refused("E_SIGNATURE", publisher)
    publisher.publish()
    assert staged(publisher.folder) == ()
    assert roles_of(publisher.folder)["root"][1] == 3


def test_a_signature_of_one_key_counts_once(publisher: Publisher) -> None:
    rotate(publisher.folder, "targets", [public("t2")], [], None, NOW + YEAR)
    sign_staged(publisher.folder, [key("r1")])
    sign_staged(publisher.folder, [key("r1"), key("r1")])
    assert staged(publisher.folder)[0].missing == 1


def test_who_may_not_sign_is_told(publisher: Publisher) -> None:
    stage_targets(publisher.folder, catalogue("two"), NOW + YEAR)
    with pytest.raises(PolicyError) as error:
        sign_staged(publisher.folder, [key("r1"), key("stranger")])
    assert error.value.code == "E_SIGNATURE"


def test_without_the_online_key_nothing_is_published(publisher: Publisher) -> None:
    before = publisher.files()
    with pytest.raises(PolicyError) as error:
        publish(publisher.folder, [key("t")], datetime.now(UTC), MONTH)
    assert error.value.code == "E_SIGNATURE"
    assert publisher.files() == before


def test_the_same_catalogue_again_is_only_a_newer_date(publisher: Publisher, tmp_path: Path) -> None:
    client = Client(tmp_path / "hub", publisher)
    client.update()
    assert not stage_targets(publisher.folder, catalogue(), NOW + timedelta(days=1))
    publisher.publish(fresh=2 * MONTH)
    assert not client.update().is_new
    assert client.mark is not None
    assert client.mark.expires > NOW + MONTH + timedelta(days=1)


def test_keys_that_are_taken_away_leave_what_they_signed_to_be_signed_again(publisher: Publisher) -> None:
    publisher.rotate("targets", add=("t2",), remove=("t",))
    assert "targets lacks 1" in refused("E_SIGNATURE", publisher)
    publisher.publish(catalogue("two"), "t2")


@pytest.mark.parametrize(
    ("role", "remove", "threshold"), [("captain", [], 1), ("targets", ["0000"], None), ("targets", [""], None), ("targets", [], 2)]
)
def test_a_rotation_that_can_not_be_meant_is_refused(
    publisher: Publisher, role: str, remove: list[str], threshold: int | None
) -> None:
    with pytest.raises(UsageError) as error:
        rotate(publisher.folder, role, [], remove, threshold, NOW + YEAR)
    assert error.value.code == "E_PUBLISH"


def test_a_catalogue_is_begun_once_and_with_thresholds_that_can_be_reached(publisher: Publisher, tmp_path: Path) -> None:
    roles = {role: keys("r1") for role in ("root", "targets", "snapshot", "timestamp")}
    with pytest.raises(UsageError, match="already"):
        begin(publisher.folder, roles, NOW + YEAR)
    with pytest.raises(UsageError, match="2 signatures of 1"):
        begin(tmp_path / "new", roles | {"root": keys("r1", threshold=2)}, NOW + YEAR)
    with pytest.raises(UsageError):
        roles_of(tmp_path / "nothing")


def test_a_client_between_two_steps_of_publishing_finds_a_whole_state(publisher: Publisher, tmp_path: Path) -> None:
    """The timestamp is written last, and what it named before goes after it."""
    before = publisher.files()
    publisher.publish(catalogue("two"))
    after = publisher.files()
    halfway = {**before, **{name: body for name, body in after.items() if name != "metadata/timestamp.json"}}
    from indextts_hub.trust.places import Carried

    client = Client(tmp_path / "hub", publisher)
    client.update(Carried("halfway", halfway))
    assert client.mark is not None
    assert client.mark.versions["targets"] == 1
