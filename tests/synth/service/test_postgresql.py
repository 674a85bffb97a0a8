"""The service over PostgreSQL, by nothing but its URL."""

import time
import uuid
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.hub.db.postgres import PROGRAMS, postgres_server
from tests.synth.service.conftest import configured_service

pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAMS is None, reason="PostgreSQL is not installed")]


def test_tasks_batches_voices_and_history_are_kept_in_postgresql(tmp_path: Path) -> None:
    with postgres_server() as server:
        name = f"hub_{uuid.uuid4().hex}"
        engine = create_engine(server.replace("postgresql:", "postgresql+psycopg:") + "/postgres", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        with configured_service(tmp_path, database=f"{server}/{name}") as service, service.client() as client:
            spoken = client.post("/synthesize", json={"text": "你好，世界"}).json()
            assert client.get("/api/tasks", params={"q": "世界"}).json()["tasks"][0]["id"] == spoken["id"]
            assert client.put("/api/roles/小明", json={"speed": 1.5}).status_code == 200
            batch = client.post(
                "/api/batches", json={"form": "jsonl", "content": '{"text": "小明: 你好"}\n{"text": "再见"}'}
            ).json()
            deadline = time.monotonic() + 20
            while not client.get(f"/api/batches/{batch['id']}").json()["over"]:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert client.get(f"/api/batches/{batch['id']}").json()["states"]["done"] == 2
        assert not (tmp_path / "hub.sqlite3").exists()
        # It comes up again over what is there.
        with configured_service(tmp_path, database=f"{server}/{name}") as service, service.client() as client:
            assert client.get("/api/tasks").json()["total"] == 3
