// A part of a sound as WAV, which the service takes and every browser can make: mono, 16 bit, at the sound's own rate.

const HEADER = 44;

/** Decode what a browser recorded or was given. Throws if it can't. */
export async function decoded(sound: Blob): Promise<AudioBuffer> {
  const context = new AudioContext();
  try {
    return await context.decodeAudioData(await sound.arrayBuffer());
  } finally {
    await context.close();
  }
}

/** The first channel of a sound from one moment to another, in seconds. */
export function cut(sound: AudioBuffer, from: number, to: number): Blob {
  const [first, end] = [from, to].map((seconds) => Math.round(seconds * sound.sampleRate));
  const samples = sound.getChannelData(0).subarray(first, end);
  return new Blob([header(samples.length, sound.sampleRate), words(samples)], { type: "audio/wav" });
}

function header(samples: number, rate: number): ArrayBuffer {
  const bytes = new ArrayBuffer(HEADER);
  const view = new DataView(bytes);
  const name = (at: number, text: string): void => [...text].forEach((letter, place) => view.setUint8(at + place, letter.charCodeAt(0)));
  name(0, "RIFF");
  view.setUint32(4, HEADER - 8 + 2 * samples, true);
  name(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  name(36, "data");
  view.setUint32(40, 2 * samples, true);
  return bytes;
}

function words(samples: Float32Array): Int16Array<ArrayBuffer> {
  return Int16Array.from(samples, (sample) => Math.round(Math.max(-1, Math.min(1, sample)) * 32767));
}
