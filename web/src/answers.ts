// What the service takes and answers, as the page knows it.

export interface Ask {
  text: string;
  model?: string;
  voice?: string;
  emotion?: string;
  intensity: number;
  emotion_vector?: Readonly<Record<string, number>>;
  emotion_text?: string;
  emotion_voice?: string;
  pitch?: number;
  volume?: number;
  speed: number;
  format: string;
  seed?: number;
  language?: string;
  segment_length?: number;
  sampling?: Readonly<Record<string, number>>;
  roles?: Record<string, Manner>;
}

/** How a role of a script speaks. */
export interface Manner {
  voice?: string;
  emotion_vector: Readonly<Record<string, number>>;
  speed: number;
  pitch: number;
  volume: number;
}

export type Status = "queued" | "running" | "done" | "failed" | "cancelled";

/** What was spoken in one go, in seconds of the audio. */
export interface Segment {
  text: string;
  start: number;
  end: number;
}

export interface Task {
  id: string;
  status: Status;
  created: string;
  deleted: string | null;
  name: string | null;
  text: string;
  model: string;
  model_digest: string | null;
  voice: string | null;
  emotion: string | null;
  settings: {
    format: string;
    emotion: number[];
    intensity: number;
    speed: number;
    seed: number;
    pitch: number;
    volume: number;
    language: string;
    segment_length: number | null;
    emotion_voice: string | null;
    emotion_text: string | null;
    sampling: Record<string, number>;
    roles: { name: string; emotion: number[]; speed: number; voice: string | null; pitch: number; volume: number }[];
  };
  duration: number | null;
  sample_rate: number | null;
  segments: Segment[];
  warnings: string[];
  error_code: string | null;
  error: string | null;
  audio_url: string | null;
}

/** A page of the history; `total` counts all pages. */
export interface TaskPage {
  tasks: Task[];
  total: number;
}

export interface Voice {
  id: string;
  name: string;
  created: string;
  seconds: number;
  consent: string;
}

export interface Consent {
  id: string;
  name: string;
  statement: string;
  created: string;
}

/** What is or was done with a version. */
export interface Act {
  kind: "pull" | "verify" | "repair";
  state: "running" | "stopped" | "done" | "failed";
  bytes: number;
  total: number;
  bytes_per_second: number;
  mirrors: Record<string, number>;
  code: string | null;
  error: string | null;
  remedy: string | null;
  bad: string[];
}

export interface Model {
  version: string;
  digest: string;
  title: string | null;
  engine: string;
  size: number;
  state: "complete" | "partial" | "degraded" | "absent";
  aliases: string[];
  pinned: boolean;
  current: boolean;
  revoked: string | null;
  license: { name: string; url: string | null; note: string | null; commercial: boolean | null; accept: boolean; accepted: boolean };
  act: Act | null;
}

export interface Models {
  models: Model[];
  disk: { used: number; free: number; garbage: number };
  may_change: boolean;
}

/** A mirror of the catalogue; what is null was never measured. Rates are bytes a second. */
export interface Mirror {
  name: string;
  kind: string;
  latency_seconds: number | null;
  bytes_per_second: number | null;
  successes: number;
  failures: number;
  lies: number;
  closed_until: string | null;
  pulls: { at: string; version: string; bytes: number; bytes_per_second: number; errors: string[] }[];
}

export interface Trial {
  ok: boolean;
  latency_seconds: number | null;
  bytes_per_second: number | null;
  code: string | null;
  error: string | null;
}

/** What one client was given of one version on one day. */
export interface Download {
  day: string;
  version: string;
  client: string;
  files: number;
  bytes: number;
}

/** An event of the audit log. */
export interface Deed {
  seq: number;
  at: string;
  actor: string;
  act: string;
  subject: string;
  outcome: string;
  details: Record<string, unknown>;
}

/** Who asks, and what they may do; `asks`: whether the service wants keys. */
export interface Session {
  asks: boolean;
  name: string | null;
  scopes: string[];
}

/** What is known of a version. */
export interface Report {
  version: string;
  digest: string;
  engine: string;
  size: number;
  license: { name: string; url: string | null; commercial: boolean | null };
  accepted: { at: string; by: string; license: string }[];
  files: {
    path: string;
    size: number;
    sha256: string;
    state: "present" | "absent";
    from: { at: string; mirror: string; bytes: number; errors: string[] }[];
    scan: { at: string; outcome: string; form: string | null } | null;
  }[];
  events: Deed[];
  served: Deed[];
  lineage: Deed[];
  signatures: { at: string; act: string; signers?: unknown; catalogue?: string }[];
  speech: { task: string; at: string; asker: string; audio_sha256: string | null }[];
  log: { events: number; head: string };
}

export interface Progress {
  segments: number;
  spoken: number;
}

export interface Version {
  version: string;
  digest: string;
  state: "starting" | "ready" | "failing" | "stopped";
  emotions: string[];
  languages: string[];
  /** Which of the further settings it follows: `pitch`, `volume`, `emotion_voice`, … */
  controls: string[];
  cloning: boolean;
  own_voice: boolean;
  trouble: string | null;
}

/** The emotions that a vector weighs, in its order. */
export const EMOTIONS = ["happy", "angry", "sad", "afraid", "disgusted", "melancholic", "surprised", "calm"] as const;
