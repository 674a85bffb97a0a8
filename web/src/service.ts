// The service, as the page sees it: typed answers, and errors with their codes.

import type { Ask, Consent, Deed, Download, Mirror, Models, Progress, Report, Session, Task, TaskPage, Trial, Version, Voice } from "./answers";
import { lost } from "./connection";

export * from "./answers";

/** What the service said is wrong, and what to do about it. */
export class Trouble extends Error {
  constructor(
    readonly code: string,
    readonly what: string,
    readonly remedy = "",
  ) {
    super(what);
  }
}

/** The service did not answer at all. */
export class Unreachable extends Error {}

/** The service wants to know who asks, and was not told. */
export class Stranger extends Error {}

// A browser reconnects by itself when a stream breaks; after this many times in a row the service is gone.
const MOST_RECONNECTS = 3;
// A stream that breaks so often although the service answers is not followed any more.
const MOST_BREAKS = 5;
// An answer takes milliseconds, and seconds on a bad link; what takes longer will not come.
const LONGEST_WAIT_MS = 30_000;

let introduce = (): Promise<boolean> => Promise.resolve(false);

/** Ask the reader who it is, by `asking`, whenever the service wants to know; a request goes on after a yes. */
export function onStranger(asking: () => Promise<boolean>): void {
  introduce = asking;
}

/** Begin a synthesis; it goes on until it is followed to its end or cancelled. */
export async function begin(ask: Ask): Promise<Task> {
  return (await (await good("/api/tasks", json("POST", ask))).json()) as Task;
}

/** Wait for the end of a synthesis, and hear of each segment on the way; a connection that is lost meanwhile is waited for. */
export async function follow(id: string, heard: (progress: Progress) => void): Promise<Task> {
  for (let broken = 1; ; broken += 1) {
    try {
      return await listened(id, heard);
    } catch (error) {
      if (!(error instanceof Unreachable) || broken >= MOST_BREAKS) throw error;
      await lost();
    }
  }
}

function listened(id: string, heard: (progress: Progress) => void): Promise<Task> {
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

/** Give a task a name; an empty one takes it away. */
export async function rename(id: string, name: string): Promise<Task> {
  return (await (await good(`/api/tasks/${id}`, json("PATCH", { name: name || null }))).json()) as Task;
}

/** Put the audio of tasks one after the other, with so many seconds of silence between them. */
export async function join(tasks: string[], format: string, pause: number, name: string): Promise<Task> {
  return (await (await good("/api/joined", json("POST", { tasks, format, pause, name: name || null }))).json()) as Task;
}

/** Where the ZIP file of tasks is. `wanted` is the query of `GET /api/tasks`, or names them with `id`. */
export function archive(wanted: URLSearchParams): string {
  return `/api/archive?${wanted}`;
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
  await good(`/hub/${path}`, json("POST", body));
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

/** What is known of a version, for an auditor. */
export async function report(reference: string): Promise<Report> {
  return (await (await good(`/hub/report/${encodeURIComponent(reference)}`)).json()) as Report;
}

export async function session(): Promise<Session> {
  return (await (await good("/api/session")).json()) as Session;
}

/** Begin a session with a key; whether it was a good one. */
export async function signIn(key: string): Promise<boolean> {
  return (await fetch("/api/session", json("POST", { key }))).ok;
}

export async function signOut(): Promise<void> {
  await good("/api/session", { method: "DELETE" });
}

function json(method: string, body: object): RequestInit {
  return { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
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
    if (!(error instanceof TypeError) && !patience.aborted) throw error;
    void lost();
    throw new Unreachable();
  }
}

async function trouble(answer: Response): Promise<Trouble> {
  try {
    const problem = (await answer.json()) as { code: string; title: string; remedy: string };
    return new Trouble(problem.code, problem.title, problem.remedy);
  } catch {
    return new Trouble("", `${answer.status} ${answer.statusText}`);
  }
}
