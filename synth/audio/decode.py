"""An untrusted clip, decoded: in a child process with limits of its own, so that a decoder's fault harms nobody.

The child, `python -m synth.audio.decode`, reads a file from standard input and writes mono 16-bit WAV to standard output. It may
take `_MEMORY` bytes and `_PROCESSOR` seconds, and write no file. What comes back is what is kept: nothing else that rode along in
the clip ever is.
"""

import asyncio
import io
import os
import sys

from indextts_hub.errors import UsageError

__all__ = ["decoded"]

# A minute at 192 kHz in two channels of doubles is 184 MB, twice that while it is mixed; numpy and libsndfile take the rest.
_MEMORY = 1_500 * 2**20
_PROCESSOR = 20
# By the clock: a machine may be busy.
_SECONDS = 60.0
# A minute at 192 kHz, 16 bit, mono, and a header.
_LARGEST = 24 * 2**20

# Nothing of the service's own surroundings; but without SYSTEMROOT no Python starts on Windows.
_ENVIRONMENT = {"PATH": os.defpath, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


async def decoded(body: bytes) -> bytes:
    """Decode a clip that `probe` let pass; return it as a mono 16-bit WAV file at its own rate.

    Raises:
        UsageError: E_AUDIO, if it can't be decoded, or not within the limits.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-m", "synth.audio.decode",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={**_ENVIRONMENT, **{name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}},
    )  # fmt: skip
    try:
        async with asyncio.timeout(_SECONDS):
            wave, _ = await child.communicate(body)
    except TimeoutError:
        wave = b""
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode or not wave or len(wave) > _LARGEST:
        raise UsageError("the clip can't be decoded", remedy="save it anew, as a WAV or FLAC file of one voice", code="E_AUDIO")
    return wave


def _main() -> None:
    import numpy as np
    import soundfile

    body = sys.stdin.buffer.read()
    _restrict()
    samples, rate = soundfile.read(io.BytesIO(body), dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    if not len(mono) or not np.isfinite(mono).all():
        sys.exit(3)
    wave = io.BytesIO()
    soundfile.write(wave, np.clip(mono, -1, 1), rate, format="WAV", subtype="PCM_16")
    sys.stdout.buffer.write(wave.getvalue())


def _restrict() -> None:
    """Take the rights that are not needed; Windows has no such limits, and the time-out alone holds there."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR, _PROCESSOR))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    _main()
