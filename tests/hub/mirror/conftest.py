"""A hub that lends a version of three files, over HTTP, to the tests of a module."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.hub.mirror.lender import Lender, lent


@pytest.fixture(scope="module")
def lender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lender]:
    with lent(tmp_path_factory.mktemp("lender")) as started:
        yield started


@pytest.fixture
def client(lender: Lender) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=lender.address, timeout=30, trust_env=False) as opened:
        yield opened
