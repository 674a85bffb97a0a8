// What of the history is looked for, as the service is asked for it. Pure.

/** What the address may ask for, and the form with it. */
export const FIELDS = ["q", "model", "voice", "emotion", "status", "since", "until"] as const;

/** The query of `GET /api/tasks` for what is wanted; days are the reader's own, from midnight to midnight. */
export function queryOf(wanted: Readonly<Record<string, string>>): URLSearchParams {
  const asked = new URLSearchParams();
  for (const name of ["q", "model", "voice", "emotion", "status"]) if (wanted[name]) asked.set(name, wanted[name]);
  if (wanted["trash"]) asked.set("deleted", "true");
  const since = midnight(wanted["since"], 0);
  const until = midnight(wanted["until"], 1);
  if (since) asked.set("since", since);
  if (until) asked.set("until", until);
  return asked;
}

function midnight(day: string | undefined, later: number): string | null {
  const written = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day ?? "");
  if (written === null) return null;
  const date = new Date(Number(written[1]), Number(written[2]) - 1, Number(written[3]) + later);
  return Number.isNaN(date.valueOf()) ? null : date.toISOString();
}
