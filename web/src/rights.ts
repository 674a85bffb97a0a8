// What whoever asks may do: views that a key is not good for are not offered.

import type { Session } from "./answers";
import { session } from "./service";

/** Look again who asks. Nothing is hidden from somebody who has not signed in yet: the door opens when it must. */
export async function showRights(): Promise<Session | null> {
  const found = await session().catch(() => null);
  if (found === null) return null;
  for (const each of document.querySelectorAll<HTMLElement>("[data-needs]")) {
    each.hidden = found.name !== null && !found.scopes.includes(each.dataset["needs"] ?? "");
  }
  return found;
}
