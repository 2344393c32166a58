type Child = Node | string | null | undefined | false;

/** Makes an element. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Record<string, string | (() => void)> = {}, ...children: Child[]
): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") e.addEventListener(name, value);
    else e.setAttribute(name, value);
  }
  for (const c of children) if (c) e.append(c);
  return e;
}

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

export function button(text: string, does: () => void, attributes: Record<string, string> = {}): HTMLButtonElement {
  return el("button", { type: "button", click: does, ...attributes }, text);
}

export function counted(n: number, thing: string): string {
  return `${n.toLocaleString("en")} ${thing}${n === 1 ? "" : "s"}`;
}

/** Tells people who do not see the picture what has happened. */
export function say(text: string): void {
  byId("said").textContent = text;
}
