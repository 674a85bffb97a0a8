// What is on the page, found by name; a page that lacks it is broken, and says so.

export function element<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  return checked(document.getElementById(id), id, kind);
}

export function within<Kind extends HTMLElement>(root: ParentNode, selector: string, kind: new () => Kind): Kind {
  return checked(root.querySelector(selector), selector, kind);
}

/** A copy of what a `<template>` holds. */
export function copied(template: string): DocumentFragment {
  return element(template, HTMLTemplateElement).content.cloneNode(true) as DocumentFragment;
}

function checked<Kind extends HTMLElement>(found: Element | null, name: string, kind: new () => Kind): Kind {
  if (!(found instanceof kind)) throw new Error(`the page has no ${name}`);
  return found;
}
