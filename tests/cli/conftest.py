from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.machine import BODY, Machine
from tests.origins.origin import Origin


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with Origin({"model.bin": BODY, "folder/config.json": b"{}"}) as origin:
        yield Machine(tmp_path, origin)
