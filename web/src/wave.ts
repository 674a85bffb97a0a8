// What a browser records is in its own container; the service takes WAV, which every browser can make of it.

const HEADER = 44;

/** Decode a recording and write it as WAV: mono, 16 bit, at the browser's own rate. */
export async function toWave(recording: Blob): Promise<Blob> {
  const context = new AudioContext();
  try {
    const sound = await context.decodeAudioData(await recording.arrayBuffer());
    return new Blob([header(sound.length, sound.sampleRate), words(sound.getChannelData(0))], { type: "audio/wav" });
  } finally {
    await context.close();
  }
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
