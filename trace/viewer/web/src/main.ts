import { App } from "./app";
import { byId } from "./dom";
import { wireFilter } from "./filter";
import { readHash, writeHash } from "./hash";
import { wireKeys } from "./keys";
import { Local, embedded } from "./local";
import { writePanel } from "./panel";
import { Remote } from "./remote";
import { wireSearch } from "./search";
import { writeTable } from "./table";
import type { Source } from "./types";

declare global {
  interface Window {
    /** For tests and measurements. */
    viewer?: App;
  }
}

async function start(): Promise<void> {
  const opening = byId("trace-data")?.dataset.opening;
  const data = await embedded();
  const source: Source = data ? new Local(data) : new Remote();
  const all = await source.overview();
  document.title = `bank-trace: ${all.name}`;
  byId("name").textContent = all.name;
  const app = new App(source, all);
  describe(app);
  wireFilter(app);
  wireSearch(app);
  wireKeys(app);
  wireTools(app);
  let writing = 0;
  const later = () => {
    clearTimeout(writing);
    writing = window.setTimeout(() => {
      writeHash(app);
      writeTable(app);
      byId("newest").setAttribute("aria-pressed", String(app.view.atEnd));
    }, 150);
  };
  await readHash(app, opening);
  app.changed.push((what) => {
    if (what === "panel") {
      writePanel(app);
      buttons(app);
    } else if (what === "grown") {
      describe(app);
      // Nothing is taken away from under somebody's hands.
      if (!byId("panel").contains(document.activeElement)) writePanel(app);
    }
    later();
  });
  app.tiles.loaded = later;
  window.addEventListener("beforeprint", () => app.paper(true));
  window.addEventListener("afterprint", () => app.paper(false));
  window.addEventListener("hashchange", () => void readHash(app));
  app.pinChanged();
  window.viewer = app;
}

function describe(app: App): void {
  const summary = byId("summary"), { growing } = app.state.all;
  summary.textContent = app.describe();
  summary.classList.toggle("running", !!growing);
  byId("newest").hidden = !growing;
}

function wireTools(app: App): void {
  const v = app.view, on = (id: string, does: () => void) => byId(id).addEventListener("click", does);
  on("in", () => v.zoomBy(0.5));
  on("out", () => v.zoomBy(2));
  on("whole", () => v.show(...v.full, true));
  on("newest", () => app.newest());
  on("fold", () => app.toggle("fold"));
  on("hide", () => app.toggle("hide"));
  on("tabled", () => app.toggle("table"));
  on("helped", () => byId<HTMLDialogElement>("help").showModal());
}

function buttons(app: App): void {
  const { fold, hide, table } = app.state;
  for (const [id, is] of [["fold", fold], ["hide", hide], ["tabled", table]] as const) byId(id).setAttribute("aria-pressed", String(is));
  byId("list").classList.toggle("shown", table);
}

start().catch((e: Error) => {
  const box = byId("failure");
  box.textContent = `The page could not be loaded: ${e.message}`;
  box.hidden = false;
});
