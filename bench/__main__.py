"""Figures of one machine that need nothing but `lite`: `python bench` prints how fast it speaks and how fast commands start."""

import runpy
from pathlib import Path

for name in ("synth", "start.py"):
    print(name)
    runpy.run_path(str(Path(__file__).with_name(name)), run_name="__main__")
