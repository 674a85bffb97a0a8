"""indextts-hub: verified IndexTTS model versions from whichever mirror works, kept, carried and proved."""
