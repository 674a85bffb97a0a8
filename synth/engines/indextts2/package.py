"""The package `indextts2-inference`, imported with what stands in for two libraries that it requires (decision 82).

torchaudio: three functions of it are `synth.engines.indextts2.sound`. nemo-text-processing: texts were written out before they come
here, the same for all engines, and pass as they are; the package's own treatment of marks, names and punctuation stays.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from synth.engines.indextts2 import sound

__all__ = ["infer"]


class _WrittenOut:
    """In NeMo's place: texts are written out already."""

    def normalize(self, text: str, **_: object) -> str:
        """The text."""
        return text


@contextmanager
def _standing_in() -> Iterator[None]:
    """torchaudio, as far as it is asked for, while the block is run: nobody else is to think that it is here."""
    names: dict[str, dict[str, object]] = {
        "torchaudio": {},
        "torchaudio.transforms": {"Resample": sound.Resample},
        "torchaudio.compliance": {},
        "torchaudio.compliance.kaldi": {"fbank": sound.fbank},
        "torchaudio.functional": {},
        "torchaudio.functional.functional": {"_hz_to_mel": sound.hz_to_mel, "_mel_to_hz": sound.mel_to_hz},
    }
    before = {name: sys.modules.get(name) for name in names}
    for name, holds in names.items():
        module = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        module.__dict__.update(holds)
        sys.modules[name] = module
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], last, module)
    try:
        yield
    finally:
        for name, module_before in before.items():
            if module_before is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module_before


# transformers asks once which libraries are here, and remembers it.
import_module("transformers").utils.logging.disable_progress_bar()
with _standing_in():
    infer: Any = import_module("indextts.infer_v2")
# A bar for each segment is nothing that a log wants.
_flow: Any = import_module("indextts.s2mel.modules.flow_matching")
_flow.tqdm = lambda steps, **_: steps
_front: Any = import_module("indextts.utils.front")
_front.TextNormalizer._get_nemo_normalizer = lambda _self, _lang: _WrittenOut()  # noqa: SLF001 - the only place where NeMo comes in
