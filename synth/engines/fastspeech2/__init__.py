"""The native engine of `lite`: FastSpeech 2 and multi-band MelGAN."""
