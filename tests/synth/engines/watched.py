"""Speaks with an engine and tells what reached its networks: `watched.py ENGINE SNAPSHOT`, in the engine's own environment.

Reads a JSON list from standard input, a text and `Settings` each. Writes, for each, the vector of the emotion, the numbers by which
is drawn, the text and the language as the network was given them; and once the vectors that emotions are mixed of.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from synth.engines.able import sampling_of
from synth.engines.protocol import Segment, Settings
from synth.environments import ENGINES


def main() -> None:
    engine = import_module(ENGINES[sys.argv[1]].module).load(Path(sys.argv[2]))
    tts, seen, draw = engine.tts, [], engine.tts.gpt.inference_speech
    moods: list[list[float]] = []

    def watched2(clip: Any, tokens: Any, *args: Any, emo_vec: Any, **more: Any) -> Any:
        seen.append({"vector": emo_vec, "tokens": tokens, "language": None, "drawn": more})
        return draw(clip, tokens, *args, emo_vec=emo_vec, **more)

    def watched25(tokens: Any, language: Any, vector: Any, *args: Any, **more: Any) -> Any:
        seen.append({"vector": vector, "tokens": tokens, "language": int(language), "drawn": more})
        return draw(tokens, language, vector, *args, **more)

    tts.gpt.inference_speech = watched2 if sys.argv[1] == "indextts2" else watched25
    if sys.argv[1] == "indextts2":
        read = tts.qwen_emo.inference

        def reading(text: str) -> dict[str, float]:
            # The small network knows no moods: for one text it is said to have found some.
            found = read(text) if text != "两样" else dict(zip(read(text), [0.6, 0, 0.3, 0, 0, 0, 0, 0], strict=True))
            moods.append(list(found.values()))
            return found

        tts.qwen_emo.inference = reading
    told = []
    for text, asked in json.load(sys.stdin):
        sampling = sampling_of(asked.pop("sampling", {}))
        emotion = tuple(asked.pop("emotion", [0.0] * 8))
        engine.speak(Segment(text), Settings(emotion=emotion, sampling=sampling, **asked))
        given = seen.pop()
        numbers = {name: value for name, value in given["drawn"].items() if isinstance(value, int | float)}
        told.append(
            {
                "vector": given["vector"].flatten().tolist(),
                "text": words(tts, given["tokens"]),
                "language": given["language"],
                "drawn": numbers,
            }
        )
    print(json.dumps({"told": told, "matrix": [part.tolist() for part in tts.emo_matrix], "moods": moods}))  # noqa: T201


def words(tts: Any, tokens: Any) -> str:
    ids = tokens.flatten().tolist()
    if sys.argv[1] == "indextts2":
        return "".join(tts.tokenizer.convert_ids_to_tokens(ids))
    return str(tts.tokenizer.decode(ids))


if __name__ == "__main__":
    main()
