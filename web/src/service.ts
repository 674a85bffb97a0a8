// The service, as the page sees it: typed answers, and errors as sentences.

export interface Ask {
  text: string;
  model?: string;
  voice?: string;
  emotion?: string;
  intensity: number;
  emotion_vector?: Record<string, number>;
  speed: number;
  format: string;
  seed?: number;
  roles?: Record<string, Manner>;
}

/** How a role of a script speaks. */
export interface Manner {
  voice?: string;
  emotion_vector: Record<string, number>;
  speed: number;
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
    roles: { name: string; emotion: number[]; speed: number; voice: string | null }[];
  };
  duration: number | null;
  sample_rate: number | null;
  segments: Segment[];
  warnings: string[];
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

/** A mirror of the catalogue; what is null was never measured. Rates are bytes a second. */
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

export interface Progress {
  segments: number;
  spoken: number;
}

export interface Version {
  version: string;
  digest: string;
  state: "starting" | "ready" | "failing" | "stopped";
  emotions: string[];
  cloning: boolean;
  own_voice: boolean;
  trouble: string | null;
}

/** The emotions that a vector weighs, in its order. */
export const EMOTIONS = ["happy", "angry", "sad", "afraid", "disgusted", "melancholic", "surprised", "calm"] as const;

/** What the service said is wrong, and what to do about it. */
export class Trouble extends Error {}

/** The service did not answer at all. */
export class Unreachable extends Error {}

/** The service wants to know who asks, and was not told. */
export class Stranger extends Error {}

// A browser reconnects by itself when a stream breaks; after this many times in a row the service is gone.
const MOST_RECONNECTS = 3;
// An answer takes milliseconds, and seconds on a bad link; what takes longer will not come.
const LONGEST_WAIT_MS = 30_000;

let introduce = (): Promise<boolean> => Promise.resolve(false);

/** Ask the reader who it is, by `asking`, whenever the service wants to know; a request goes on after a yes. */
export function onStranger(asking: () => Promise<boolean>): void {
  introduce = asking;
}

/** Begin a synthesis; it goes on until it is followed to its end or cancelled. */
export async function begin(ask: Ask): Promise<Task> {
  const how = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(ask) };
  return (await (await good("/api/tasks", how)).json()) as Task;
}

/** Wait for the end of a synthesis, and hear of each segment on the way. */
export function follow(id: string, heard: (progress: Progress) => void): Promise<Task> {
  return new Promise((resolve, reject) => {
    const events = new EventSource(`/api/tasks/${id}/events`);
    let broken = 0;
    events.addEventListener("progress", (event) => {
      broken = 0;
      heard(JSON.parse(event.data as string) as Progress);
    });
    for (const end of ["done", "failed", "cancelled"]) {
      events.addEventListener(end, (event) => {
        events.close();
        resolve(JSON.parse((event as MessageEvent<string>).data) as Task);
      });
    }
    events.onerror = () => {
      broken += 1;
      if (events.readyState === EventSource.CLOSED || broken > MOST_RECONNECTS) {
        events.close();
        reject(new Unreachable());
      }
    };
  });
}

/** Stop a synthesis before its next segment. One that is over already stays as it is. */
export async function cancel(id: string): Promise<void> {
  await request(`/api/tasks/${id}/cancel`, { method: "POST" });
}

/** One page of what was spoken, the latest first. `wanted` is the query of `GET /api/tasks`. */
export async function tasks(wanted: URLSearchParams, signal?: AbortSignal): Promise<TaskPage> {
  const answer = await good(`/api/tasks?${wanted}`, signal ? { signal } : {});
  return (await answer.json()) as TaskPage;
}

export async function task(id: string): Promise<Task> {
  return (await (await good(`/api/tasks/${encodeURIComponent(id)}`)).json()) as Task;
}

/** Move a task to the trash. */
export async function remove(id: string): Promise<void> {
  await good(`/api/tasks/${id}`, { method: "DELETE" });
}

/** Bring a task back from the trash. */
export async function restore(id: string): Promise<void> {
  await good(`/api/tasks/${id}/restore`, { method: "POST" });
}

/** Forget a task that is in the trash, for good. */
export async function purge(id: string): Promise<void> {
  await good(`/api/tasks/${id}/purge`, { method: "POST" });
}

/** Where the captions of a task are. */
export function captions(id: string): string {
  return `/api/tasks/${id}/captions?format=srt`;
}

export async function voices(): Promise<Voice[]> {
  return ((await (await good("/api/voices")).json()) as { voices: Voice[] }).voices;
}

export async function consents(): Promise<Consent[]> {
  return ((await (await good("/api/consents")).json()) as { consents: Consent[] }).consents;
}

/** Keep a voice: its name, a clip, who is heard, and what that person consented to. */
export async function keepVoice(form: FormData): Promise<void> {
  await good("/api/voices", { method: "POST", body: form });
}

export async function deleteVoice(id: string): Promise<void> {
  await good(`/api/voices/${id}`, { method: "DELETE" });
}

/** Where the clip of a voice is. */
export function clip(id: string): string {
  return `/api/voices/${id}/clip`;
}

/** The versions that are here or in the catalogue. */
export async function models(): Promise<Models> {
  return (await (await good("/hub/models")).json()) as Models;
}

/** Change something about a version: `act` is what stands behind its name in the address. */
export async function manage(path: string, body: Record<string, unknown> = {}): Promise<void> {
  await good(`/hub/${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

/** The mirrors of this hub's catalogue, and how they did. */
export async function mirrors(): Promise<Mirror[]> {
  return (await (await good("/hub/mirrors")).json()) as Mirror[];
}

/** Fetch a little from a mirror, now. */
export async function tryMirror(name: string): Promise<Trial> {
  return (await (await good(`/hub/mirrors/${encodeURIComponent(name)}/test`, { method: "POST" })).json()) as Trial;
}

/** What others were given, the latest day first; `since` is a day. */
export async function downloads(since: string): Promise<Download[]> {
  const found = await good(`/hub/downloads?limit=1000&since=${since}`);
  return ((await found.json()) as { downloads: Download[] }).downloads;
}

/** What was done here, the latest first. `wanted` is the query of `GET /hub/audit`. */
export async function events(wanted: URLSearchParams): Promise<Deed[]> {
  return ((await (await good(`/hub/audit?${wanted}`)).json()) as { events: Deed[] }).events;
}

export async function versions(): Promise<Version[]> {
  const answer = await request("/readyz", {});
  // Until a version is ready the answer is 503, and says all the same how each of them stands.
  if (!answer.ok && answer.status !== 503) throw await trouble(answer);
  return (await answer.json()) as Version[];
}

/** Begin a session with a key; whether it was a good one. */
export async function signIn(key: string): Promise<boolean> {
  const answer = await fetch("/api/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ key }),
  });
  return answer.ok;
}

async function good(path: string, how: RequestInit = {}): Promise<Response> {
  const answer = await request(path, how);
  if (!answer.ok) throw await trouble(answer);
  return answer;
}

async function request(path: string, how: RequestInit): Promise<Response> {
  const answer = await answered(path, how);
  if (answer.status !== 401) return answer;
  if (!(await introduce())) throw new Stranger();
  return answered(path, how);
}

async function answered(path: string, how: RequestInit): Promise<Response> {
  const patience = AbortSignal.timeout(LONGEST_WAIT_MS);
  try {
    return await fetch(path, { ...how, signal: how.signal ? AbortSignal.any([how.signal, patience]) : patience });
  } catch (error) {
    if (error instanceof TypeError || patience.aborted) throw new Unreachable();
    throw error;
  }
}

async function trouble(answer: Response): Promise<Trouble> {
  try {
    const problem = (await answer.json()) as { title: string; remedy: string };
    return new Trouble(`${problem.title}: ${problem.remedy}`);
  } catch {
    return new Trouble(`${answer.status} ${answer.statusText}`);
  }
}
