// What is on the page, found by name, and what is put there; a page that lacks something is broken, and says so.

export function element<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  return checked(document.getElementById(id), id, kind);
}

export function within<Kind extends HTMLElement>(root: ParentNode, selector: string, kind: new () => Kind): Kind {
  return checked(root.querySelector(selector), selector, kind);
}

/** A copy of the one element that a template holds. */
export function copied(template: string): HTMLElement {
  const inside = element(template, HTMLTemplateElement).content.firstElementChild;
  // A template's content belongs to a document of its own until it is brought into this one.
  return checked(inside ? document.importNode(inside, true) : null, template, HTMLElement);
}

export function made<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, name = "", text = ""): HTMLElementTagNameMap[Tag] {
  const fresh = document.createElement(tag);
  if (name) fresh.className = name;
  fresh.textContent = text;
  return fresh;
}

/** Let a button show another picture and say another name. */
export function dress(button: HTMLElement, icon: string, name: string): void {
  button.querySelector("use")?.setAttribute("href", `#icon-${icon}`);
  button.setAttribute("aria-label", name);
  button.title = name;
}

/** So many times the size of the page's type, in pixels. */
export function rem(count: number): number {
  return count * parseFloat(getComputedStyle(document.documentElement).fontSize);
}

/** A colour of the style sheet, as a canvas takes it: resolved for the theme that is on. */
export function colour(name: string): string {
  const probe = made("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function checked<Kind extends HTMLElement>(found: Element | null, name: string, kind: new () => Kind): Kind {
  if (!(found instanceof kind)) throw new Error(`the page has no ${name}`);
  return found;
}
