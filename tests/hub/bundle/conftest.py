from pathlib import Path

import pytest

from tests.hub.bundle.carrier import Carrier


@pytest.fixture
def carrier(tmp_path: Path) -> Carrier:
    return Carrier(tmp_path)
