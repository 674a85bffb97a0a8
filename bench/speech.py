"""How fast `lite` speaks: the real-time factor, loading and memory, as ratios to a reference in the same run.

    python bench/speech.py [--snapshot FOLDER] [--json]

The real-time factor is seconds of work a second of speech, warm, median of five rounds over five sentences. A figure of one
machine says little about another, and the speed of shared machines drifts: each round also times a frozen reference, 24 products
of 512 x 512 float32 matrices in numpy on one thread, about what the networks compute for a second of speech. Quote the ratio.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

SENTENCES = (
    "欢迎使用语音合成服务。",
    "今天天气非常好，我们一起去公园散步吧。",
    "二零二六年十一月，模型校验通过。",
    "他说的这句话让我非常感动。",
    "请在下午三点半之前把文件送到银行。",
)
ROUNDS = 5


def measure(snapshot: Path, threads: int) -> dict[str, float]:
    """Measure in this process, which must have been started with that many threads."""
    import numpy as np

    started = time.perf_counter()
    import torch

    from synth.engines.fastspeech2.engine import load
    from synth.engines.protocol import Settings
    from synth.text.segments import to_segments

    torch.set_num_threads(threads)
    imported = time.perf_counter()
    engine = load(snapshot)
    loaded = time.perf_counter()

    segments = [segment for text in SENTENCES for segment in to_segments(text, engine.capabilities.longest_segment).segments]
    square = np.random.default_rng(0).standard_normal((512, 512)).astype(np.float32)
    factors, references = [], []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        samples = sum(len(engine.speak(segment, Settings()).samples) // 4 for segment in segments)
        factors.append((time.perf_counter() - begun) / (samples / engine.capabilities.sample_rate))
        begun = time.perf_counter()
        for _ in range(24):
            square @ square
        references.append(time.perf_counter() - begun)
    return {
        "threads": threads,
        "real_time_factor": statistics.median(factors),
        "reference_seconds": statistics.median(references),
        "ratio": statistics.median(factor / reference for factor, reference in zip(factors, references, strict=True)),
        "import_seconds": imported - started,
        "load_seconds": loaded - imported,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Measure on one thread and on two, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snapshot", type=Path, help="folder of lite; pulled if it is not given")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.snapshot is None:
        from indextts_hub import Hub

        chosen.snapshot = Hub().pull("lite").path
    if chosen.threads:
        print(json.dumps(measure(chosen.snapshot, chosen.threads)))
        return
    results = []
    for threads in (1, 2):
        # The reference stays on one thread; the number of threads is read when the libraries start.
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": str(threads)}
        command = [sys.executable, __file__, "--snapshot", str(chosen.snapshot), "--threads", str(threads)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=300)
        results.append(json.loads(done.stdout))
    if chosen.json:
        print(json.dumps(results, indent=2))
        return
    for result in results:
        print(
            f"{result['threads']} threads: {result['real_time_factor']:.3f} s a second of speech"
            f" = {result['ratio']:.2f} x the reference ({result['reference_seconds'] * 1000:.0f} ms);"
            f" load {result['load_seconds']:.2f} s after {result['import_seconds']:.2f} s of imports;"
            f" peak memory {result['peak_memory_mib']:.0f} MiB"
        )


if __name__ == "__main__":
    main()
