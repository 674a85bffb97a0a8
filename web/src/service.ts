// The service, as the page sees it: typed answers, and errors as sentences.

export interface Ask {
  text: string;
  model?: string;
  emotion: string;
  intensity: number;
  speed: number;
  format: string;
}

export interface Spoken {
  id: string;
  audio_url: string;
  format: string;
  duration: number;
  sample_rate: number;
  model: { version: string; digest: string };
  segments: { text: string; start: number; end: number }[];
  warnings: string[];
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

export async function speak(ask: Ask, signal: AbortSignal): Promise<Spoken> {
  const answer = await request("/synthesize", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(ask),
    signal,
  });
  if (!answer.ok) throw await trouble(answer);
  return (await answer.json()) as Spoken;
}

export async function versions(): Promise<Version[]> {
  const answer = await request("/readyz", {});
  // Until a version is ready the answer is 503, and says all the same how each of them stands.
  if (!answer.ok && answer.status !== 503) throw await trouble(answer);
  return (await answer.json()) as Version[];
}

async function request(path: string, how: RequestInit): Promise<Response> {
  try {
    return await fetch(path, how);
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
