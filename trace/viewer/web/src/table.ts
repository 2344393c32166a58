import type { App } from "./app";
import { button, byId, counted, el } from "./dom";
import { clockShown } from "./state";
import { brief, kindName, sameAt, side } from "./types";

/** Most rows: the table says what is on screen, and no more. */
const ROWS = 300;

/** Writes the events on screen as a table. */
export function writeTable(app: App): void {
  const s = app.state, v = app.view, [lo, hi] = v.clocks, box = byId("list");
  const events = app.scene.events.filter((e) => v.rowOf[e.p] >= 0 && e.clock >= lo && e.clock <= hi);
  events.sort((a, b) => a.clock - b.clock || a.p - b.p);
  const head = el("tr");
  for (const name of ["Event", "Clock", "Kind", "What", s.details ? `To ${s.details.event.name}` : ""]) {
    if (name) head.append(el("th", { scope: "col" }, name));
  }
  const body = el("tbody");
  for (const e of events.slice(0, ROWS)) {
    const ev = app.ofScene(e);
    const row = el("tr", sameAt(e, s.chosen) ? { "aria-current": "true" } : {},
      el("td", {}, button(ev.name, () => void app.choose(ev), { class: "link" })),
      el("td", {}, clockShown(s, e) ? String(e.clock) : "hidden"),
      el("td", {}, kindName(e.mark)),
      el("td", {}, brief(ev)));
    if (s.details) {
      const where = side(s.details.cone, s.details.event, e);
      row.append(el("td", {}, { self: "itself", past: "past", future: "future", concurrent: "concurrent", both: "before and after" }[where]));
    }
    body.append(row);
  }
  const many = app.scene.exact ? "" : " Where there are too many to be told apart they are left out: zoom in with plus.";
  const caption = s.hide ? "Events on screen" : `Events with clocks ${Math.max(1, Math.ceil(lo))} to ${Math.floor(hi)}`;
  const folded = app.scene.folds.reduce((n, f) => n + f.n, 0);
  const hidden = folded > 0 ? ` ${counted(folded, "local event")} in a row are folded: press f to list them.` : "";
  const more = events.length > ROWS ? `, the first ${ROWS}` : "";
  const focused = box.contains(document.activeElement) ? document.activeElement?.textContent : null;
  box.replaceChildren(el("table", {}, el("caption", {}, `${caption}: ${counted(events.length, "event")}${more}.${many}${hidden}`), el("thead", {}, head), body));
  if (focused) [...box.querySelectorAll("button")].find((b) => b.textContent === focused)?.focus();
}
