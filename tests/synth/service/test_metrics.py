import httpx2
from prometheus_client.parser import text_string_to_metric_families


def numbers(client: httpx2.Client) -> dict[tuple[str, ...], float]:
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=1.0.0")
    return {
        (sample.name, *(label for _, label in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_what_is_spoken_is_counted(client: httpx2.Client) -> None:
    client.post("/synthesize", json={"text": "你好"}).raise_for_status()
    before = numbers(client)
    spoken = client.post("/synthesize", json={"text": "世界"}).json()
    client.post("/synthesize", json={"text": "错"})
    after = numbers(client)

    def grown(*key: str) -> float:
        return after[key] - before.get(key, 0)

    assert grown("indextts_tasks_total", "sine", "done") == 1
    assert grown("indextts_tasks_total", "sine", "failed") == 1
    assert abs(grown("indextts_speech_seconds_total", "sine") - spoken["duration"]) < 1e-6
    assert grown("indextts_first_segment_seconds_count", "sine") == 1
    assert grown("indextts_real_time_factor_count", "sine") == 1
    assert after["indextts_worker_ready", "sine"] == 1
    assert after["indextts_model_info", "ab" * 32, "sine", "sine"] == 1


def test_an_invented_method_makes_no_new_number(client: httpx2.Client) -> None:
    client.request("FROBNICATE", "/healthz")
    assert numbers(client)["indextts_http_answers_total", "other", "405"] >= 1
