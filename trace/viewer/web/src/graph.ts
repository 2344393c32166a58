// Happens-before of a trace that is in the page: the algorithms of the Go package trace/causal, which its documentation explains.
// Tests compare the two.
import { sameAt, type At } from "./types";

const NONE = 2 ** 31 - 1;

export interface Received {
  pos: number;
  send: At;
}

interface Stair {
  pos: number;
  offset: number;
  send: At;
}

interface Band {
  layer: number;
  from: number;
  to: number;
  stairs: Stair[];
}

export interface Path {
  events: At[];
  messages: number;
  steps: number;
}

export class Graph {
  private heard: number[][];

  /** Takes of each process its number of events and its receives, in the order of its log. */
  constructor(private lengths: number[], private receives: Received[][]) {
    const heard = lengths.map(() => new Set<number>());
    receives.forEach((list, p) => list.forEach((r) => heard[r.send.p].add(p)));
    this.heard = heard.map((s) => [...s]);
  }

  cause(at: At): At | undefined {
    return this.receives[at.p].find((r) => r.pos === at.pos)?.send;
  }

  /** Of each process how many events happened before. */
  past(of: At): number[] {
    const past = this.lengths.map(() => 0), read = this.lengths.map(() => 0);
    past[of.p] = of.pos;
    const grow = (send: At) => (past[send.p] = Math.max(past[send.p], send.pos + 1));
    const own = this.receives[of.p].find((r) => r.pos === of.pos);
    if (own) grow(own.send);
    for (let more = true; more; ) {
      more = false;
      this.receives.forEach((list, p) => {
        while (read[p] < list.length && list[read[p]].pos < past[p]) {
          grow(list[read[p]++].send);
          more = true;
        }
      });
    }
    return past;
  }

  /** Of each process the place of the first event that happened after; its length where there is none. */
  future(of: At): number[] {
    const future = this.lengths.map(() => NONE);
    future[of.p] = of.pos + 1;
    const queue = [...this.heard[of.p]];
    while (queue.length > 0) {
      const p = queue.shift()!;
      const first = this.receives[p].find((r) => r.pos < future[p] && (sameAt(r.send, of) || r.send.pos >= future[r.send.p]));
      if (first) {
        future[p] = first.pos;
        queue.push(...this.heard[p].filter((h) => !queue.includes(h)));
      }
    }
    return future.map((n, p) => Math.min(n, this.lengths[p]));
  }

  /** A causal path of the fewest messages, and of these of the fewest steps. */
  path(from: At, to: At): Path | null {
    const past = this.past(to);
    if (from.pos >= past[from.p]) return null;
    const first = this.lengths.map(() => NONE), bands: Band[][] = this.lengths.map(() => []);
    const add = (p: number, b: Band) => {
      b.to = first[p];
      bands[p].push(b);
      first[p] = b.from;
    };
    const find = (at: At) => bands[at.p].findLast((b) => at.pos >= b.from && at.pos < b.to);
    add(from.p, { layer: 0, from: from.pos, to: 0, stairs: [{ pos: from.pos, offset: -from.pos, send: from }] });
    let fresh = [from.p];
    for (let layer = 0; first[to.p] > to.pos; layer++) {
      const next: [number, Band][] = [];
      for (const p of new Set(fresh.flatMap((p) => this.heard[p]))) {
        const band = this.extend(p, layer, Math.min(p === to.p ? Math.max(past[p], to.pos + 1) : past[p], first[p]), find);
        if (band.stairs.length > 0) next.push([p, band]);
      }
      if (next.length === 0) return null;
      for (const [p, band] of next) add(p, band);
      fresh = next.map(([p]) => p);
    }
    return back(to, find);
  }

  private extend(p: number, layer: number, end: number, find: (at: At) => Band | undefined): Band {
    const next: Band = { layer: layer + 1, from: 0, to: 0, stairs: [] };
    for (const r of this.receives[p]) {
      if (r.pos >= end) break;
      const b = find(r.send);
      if (!b || b.layer !== layer) continue;
      const offset = stair(b, r.send.pos).offset + r.send.pos + 1 - r.pos;
      if (next.stairs.length === 0) next.from = r.pos;
      else if (offset >= next.stairs.at(-1)!.offset) continue;
      next.stairs.push({ pos: r.pos, offset, send: r.send });
    }
    return next;
  }
}

function stair(b: Band, pos: number): Stair {
  return b.stairs.findLast((s) => s.pos <= pos)!;
}

function back(to: At, find: (at: At) => Band | undefined): Path {
  const events: At[] = [];
  const add = (at: At) => {
    if (!sameAt(events.at(-1), at)) events.push(at);
  };
  let at = to, b = find(at)!;
  const path = { events, messages: b.layer, steps: stair(b, at.pos).offset + at.pos };
  for (; b.layer > 0; b = find(at)!) {
    const s = stair(b, at.pos);
    add(at);
    add({ p: at.p, pos: s.pos });
    at = s.send;
  }
  add(at);
  add({ p: at.p, pos: b.stairs[0].pos });
  events.reverse();
  return path;
}
