import type { App } from "./app";
import { byId, say } from "./dom";
import { guessKey, type State } from "./state";
import type { At, Ev, Overview } from "./types";

/** How often a run that is under way is asked after, in milliseconds. */
const EVERY = 1000;

/** Keeps the page up with a run that is under way. */
export class Live {
  private timer = 0;
  private asking = false;

  constructor(private app: App) {
    if (app.state.all.growing) this.wait();
  }

  private wait(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.look(), EVERY);
  }

  /** Asks whether there is more, and shows it. */
  async look(): Promise<void> {
    const { app } = this;
    if (this.asking) return;
    this.asking = true;
    try {
      const all = await app.source.overview(), was = app.state.all;
      if (all.generation !== was.generation) app.take(all);
      if (was.growing && !all.growing) say(`The run is over. ${app.describe()}`);
      if (all.growing) this.wait();
    } catch (e) {
      byId("summary").textContent = "The run was stopped. What it had logged until then is shown.";
      byId("summary").classList.remove("running");
      app.fail(e as Error);
    } finally {
      this.asking = false;
    }
  }
}

/** Gives what is shown the numbers that its processes have in another overview. */
export function renumber(s: State, all: Overview): void {
  const number = new Map(all.lanes.map((l, p) => [l.name, p]));
  const of = s.all.lanes.map((l) => number.get(l.name) ?? -1);
  const moved = <T extends At>(e: T | null): T | null => e && { ...e, p: of[e.p] };
  const guessed = [...s.guessed].map((key) => key.split(",").map(Number)).map(([p, pos]) => guessKey({ p: of[p], pos }));
  s.chosen = moved<Ev>(s.chosen);
  s.first = moved<Ev>(s.first);
  s.only = s.only && s.only.map((p) => of[p]).sort((a, b) => a - b);
  s.guessed = new Set(guessed);
  s.details = s.pair = s.finding = null;
}

/** Whether two overviews have the same processes. */
export function sameLanes(a: Overview, b: Overview): boolean {
  return a.lanes.length === b.lanes.length && a.lanes.every((l, p) => l.name === b.lanes[p].name);
}
