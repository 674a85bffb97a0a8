"""One service to a database."""

import pytest

from indextts_hub.db import Database, open_database
from indextts_hub.db.alone import keep_alone
from indextts_hub.errors import Busy


def test_a_second_service_is_refused_until_the_first_has_ended(database_url: str, database: Database) -> None:
    release = keep_alone(database)
    other = open_database(database_url)
    with pytest.raises(Busy) as refused:
        keep_alone(other)
    assert refused.value.code == "E_DATABASE_SERVED"
    release()
    keep_alone(other)()
    other.close()
