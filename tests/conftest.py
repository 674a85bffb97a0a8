"""What tests of every room share."""

import os
from pathlib import Path

import platformdirs
import pytest
from hypothesis import settings

# Two test processes share two cores: OpenMP threads that wait by turning in circles would take them from each other.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A machine that is busy is no failure.
settings.register_profile("ours", deadline=None)
settings.load_profile("ours")


@pytest.fixture(scope="session")
def lite_snapshot() -> Path:
    """The snapshot of `lite`: real weights, pulled once over the network into a cache of the tests' own, verified on every pull."""
    cache = os.environ.get("INDEXTTS_HUB_TEST_CACHE") or platformdirs.user_cache_path("indextts-hub-tests") / "cache_hub"
    from indextts_hub import Hub

    return Hub(cache_dir=Path(cache)).pull("lite").path
