import type { App } from "./app";
import { byId } from "./dom";
import { visibleRows } from "./state";
import { MARK_KIND, RECEIVE, SEND, type Ev } from "./types";

/** Makes the keyboard and the mouse work. */
export function wireKeys(app: App): void {
  const canvas = byId<HTMLCanvasElement>("diagram"), help = byId<HTMLDialogElement>("help");
  document.addEventListener("keydown", (e) => {
    const at = e.target as HTMLElement;
    if (e.ctrlKey || e.altKey || e.metaKey || help.open) return;
    const typing = at.matches("input, textarea, select"), pressing = at.matches("button, a, summary");
    if (e.key === "Escape") {
      if (typing) canvas.focus();
      else app.letGo();
      return;
    }
    if (typing || (pressing && (e.key === "Enter" || e.key === " "))) return;
    if (at.closest("#panel, #list") && e.key.startsWith("Arrow")) return; // scrolls there
    const does = action(app, e.key);
    if (does) {
      e.preventDefault();
      does();
    }
  });
  canvas.addEventListener("click", (e) => {
    const hit = app.hit(e.offsetX, e.offsetY), s = app.state;
    if (!hit) return;
    const a = s.first ?? s.chosen;
    if ((e.shiftKey || s.first) && a && a !== hit) void app.explain(a, hit);
    else void app.choose(hit);
  });
  canvas.addEventListener("dblclick", (e) => app.view.zoomBy(0.25, app.view.x.invert(e.offsetX)));
  canvas.addEventListener("pointermove", (e) => {
    canvas.style.cursor = e.buttons ? "grabbing" : app.hit(e.offsetX, e.offsetY) ? "pointer" : "crosshair";
  });
}

function action(app: App, key: string): (() => void) | null {
  const v = app.view;
  switch (key) {
    case "ArrowLeft": return () => void app.step((e) => app.at({ p: e.p, pos: e.pos - 1 }));
    case "ArrowRight": return () => void app.step((e) => app.at({ p: e.p, pos: e.pos + 1 }));
    case "ArrowUp": return () => void app.step((e) => beside(app, e, -1));
    case "ArrowDown": return () => void app.step((e) => beside(app, e, 1));
    case "Home": return () => void app.step((e) => app.at({ p: e.p, pos: 0 }));
    case "End": return () => void app.step((e) => app.at({ p: e.p, pos: app.state.all.lanes[e.p].events - 1 }));
    case "m": return () => void app.step((e) => otherEnd(app, e));
    case "Enter": return () => void app.enter();
    case "n": return () => void app.showFinding((app.state.finding?.number ?? -1) + 1);
    case "p": return () => void app.showFinding((app.state.finding?.number ?? 0) - 1);
    case "+": case "=": return () => v.zoomBy(0.5, app.state.chosen?.clock);
    case "-": return () => v.zoomBy(2, app.state.chosen?.clock);
    case "0": return () => v.show(...v.full, true);
    case "l": return app.state.all.growing ? () => app.newest() : null;
    case "/": return () => byId("query").focus();
    case "?": return () => byId<HTMLDialogElement>("help").showModal();
    case "f": return () => app.toggle("fold");
    case "g": return () => app.toggle("hide");
    case "t": return () => app.toggle("table");
  }
  return null;
}

/** The nearest event of the next process that is shown and has any. */
async function beside(app: App, e: Ev, step: number): Promise<Ev | null> {
  const rows = visibleRows(app.state);
  for (let row = rows.indexOf(e.p) + step; row >= 0 && row < rows.length; row += step) {
    if (app.state.all.lanes[rows[row]].events > 0) return app.source.near(rows[row], e.clock);
  }
  return null;
}

async function otherEnd(app: App, e: Ev): Promise<Ev | null> {
  const kind = e.mark & MARK_KIND;
  if (kind !== SEND && kind !== RECEIVE) return null;
  const d = app.state.details ?? (await app.source.event(e));
  return (kind === SEND ? d.receives?.[0] : d.send) ?? null;
}
