"""What the service counts of itself, for Prometheus: no texts, no names of people."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from indextts_hub.db.tasks import SpokenTask
from indextts_hub.mirror.downloads import Count
from synth.service.versions import Served
from synth.worker.memory import held
from synth.worker.supervisor import WorkerState

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = "text/plain; version=1.0.0; charset=utf-8"

# What a client sends as its method is its own choice; what is counted is not.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# From a syllable on an idle machine to a page on a busy one.
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
# Below 1 is faster than real time.
_FACTORS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """The numbers of one service."""

    def __init__(self, served: Served, given: Mapping[str, Count]) -> None:
        """`given`: what the mirror gave of each version, as it stands at the moment of asking."""
        self._registry = CollectorRegistry()
        self._registry.register(_ServedNow(served))
        self._registry.register(_Given(given))
        ProcessCollector(registry=self._registry)
        self._answers = Counter("indextts_http_answers", "Answers over HTTP.", ["method", "status"], registry=self._registry)
        self._tasks = Counter("indextts_tasks", "Syntheses by how they ended.", ["model", "status"], registry=self._registry)
        self._speech = Counter("indextts_speech_seconds", "Seconds of speech.", ["model"], registry=self._registry)
        self._waits = self._histogram("indextts_queue_seconds", "From the request to its turn.", _SECONDS)
        self._firsts = self._histogram("indextts_first_segment_seconds", "From the request to its first segment.", _SECONDS)
        self._factors = self._histogram("indextts_real_time_factor", "Seconds of work for a second of speech.", _FACTORS)

    def answered(self, method: str, status: int) -> None:
        """An answer was begun."""
        self._answers.labels(method if method in _METHODS else "other", str(status)).inc()

    def ended(self, task: SpokenTask, first_segment: datetime | None) -> None:
        """A task is over; `first_segment` is when its first segment was spoken."""
        self._tasks.labels(task.model, task.status).inc()
        if task.started is not None:
            self._waits.labels(task.model).observe((task.started - task.created).total_seconds())
        if first_segment is not None:
            self._firsts.labels(task.model).observe((first_segment - task.created).total_seconds())
        if task.duration and task.started and task.finished:
            self._speech.labels(task.model).inc(task.duration)
            self._factors.labels(task.model).observe((task.finished - task.started).total_seconds() / task.duration)

    def text(self) -> bytes:
        """All numbers, in Prometheus's text format."""
        return generate_latest(self._registry)

    def _histogram(self, name: str, what: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, what, ["model"], buckets=buckets, registry=self._registry)


class _Given(Collector):
    """What the mirror gave of each version."""

    def __init__(self, given: Mapping[str, Count]) -> None:
        self._given = given

    def collect(self) -> Iterator[Metric]:
        files = CounterMetricFamily("indextts_download_files", "Files that others began to fetch.", labels=["version"])
        sent = CounterMetricFamily("indextts_download_bytes", "Bytes that others were given.", labels=["version"])
        for version, count in list(self._given.items()):
            files.add_metric([version], count.files)
            sent.add_metric([version], count.bytes)
        yield from (files, sent)


class _ServedNow(Collector):
    """How the served versions stand at the moment of asking."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def collect(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily("indextts_queue_waiting", "Requests that wait for a turn.", labels=["model"])
        ready = GaugeMetricFamily("indextts_worker_ready", "Whether the worker can speak.", labels=["model"])
        restarts = GaugeMetricFamily("indextts_worker_restarts", "Workers that had to be replaced.", labels=["model"])
        memory = GaugeMetricFamily("indextts_worker_memory_bytes", "Memory that the worker holds.", labels=["model"])
        digests = InfoMetricFamily("indextts_model", "The versions that are served.", labels=["model"])
        for version in self._served:
            waiting.add_metric([version.name], version.turns.waiting)
            ready.add_metric([version.name], version.supervisor.state is WorkerState.READY)
            restarts.add_metric([version.name], version.supervisor.restarts)
            digests.add_metric([version.name], {"digest": version.digest, "engine": version.engine})
            if (used := held(version.supervisor.pid)) is not None:
                memory.add_metric([version.name], used)
        yield from (waiting, ready, restarts, memory, digests)
