// Whose turn it is to sound: one player at a time, and Space is for that one.

export interface Sounding {
  toggle(): void;
  pause(): void;
}

// What Space means something else to.
const OWN_SPACE = "textarea, select, button, a, summary, input:not([type=range])";

let turn: Sounding | null = null;

/** Be the one that Space plays; who sounded before falls silent. */
export function takeTurn(player: Sounding): void {
  if (turn !== player) turn?.pause();
  turn = player;
}

/** Fall silent, and leave Space to the page. */
export function endTurns(): void {
  turn?.pause();
  turn = null;
}

export function listenForSpace(): void {
  document.addEventListener("keydown", (event) => {
    if (event.key !== " " || event.ctrlKey || event.metaKey || event.altKey || turn === null) return;
    if (document.querySelector("dialog[open]") || (event.target as Element).closest(OWN_SPACE)) return;
    event.preventDefault();
    if (!event.repeat) turn.toggle();
  });
}
