"""Voices: reference clips that are kept, each with who consented to what and when; and gone with all traces when they are deleted.

clip → probe → decode in a child → write anew → record → event
"""

import asyncio
import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from indextts_hub.db import Database
from indextts_hub.db.voices import (
    ConsentRecord,
    VoiceRecord,
    add_consent,
    add_voice,
    find_consent,
    find_voice,
    forget_consent,
    forget_voice,
    list_consents,
    list_voices,
    rename_consent,
)
from indextts_hub.errors import NotFound, UsageError
from indextts_hub.store.durable import make_folder, remove_file, write_durably
from synth.audio.decode import decoded
from synth.audio.headers import wav_clip
from synth.audio.probe import Limits, probe
from synth.service.acts import Acts

__all__ = ["NewConsent", "Voices"]

# Decoders at once: each may take a core for seconds, and a gigabyte.
_DECODERS = 2
# A sentence in which somebody consents may be short.
_RECORDING = Limits(shortest=0.5)


@dataclass(frozen=True, slots=True)
class NewConsent:
    """Who consents, in which words and language, and the recording in which it is said, if there is one."""

    name: str
    statement: str
    language: str
    recording: bytes | None = None


class Voices:
    """The voices of one service."""

    def __init__(self, database: Database, folder: Path, acts: Acts) -> None:
        self._database = database
        self._folder = folder
        self._acts = acts
        self._decoders = asyncio.Semaphore(_DECODERS)

    async def consent(self, new: NewConsent, asker: str) -> ConsentRecord:
        """Write a consent down.

        Raises:
            UsageError: E_AUDIO, if the recording is none; E_CONSENT, if name or statement is empty.
            Busy, StorageError: nothing was written.
        """
        for what, text in (("name", new.name), ("statement", new.statement)):
            if not text.strip():
                raise UsageError(f"the consent's {what} is empty", remedy="say who consents, and to what", code="E_CONSENT")
        wave = None if new.recording is None else await self._decoded(new.recording, _RECORDING)
        record = ConsentRecord(
            id=f"cons_{secrets.token_hex(10)}",
            name=new.name.strip(),
            statement=new.statement.strip(),
            language=new.language,
            created=datetime.now(UTC),
            asker=asker,
            recording_sha256=None if wave is None else hashlib.sha256(wave).hexdigest(),
        )
        await asyncio.to_thread(self._keep_consent, record, wave)
        return record

    async def keep(self, name: str, clip: bytes, consent_id: str, asker: str) -> VoiceRecord:
        """Keep a voice under a consent.

        Raises:
            NotFound: E_NO_CONSENT.
            UsageError: E_AUDIO, if the clip is none, or not one to take a voice from.
            Busy, StorageError: nothing was kept.
        """
        if not name.strip():
            raise UsageError("the voice's name is empty", remedy="give it one", code="E_VOICE_NAME")
        await asyncio.to_thread(find_consent, self._database, consent_id)
        wave = await self._decoded(clip, Limits())
        found = wav_clip(wave)
        record = VoiceRecord(
            id=f"voice_{secrets.token_hex(10)}",
            name=name.strip(),
            created=datetime.now(UTC),
            asker=asker,
            consent_id=consent_id,
            seconds=round(found.seconds, 3),
            sample_rate=found.rate,
            sha256=hashlib.sha256(wave).hexdigest(),
        )
        await asyncio.to_thread(self._keep_voice, record, wave)
        return record

    async def find(self, id_: str) -> VoiceRecord:
        """The voice of this id. Raises NotFound, E_NO_VOICE."""
        return await asyncio.to_thread(find_voice, self._database, id_)

    async def find_consent(self, id_: str) -> ConsentRecord:
        """The consent of this id. Raises NotFound, E_NO_CONSENT."""
        return await asyncio.to_thread(find_consent, self._database, id_)

    async def list(self) -> tuple[VoiceRecord, ...]:
        """All voices, the latest first."""
        return await asyncio.to_thread(list_voices, self._database)

    async def consents(self) -> tuple[ConsentRecord, ...]:
        """All consents, the latest first."""
        return await asyncio.to_thread(list_consents, self._database)

    async def rename_consent(self, id_: str, name: str, asker: str) -> ConsentRecord:
        """Correct the name of the person who consented. Raises NotFound, E_NO_CONSENT."""

        def renamed() -> ConsentRecord:
            record = rename_consent(self._database, id_, name)
            self._acts("consent rename", id_, actor=asker)
            return record

        return await asyncio.to_thread(renamed)

    async def delete(self, id_: str, asker: str) -> None:
        """Delete a voice: its clip, its record, and that tasks and roles named it. Raises NotFound, E_NO_VOICE."""

        def deleted() -> None:
            self._delete_files(forget_voice(self._database, id_).id)
            self._acts("voice delete", id_, actor=asker)

        await asyncio.to_thread(deleted)

    async def withdraw(self, id_: str, asker: str) -> None:
        """Take a consent back: it, its recording and every voice under it are deleted. Raises NotFound, E_NO_CONSENT."""

        def withdrawn() -> None:
            _, voices = forget_consent(self._database, id_)
            self._delete_files(id_, *(voice.id for voice in voices))
            self._acts("consent withdraw", id_, details={"voices": [voice.id for voice in voices]}, actor=asker)

        await asyncio.to_thread(withdrawn)

    def clip(self, id_: str) -> Path:
        """Where a voice's clip lies.

        Raises:
            UsageError: E_VOICE, if there is no such voice.
        """
        try:
            record = find_voice(self._database, id_)
        except NotFound:
            raise UsageError(
                f"there is no voice {id_[:40]!a}", remedy="see /api/voices for those there are", code="E_VOICE"
            ) from None
        return self._path(record.id)

    async def _decoded(self, body: bytes, limits: Limits) -> bytes:
        await asyncio.to_thread(probe, body, limits)
        async with self._decoders:
            wave = await decoded(body)
        # What the headers claimed and what was decoded may differ: the limits hold for both.
        await asyncio.to_thread(probe, wave, Limits(size=len(wave), shortest=limits.shortest))
        return wave

    def _keep_voice(self, record: VoiceRecord, wave: bytes) -> None:
        with self._written(record.id, wave):
            add_voice(self._database, record)
            details = {"consent": record.consent_id, "sha256": record.sha256}
            self._acts("voice add", record.id, details={**details}, actor=record.asker)

    def _keep_consent(self, record: ConsentRecord, wave: bytes | None) -> None:
        with self._written(record.id, wave):
            add_consent(self._database, record)
            self._acts("consent add", record.id, details={"recording": record.recording_sha256}, actor=record.asker)

    @contextmanager
    def _written(self, id_: str, wave: bytes | None) -> Iterator[None]:
        """The file first: a record always has its clip; a clip without a record is taken away again."""
        if wave is None:
            yield
            return
        make_folder(self._folder)
        write_durably(self._path(id_), wave, mode=0o600)
        try:
            yield
        except BaseException:
            remove_file(self._path(id_))
            raise

    def _delete_files(self, *ids: str) -> None:
        # A consent need not have a recording.
        for path in filter(Path.exists, map(self._path, ids)):
            remove_file(path)

    def _path(self, id_: str) -> Path:
        # Ids are this module's own, from a record: never a name from outside.
        return self._folder / f"{id_}.wav"
