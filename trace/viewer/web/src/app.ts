import { draw } from "./draw";
import { byId, counted, say } from "./dom";
import { Live, renumber, sameLanes } from "./live";
import { Scene } from "./scene";
import { clockShown, newState, visibleRows, type State } from "./state";
import { onThemeChange, readTheme } from "./theme";
import { Tiles, type Cover } from "./tiles";
import { brief, Outdated, sameAt, type At, type Ev, type Overview, type Source } from "./types";
import { View } from "./view";

export type Change = "panel" | "view" | "rows" | "grown";

/** The page: what it shows, and what can be done with it. */
export class App {
  readonly state: State;
  readonly view: View;
  readonly tiles: Tiles;
  scene = new Scene([], false);
  /** Called when something else is shown: with what has changed. */
  changed: ((what: Change) => void)[] = [];
  private theme = readTheme();
  private canvas = byId<HTMLCanvasElement>("diagram");
  private context = this.canvas.getContext("2d")!;
  private frame = 0;
  private asked = 0;
  private live: Live;
  /** Pictures drawn so far. */
  frames = 0;

  constructor(readonly source: Source, all: Overview) {
    this.state = newState(all);
    this.tiles = new Tiles(source, () => this.redraw());
    this.tiles.failed = (e) => this.fail(e);
    this.view = new View(this.canvas, all, () => {
      this.redraw();
      this.tell("view");
    });
    new ResizeObserver(() => this.resize()).observe(this.canvas);
    onThemeChange(() => {
      this.theme = readTheme();
      this.redraw();
    });
    this.resize();
    this.live = new Live(this);
  }

  /** Shows a trace that has grown: its newest events where these were on screen, else what is on screen. */
  take(all: Overview): void {
    const s = this.state, v = this.view, was = { clocks: v.clocks, full: v.full, readable: v.readable };
    if (sameLanes(s.all, all)) this.tiles.outdate();
    else {
      renumber(s, all);
      this.tiles.restrict(s.only);
    }
    s.all = all;
    v.take(all);
    this.resize();
    const [lo, hi] = v.follow(was), c = s.chosen?.clock;
    // What is looked at stays on screen.
    const leaves = c !== undefined && c >= was.clocks[0] && c <= was.clocks[1] && c < lo;
    if (!leaves) v.show(lo, hi, true);
    this.tell("grown");
    void this.renew();
  }

  /** Asks again what is known of the chosen events. */
  private async renew(): Promise<void> {
    const s = this.state, { asked } = this, { chosen, first, pair } = s;
    if (!chosen) return;
    try {
      const details = await this.source.event(chosen);
      const again = pair && first ? await this.source.pair(first, chosen) : null;
      if (asked !== this.asked || s.chosen !== chosen) return;
      s.details = details;
      if (s.pair === pair) s.pair = again;
      this.tell("grown");
      this.redraw();
    } catch (e) {
      this.fail(e as Error);
    }
  }

  /** Shows the newest events of a trace that grows. */
  newest(): void {
    const end = this.view.full[1];
    this.view.show(end - this.view.readable, end, true);
  }

  private tell(what: Change): void {
    for (const f of this.changed) f(what);
  }

  resize(): void {
    const { clientWidth: w, clientHeight: h } = this.canvas, paper = document.documentElement.classList.contains("paper");
    const dpr = paper ? 2 : Math.min(2, devicePixelRatio || 1);
    this.canvas.width = Math.round(w * dpr);
    this.canvas.height = Math.round(h * dpr);
    this.context.setTransform(dpr, 0, 0, dpr, 0, 0);
    this.view.layout(w, h, visibleRows(this.state));
    this.redraw();
  }

  /** Draws the picture for paper, at once, or again for the screen: a page that is printed gets no further frames. */
  paper(on: boolean): void {
    const root = document.documentElement, rows = visibleRows(this.state).length;
    root.style.setProperty("--paper-height", `${Math.min(1300, Math.max(300, rows * 46 + 60))}px`);
    root.classList.toggle("paper", on);
    this.theme = readTheme();
    this.resize();
    this.paint();
  }

  redraw(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
    });
  }

  private paint(): void {
    const v = this.view, [lo, hi] = v.clocks;
    const covers = this.tiles.cover(v.level, lo, hi);
    if (!same(covers, this.scene.covers) || this.scene.fold !== this.state.fold) this.scene = new Scene(covers, this.state.fold);
    draw(this.context, v, this.scene, this.state, this.theme);
    this.frames++;
  }

  /** Chooses an event, and brings it on screen. */
  async choose(e: Ev, closer = false): Promise<void> {
    const s = this.state, asked = ++this.asked;
    s.chosen = e;
    s.details = null;
    s.pair = null;
    if (s.only && !s.only.includes(e.p)) this.restrict([...s.only, e.p]);
    this.view.reveal(e.p, e.clock, closer);
    this.tell("panel");
    try {
      const details = await this.source.event(e);
      if (asked !== this.asked) return;
      s.details = details;
      say(`${e.name}, ${clockShown(s, e) ? "clock " + e.clock : "clock hidden"}, ${brief(e)}. ${details.words}`);
      this.tell("panel");
      this.redraw();
    } catch (e) {
      this.fail(e as Error);
    }
  }

  /** Takes the chosen event as the first of two. */
  pin(): void {
    const s = this.state;
    s.first = s.chosen;
    s.pair = null;
    if (s.first) say(`${s.first.name} is A. Go to another event and press Enter.`);
    this.tell("panel");
    this.redraw();
  }

  /** Shows the panel anew, after something in it was closed. */
  pinChanged(): void {
    this.tell("panel");
    this.redraw();
  }

  /** Explains how the first event stands to another one. */
  async explain(a: Ev, b: Ev): Promise<void> {
    if (sameAt(a, b)) return;
    const s = this.state;
    await this.choose(b);
    const asked = this.asked;
    try {
      const pair = await this.source.pair(a, b);
      if (asked !== this.asked) return;
      s.first = a;
      s.pair = pair;
      say(`${pair.relation === "both" ? "before and after" : pair.relation}: ${a.name} and ${b.name}`);
      this.tell("panel");
      this.redraw();
    } catch (e) {
      this.fail(e as Error);
    }
  }

  /** What Enter does. */
  async enter(): Promise<void> {
    const s = this.state;
    if (s.first && s.chosen && !sameAt(s.first, s.chosen)) await this.explain(s.first, s.chosen);
    else this.pin();
  }

  /** Lets go of the last thing that was chosen. */
  letGo(): void {
    const s = this.state;
    if (s.pair) s.pair = null;
    else if (s.first) s.first = null;
    else if (s.finding) s.finding = null;
    else {
      s.chosen = s.details = null;
      this.asked++;
    }
    this.tell("panel");
    this.redraw();
  }

  /** Shows a finding and goes to its event. */
  async showFinding(n: number): Promise<void> {
    const s = this.state;
    if (s.all.findings === 0) {
      say("The check found nothing.");
      return;
    }
    try {
      const [f] = await this.source.findings((n + s.all.findings) % s.all.findings, 1);
      s.finding = f;
      s.first = s.pair = null;
      const event = f.event?.event ?? f.other?.event;
      if (event) await this.choose(event, true);
      else this.tell("panel");
      const other = f.other?.event;
      if (event && other) this.both(event, other);
      say(`Finding ${f.number + 1} of ${s.all.findings}: ${f.rule}. ${s.hide ? "" : f.message}`);
    } catch (e) {
      this.fail(e as Error);
    }
  }

  /** Makes room for two events, where that leaves their neighbours to be told apart. */
  private both(a: Ev, b: Ev): void {
    const lo = Math.min(a.clock, b.clock), hi = Math.max(a.clock, b.clock), pad = Math.max(6, (hi - lo) * 0.2);
    if (hi - lo < (this.view.width - this.view.gutter) / 4) this.view.show(lo - pad, hi + pad, true);
  }

  /** Shows these processes alone; null for all. */
  restrict(only: number[] | null): void {
    const s = this.state;
    s.only = only && only.length < s.all.lanes.length ? [...only].sort((a, b) => a - b) : null;
    this.tiles.restrict(s.only);
    this.resize();
    this.tell("rows");
  }

  toggle(what: "fold" | "hide" | "table"): void {
    const s = this.state;
    s[what] = !s[what];
    if (what === "hide" && s.hide) s.guessed.clear();
    this.tell("panel");
    this.redraw();
  }

  /** Finds an event by its name, process:seq. */
  async named(name: string): Promise<Ev | null> {
    const hits = await this.source.search(name, 1);
    return hits.total === 1 && hits.events[0].name === name ? hits.events[0] : null;
  }

  /** Goes from the chosen event to another one; where none is chosen, to one in the middle. */
  async step(find: (from: Ev) => Promise<Ev | null>): Promise<void> {
    const s = this.state, rows = visibleRows(s);
    try {
      let to: Ev | null;
      if (s.chosen) to = await find(s.chosen);
      else {
        const [lo, hi] = this.view.clocks, p = rows.find((p) => s.all.lanes[p].events > 0);
        to = p === undefined ? null : await this.source.near(p, Math.max(1, (lo + hi) / 2));
      }
      if (to) await this.choose(to, !s.chosen);
      else say("There is no further event.");
    } catch (e) {
      this.fail(e as Error);
    }
  }

  /** The event at a place of the log; null where there is none. */
  async at(at: At): Promise<Ev | null> {
    if (at.pos < 0 || at.pos >= this.state.all.lanes[at.p].events) return null;
    const here = this.scene.events.find((e) => sameAt(e, at));
    if (here) return this.ofScene(here);
    return (await this.source.event(at)).event;
  }

  ofScene(e: { p: number; pos: number; seq: number; clock: number; mark: number; step: number; peer: number }): Ev {
    const lanes = this.state.all.lanes;
    return {
      p: e.p, pos: e.pos, seq: e.seq, clock: e.clock, mark: e.mark, name: `${lanes[e.p].name}:${e.seq}`,
      step: this.state.all.steps[e.step], peer: lanes[e.peer]?.name,
    };
  }

  /** The event that is drawn nearest to a point, within reach. */
  hit(x: number, y: number): Ev | null {
    const v = this.view;
    let best = null, least = 14;
    for (const e of this.scene.events) {
      const row = v.rowOf[e.p];
      if (row < 0) continue;
      const d = Math.hypot(v.x(e.clock) - x, v.y(row) - y);
      if (d < least) [best, least] = [e, d];
    }
    if (best) return this.ofScene(best);
    const fold = this.scene.folds.find((f) => v.rowOf[f.p] >= 0 && Math.abs(v.y(v.rowOf[f.p]) - y) < 10 && v.x(f.from) - 6 < x && x < v.x(f.to) + 6);
    return fold ? this.ofScene(fold.first) : null;
  }

  fail(e: Error): void {
    if (e instanceof Outdated) {
      void this.live.look();
      return;
    }
    const box = byId("failure");
    box.textContent = e.message;
    box.hidden = false;
    setTimeout(() => (box.hidden = true), 8000);
  }

  describe(): string {
    const { all } = this.state;
    const size = `${counted(all.events, "event")} of ${(all.lanes.length === 1 ? "1 process" : all.lanes.length + " processes")}, ` +
      counted(all.messages, "message");
    if (all.growing) return all.events === 0 ? "Running: nothing is logged yet." : `Running: ${size} so far.`;
    return `${size}. Check: ${all.verdict}${all.found ? ", " + counted(all.found, all.verdict === "pass" ? "warning" : "finding") : ""}.`;
  }
}

function same(a: Cover[], b: Cover[]): boolean {
  return a.length === b.length && a.every((c, i) => c.tile === b[i].tile && c.lo === b[i].lo && c.hi === b[i].hi);
}
