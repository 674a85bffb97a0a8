"""IndexTTS 2: `engine.py` speaks, `package.py` has its package imported, `sound.py` is what it would take from torchaudio."""
