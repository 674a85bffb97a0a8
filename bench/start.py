"""How fast commands start: each as a ratio to a bare `python -c pass` in the same run.

    python bench/start.py [--json]

Each command is a whole process, timed from outside; the two take turns, ten times after one warm-up, and medians are given, since
the speed of shared machines drifts. `list` reads a fresh store in a temporary folder.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 10
COMMANDS = (("version",), ("list",), ("list", "--all"), ("--help",))
# What the project promises of them, in milliseconds on the machine it was first measured on.
BUDGETS = {"version": 150, "list": 400}


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """Wall-clock seconds of one run."""
    started = time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True, timeout=60)
    return time.perf_counter() - started


def main() -> None:
    """Time the commands and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    to_json = parser.parse_args().json
    program = str(Path(sys.executable).with_name("indextts-hub"))
    results = []
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"INDEXTTS_HUB_CACHE": str(Path(folder) / "cache_hub")}
        # As on a user's machine, where compiled modules are kept.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for arguments in COMMANDS:
            bare, command = [sys.executable, "-c", "pass"], [program, *arguments]
            seconds(command, environment)
            pairs = [(seconds(bare, environment), seconds(command, environment)) for _ in range(ROUNDS)]
            results.append(
                {
                    "command": " ".join(arguments),
                    "milliseconds": round(statistics.median(own for _, own in pairs) * 1000, 1),
                    "bare_milliseconds": round(statistics.median(reference for reference, _ in pairs) * 1000, 1),
                    "ratio": round(statistics.median(own / reference for reference, own in pairs), 1),
                    "budget_milliseconds": BUDGETS.get(" ".join(arguments)),
                }
            )
    if to_json:
        print(json.dumps(results, indent=2))
        return
    for result in results:
        budget = f", budget {result['budget_milliseconds']} ms" if result["budget_milliseconds"] else ""
        print(f"{result['command']:12} {result['milliseconds']:7.1f} ms = {result['ratio']:5.1f} x a bare Python{budget}")


if __name__ == "__main__":
    main()
