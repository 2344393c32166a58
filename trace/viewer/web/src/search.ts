import type { App } from "./app";
import { button, byId, counted, el } from "./dom";
import { clockShown } from "./state";
import { brief, kindSign } from "./types";

const SHOWN = 60;

/** Makes the search field work. */
export function wireSearch(app: App): void {
  const form = byId<HTMLFormElement>("search"), input = byId<HTMLInputElement>("query"), box = byId("hits");
  const close = () => (box.hidden = true);
  const show = async () => {
    app.state.query = input.value.trim();
    if (!app.state.query) {
      close();
      return;
    }
    box.hidden = false;
    try {
      const hits = await app.source.search(app.state.query, SHOWN);
      const list = el("ol");
      for (const e of hits.events) {
        const clock = clockShown(app.state, e) ? `, clock ${e.clock}` : "";
        list.append(el("li", {}, button(`${kindSign(e.mark)} ${e.name}${clock}: ${brief(e)}`, () => {
          close();
          byId("diagram").focus();
          void app.choose(e, true);
        })));
      }
      const more = hits.total > hits.events.length ? `, the first ${hits.events.length} by clock` : "";
      box.replaceChildren(el("p", { role: "status" }, hits.total === 0 ? "Nothing found." : counted(hits.total, "event") + more), list);
    } catch (e) {
      box.replaceChildren(el("p", { role: "alert", class: "wrong" }, (e as Error).message));
    }
  };
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    void show();
  });
  form.addEventListener("keydown", (e) => {
    const items = [...box.querySelectorAll("button")], i = items.indexOf(document.activeElement as HTMLButtonElement);
    if (e.key === "Escape") {
      close();
      byId("diagram").focus();
    } else if (e.key === "ArrowDown" && items.length > 0) items[Math.min(i + 1, items.length - 1)].focus();
    else if (e.key === "ArrowUp" && i >= 0) (i === 0 ? input : items[i - 1]).focus();
    else return;
    e.preventDefault();
    e.stopPropagation();
  });
  document.addEventListener("pointerdown", (e) => {
    if (!form.contains(e.target as Node)) close();
  });
}
