import type { Cover } from "./tiles";
import { CELL_FIELDS, EVENT_FIELDS, FLOW_FIELDS, LOCAL, MARK_KIND, MESSAGE_FIELDS, TILE_BUCKETS_LOG } from "./types";

export interface SceneEvent {
  p: number;
  pos: number;
  seq: number;
  clock: number;
  mark: number;
  step: number;
  peer: number;
}

/** A run of local events that is drawn as one. */
export interface Fold {
  p: number;
  first: SceneEvent;
  last: SceneEvent;
  from: number;
  to: number;
  n: number;
}

export interface SceneMessage {
  p: number;
  pos: number;
  sent: number;
  q: number;
  rpos: number;
  received: number;
}

/** Events of a process between two clocks, by kind. */
export interface Cell {
  p: number;
  from: number;
  to: number;
  n: number;
  finding: boolean;
}

export interface Flow {
  p: number;
  q: number;
  n: number;
  sent: number;
  received: number;
}

/** What is drawn: the tiles on screen put together, each thing once. */
export class Scene {
  events: SceneEvent[] = [];
  folds: Fold[] = [];
  messages: SceneMessage[] = [];
  cells: Cell[] = [];
  flows: Flow[] = [];
  /** Most events of one cell. */
  peak = 1;
  peakFlow = 1;
  /** Every tile on screen has its single events. */
  exact = true;

  constructor(readonly covers: Cover[], readonly fold: boolean) {
    const seen = new Set<number>();
    const lanes = new Map<number, SceneEvent[]>();
    for (const cover of covers) {
      if (cover.tile.exact) {
        this.addEvents(cover, lanes);
        this.addMessages(cover, seen);
      } else {
        this.exact = false;
        this.addCells(cover);
      }
    }
    for (const events of lanes.values()) this.addLane(events);
    for (const c of this.cells) this.peak = Math.max(this.peak, c.n / (c.to - c.from));
    for (const f of this.flows) this.peakFlow = Math.max(this.peakFlow, f.n);
  }

  private addEvents({ tile, lo, hi }: Cover, lanes: Map<number, SceneEvent[]>): void {
    const e = tile.events ?? [];
    for (let k = 0; k < e.length; k += EVENT_FIELDS) {
      if (e[k + 3] < lo || e[k + 3] >= hi) continue;
      const lane = lanes.get(e[k]) ?? [];
      lanes.set(e[k], lane);
      lane.push({ p: e[k], pos: e[k + 1], seq: e[k + 2], clock: e[k + 3], mark: e[k + 4], step: e[k + 5], peer: e[k + 6] });
    }
  }

  private addMessages({ tile }: Cover, seen: Set<number>): void {
    const m = tile.messages ?? [];
    for (let k = 0; k < m.length; k += MESSAGE_FIELDS) {
      const id = m[k + 3] * 2 ** 31 + m[k + 4];
      if (seen.has(id)) continue;
      seen.add(id);
      this.messages.push({ p: m[k], pos: m[k + 1], sent: m[k + 2], q: m[k + 3], rpos: m[k + 4], received: m[k + 5] });
    }
  }

  private addCells({ tile, lo, hi }: Cover): void {
    const c = tile.cells ?? [], start = tile.i * 2 ** tile.z, width = 2 ** Math.max(0, tile.z - TILE_BUCKETS_LOG);
    for (let k = 0; k < c.length; k += CELL_FIELDS) {
      const from = start + c[k + 1] * width;
      if (from < lo || from >= hi) continue;
      const n = (this.fold ? 0 : c[k + 2]) + c[k + 3] + c[k + 4];
      if (n > 0) this.cells.push({ p: c[k], from, to: from + width, n, finding: c[k + 5] > 0 });
    }
    const f = tile.flows ?? [];
    for (let k = 0; k < f.length; k += FLOW_FIELDS) {
      if (f[k + 3] < lo || f[k + 3] >= hi) continue;
      this.flows.push({ p: f[k], q: f[k + 1], n: f[k + 2], sent: f[k + 3], received: f[k + 4] });
    }
  }

  /** Takes the events of a process, and where local events are folded makes one of each run of them. */
  private addLane(events: SceneEvent[]): void {
    if (!this.fold) {
      this.events.push(...events);
      return;
    }
    events.sort((a, b) => a.pos - b.pos);
    for (let i = 0; i < events.length; ) {
      let end = i;
      while (end < events.length && (events[end].mark & ~MARK_KIND) === 0 && (events[end].mark & MARK_KIND) === LOCAL &&
        (end === i || events[end].pos === events[end - 1].pos + 1)) end++;
      if (end - i < 2) {
        this.events.push(events[i++]);
        continue;
      }
      const first = events[i], last = events[end - 1];
      this.folds.push({ p: first.p, first, last, from: first.clock, to: last.clock, n: end - i });
      i = end;
    }
  }
}
