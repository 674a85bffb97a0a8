// The service, as the page sees it: typed answers, and errors as sentences.

export interface Ask {
  text: string;
  model?: string;
  emotion: string;
  intensity: number;
  speed: number;
  format: string;
}

export interface Task {
  id: string;
  status: "queued" | "running" | "done" | "failed" | "cancelled";
  text: string;
  model: string;
  model_digest: string;
  settings: { format: string };
  duration: number;
  sample_rate: number;
  warnings: string[];
  error: string | null;
  audio_url: string;
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
  trouble: string | null;
}

/** What the service said is wrong, and what to do about it. */
export class Trouble extends Error {}

/** The service did not answer at all. */
export class Unreachable extends Error {}

/** The service wants to know who asks. */
export class Stranger extends Error {}

// A browser reconnects by itself when a stream breaks; after this many times in a row the service is gone.
const MOST_RECONNECTS = 3;

/** Begin a synthesis; it goes on until it is followed to its end or cancelled. */
export async function begin(ask: Ask): Promise<Task> {
  const answer = await request("/api/tasks", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(ask),
  });
  if (!answer.ok) throw await trouble(answer);
  return (await answer.json()) as Task;
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

async function request(path: string, how: RequestInit): Promise<Response> {
  try {
    const answer = await fetch(path, how);
    if (answer.status === 401) throw new Stranger();
    return answer;
  } catch (error) {
    if (error instanceof TypeError) throw new Unreachable();
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
