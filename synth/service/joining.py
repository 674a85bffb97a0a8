"""Several tasks joined into one, with their audio one after the other: a dialogue from its lines."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from indextts_hub.db.tasks import DONE, QUEUED, SpokenTask, TaskSettings
from indextts_hub.errors import UsageError
from synth.audio.cue import Cue
from synth.audio.encode import check_encoder, encode
from synth.audio.formats import Format, format_named
from synth.audio.label import Marks
from synth.audio.take import Take
from synth.service.archive import Archive
from synth.service.packing import captions_of
from synth.service.synthesis import provenance

__all__ = ["LONGEST_SECONDS", "Joining"]

LONGEST_SECONDS = 3600.0
"""Of what is joined: an hour is 350 MB while it is put together."""


@dataclass(frozen=True, slots=True)
class Joining:
    """Joins what was spoken. What comes of it is a task of its own: it is found, heard, labelled and deleted as all others."""

    archive: Archive
    marks: Marks

    async def join(self, tasks: Sequence[str], form: Format, pause: float, name: str | None, asker: str) -> SpokenTask:
        """Put the audio of tasks one after the other, with so many seconds of silence between them.

        Raises:
            NotFound: E_NO_TASK; E_NO_AUDIO.
            UsageError: E_JOIN, if they can't be joined. E_FORMAT, for AAC without its encoder.
            Busy, StorageError: the disk or the database did not take it.
        """
        check_encoder(form)
        found = [await self.archive.find(id_) for id_ in tasks]
        _check(found)
        paths = [self.archive.audio(task) for task in found]
        take = await asyncio.to_thread(_joined, found, paths, pause)
        whole = SpokenTask(
            id=secrets.token_hex(10),
            created=datetime.now(UTC),
            status=QUEUED,
            text="\n".join(task.text for task in found),
            model=found[0].model,
            model_digest=found[0].model_digest,
            settings=TaskSettings(form.name),
            asker=asker,
            name=name,
        )
        async with await self.archive.accept(whole) as recording:
            audio = await asyncio.to_thread(encode, take.samples(), take.rate, form)
            audio = self.marks.on(audio, form, provenance(recording.task))
            return await recording.finish(audio, form.rate_for(take.rate), take)


def _check(tasks: Sequence[SpokenTask]) -> None:
    unspoken = next((task for task in tasks if task.status != DONE), None)
    if unspoken is not None:
        raise UsageError(f"the task {unspoken.id} is {unspoken.status}", remedy="join what is done", code="E_JOIN")
    if len({task.model_digest for task in tasks}) > 1:
        # Its label names the one version that spoke it.
        raise UsageError("several versions spoke these", remedy="take them again with one version", code="E_JOIN")
    if any(format_named(task.settings.format).container in {"", "ADTS"} for task in tasks):
        raise UsageError("raw samples and AAC can't be joined", remedy="take them again as wav or flac", code="E_JOIN")
    if sum(task.duration or 0.0 for task in tasks) > LONGEST_SECONDS:
        raise UsageError("this is more than an hour of speech", remedy="join it in parts", code="E_JOIN")


def _joined(tasks: Sequence[SpokenTask], paths: Sequence[Path], pause: float) -> Take:
    import numpy as np
    import soundfile

    take: Take | None = None
    for task, path in zip(tasks, paths, strict=True):
        # As words, which `encode` makes the same words of again; as libsndfile's floats they would come out one smaller.
        words, rate = soundfile.read(path, dtype="int16")
        if take is None:
            take = Take(rate, 0.0, Cue.NONE)
        elif rate != take.rate:
            raise UsageError("these have different sample rates", remedy="take them again in one format", code="E_JOIN")
        take.append(words / np.float32(32767), captions_of(task), pause if take.captions else 0.0)
        take.warnings.update(dict.fromkeys(task.warnings))
    if take is None:
        raise UsageError("there is nothing to join", remedy="name the tasks", code="E_JOIN")
    return take
