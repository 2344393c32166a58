import { Graph, type Path, type Received } from "./graph";
import { parseQuery, type Query } from "./query";
import { expect, originText, pairText, type Entry, type Gaps } from "./text";
import {
  FINDING, MARK_KIND, sameAt, TILE_BUCKETS_LOG,
  type At, type Cone, type Details, type Ev, type Finding, type Hits, type Overview, type Pair, type Relation, type Source, type Tile,
} from "./types";

/** All that the page can ask about a trace: see the Go type pageData. */
export interface Data {
  overview: Overview;
  findings: Finding[];
  cut: string[] | null;
  missing: string[] | null;
  strings: string[];
  lanes: Column[];
  messages: number[] | null;
}

interface Column {
  seq: number[] | null;
  clock: number[];
  mark: number[];
  step: number[];
  peer: number[];
  peerName: number[];
  request: number[];
  write: number[];
  account: number[];
  to: number[];
  cause: number[];
  stamp: number[];
  file: number[];
  line: number[];
  words: number[];
  raw: number[];
}

/** Returns the trace that the page holds; null where a server has it. */
export async function embedded(): Promise<Data | null> {
  const held = document.getElementById("trace-data");
  if (!held) return null;
  const packed = Uint8Array.from(atob(held.textContent!.trim()), (c) => c.charCodeAt(0));
  held.remove();
  const text = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(text).json();
}

const TILE_EVENTS = 6000, TILE_LANE = 96, TILE_MESSAGES = 6000, TILE_FLOWS = 4000, MOST_RECEIVES = 20;

/** Answers what the server would, from a trace that the page holds. */
export class Local implements Source {
  private graph: Graph;
  private orders: number[][]; // of each process its places by clock
  private gaps: Gaps;
  private messages: { send: At; receive: At; low: number; high: number }[] = [];

  constructor(private data: Data) {
    this.gaps = { cut: data.cut ?? [], missing: data.missing ?? [] };
    const m = data.messages ?? [], receives: Received[][] = data.lanes.map(() => []);
    for (let i = 0; i < m.length; i += 4) {
      const send = { p: m[i], pos: m[i + 1] }, receive = { p: m[i + 2], pos: m[i + 3] };
      const [a, b] = [this.clock(send), this.clock(receive)];
      this.messages.push({ send, receive, low: Math.min(a, b), high: Math.max(a, b) });
      receives[receive.p].push({ pos: receive.pos, send });
    }
    receives.forEach((list) => list.sort((a, b) => a.pos - b.pos));
    this.graph = new Graph(data.lanes.map((l) => l.seq?.length ?? 0), receives);
    this.orders = data.lanes.map((l) => (l.clock ?? []).map((_, i) => i).sort((a, b) => l.clock[a] - l.clock[b] || a - b));
  }

  private clock(at: At): number {
    return this.data.lanes[at.p].clock[at.pos];
  }

  async overview(): Promise<Overview> {
    return this.data.overview;
  }

  async findings(from: number, limit: number): Promise<Finding[]> {
    return this.data.findings.slice(from, from + limit);
  }

  private ev(at: At): Ev {
    const l = this.data.lanes[at.p], i = at.pos, text = this.data.strings, seq = l.seq![i];
    const e: Ev = { p: at.p, pos: i, name: `${this.data.overview.lanes[at.p].name}:${seq}`, seq, clock: l.clock[i], mark: l.mark[i] };
    const set = (key: "step" | "peer" | "request" | "write" | "account" | "to_account", value: string) => {
      if (value) e[key] = value;
    };
    set("step", this.data.overview.steps[l.step[i]]);
    set("peer", text[l.peerName[i]]);
    set("request", text[l.request[i]]);
    set("write", text[l.write[i]]);
    set("account", text[l.account[i]]);
    set("to_account", text[l.to[i]]);
    return e;
  }

  private entry = (at: At): Entry => {
    const l = this.data.lanes[at.p], i = at.pos, text = this.data.strings, e = this.ev(at);
    return {
      ...at, name: e.name, process: this.data.overview.lanes[at.p].name, seq: e.seq, clock: e.clock, kind: e.mark & MARK_KIND,
      peer: text[l.peerName[i]], cause: l.cause[i], stamp: l.stamp[i], words: text[l.words[i]], file: text[l.file[i]], line: l.line[i],
    };
  };

  async tile(z: number, i: number, only: number[] | null): Promise<Tile> {
    const lo = i * 2 ** z, hi = lo + 2 ** z - 1, shown = (p: number) => !only || only.includes(p);
    const inside = this.orders.map((order, p) =>
      shown(p) ? order.filter((pos) => this.data.lanes[p].clock[pos] >= lo && this.data.lanes[p].clock[pos] <= hi) : []);
    const total = inside.reduce((n, list) => n + list.length, 0), most = Math.max(0, ...inside.map((list) => list.length));
    const t: Tile = { z, i, exact: total <= TILE_EVENTS && most <= TILE_LANE };
    if (t.exact) this.exact(t, lo, hi, inside, shown);
    else this.count(t, lo, hi, inside, shown);
    return t;
  }

  private exact(t: Tile, lo: number, hi: number, inside: number[][], shown: (p: number) => boolean): void {
    const events: number[] = [], messages: number[] = [];
    inside.forEach((list, p) => {
      const l = this.data.lanes[p];
      for (const pos of list) events.push(p, pos, l.seq![pos], l.clock[pos], l.mark[pos], l.step[pos], l.peer[pos]);
    });
    const under = this.messages.filter((m) => m.low <= hi && m.high >= lo && shown(m.send.p) && shown(m.receive.p));
    if (under.length > TILE_MESSAGES) t.more = true;
    for (const { send, receive } of under.slice(0, TILE_MESSAGES)) {
      messages.push(send.p, send.pos, this.clock(send), receive.p, receive.pos, this.clock(receive));
    }
    if (events.length > 0) t.events = events;
    if (messages.length > 0) t.messages = messages;
  }

  private count(t: Tile, lo: number, hi: number, inside: number[][], shown: (p: number) => boolean): void {
    t.cells = [];
    const width = 2 ** Math.max(0, t.z - TILE_BUCKETS_LOG);
    inside.forEach((list, p) => {
      const l = this.data.lanes[p], cells = new Map<number, number[]>();
      for (const pos of list) {
        const b = Math.floor((l.clock[pos] - lo) / width), c = cells.get(b) ?? [0, 0, 0, 0];
        cells.set(b, c);
        c[(l.mark[pos] & MARK_KIND) - 1]++;
        if (l.mark[pos] & FINDING) c[3]++;
      }
      for (const [b, c] of cells) t.cells!.push(p, b, ...c);
    });
    const flows = new Map<string, { column: number; from: number; to: number; n: number; sent: number; received: number }>();
    const column = 2 ** Math.max(0, t.z - 3);
    for (const m of this.messages) {
      if (m.low < lo || m.low > hi || !shown(m.send.p) || !shown(m.receive.p)) continue;
      const k = { column: Math.floor((m.low - lo) / column), from: m.send.p, to: m.receive.p }, key = JSON.stringify(k);
      const f = flows.get(key) ?? { ...k, n: 0, sent: 0, received: 0 };
      flows.set(key, f);
      f.n++;
      f.sent += this.clock(m.send);
      f.received += this.clock(m.receive);
    }
    const strongest = [...flows.values()].sort((a, b) => b.n - a.n || a.column - b.column || a.from - b.from || a.to - b.to);
    const list = strongest.slice(0, TILE_FLOWS).flatMap((f) => [f.from, f.to, f.n, Math.floor(f.sent / f.n), Math.floor(f.received / f.n)]);
    if (list.length > 0) t.flows = list;
  }

  async event(at: At): Promise<Details> {
    const e = this.entry(at), text = this.data.strings, l = this.data.lanes[at.p];
    const beforeAt = at.pos > 0 ? { p: at.p, pos: at.pos - 1 } : undefined, sendAt = this.graph.cause(at);
    const before = beforeAt && this.entry(beforeAt), send = sendAt && this.entry(sendAt);
    const expected = expect(e, before, send), { cone, both } = this.cone(at), { overview, findings } = this.data;
    const vector = overview.lanes.flatMap((_, p) => (p === at.p ? [e.name] : cone.past[p] > 0 ? [this.ev({ p, pos: cone.past[p] - 1 }).name] : []));
    const d: Details = {
      event: this.ev(at), words: e.words, file: e.file, line: e.line, raw: text[l.raw[at.pos]], expected, cone,
      text: originText({ e, before, send, expected, counts: cone.counts, both, events: overview.events, vector }, this.gaps),
    };
    if (beforeAt) d.before = this.ev(beforeAt);
    if (sendAt) d.send = this.ev(sendAt);
    const received = this.messages.filter((m) => sameAt(m.send, at)).slice(0, MOST_RECEIVES);
    if (received.length > 0) d.receives = received.map((m) => this.ev(m.receive));
    const about = findings.filter((f) => sameAt(f.event?.event, at)).map((f) => f.number);
    if (about.length > 0) d.findings = about;
    return d;
  }

  private cone(of: At): { cone: Cone; both: number } {
    const past = this.graph.past(of), future = this.graph.future(of), lengths = this.data.lanes.map((l) => l.seq?.length ?? 0);
    const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);
    const before = sum(past), after = sum(future.map((n, p) => lengths[p] - n));
    const both = sum(past.map((n, p) => Math.max(0, n - future[p])));
    const concurrent = sum(lengths) - before - after + both - (both === 0 ? 1 : 0);
    const pastClock = past.map((n, p) => (n > 0 ? this.data.lanes[p].clock[n - 1] : 0));
    const futureClock = future.map((n, p) => (n < lengths[p] ? this.data.lanes[p].clock[n] : 0));
    return { cone: { past, future, pastClock, futureClock, counts: [before, after, concurrent] }, both };
  }

  async pair(a: At, b: At): Promise<Pair> {
    if (sameAt(a, b)) throw new Error("both are one event; name two");
    const ofA = this.graph.past(a), ofB = this.graph.past(b), before = a.pos < ofB[a.p], after = b.pos < ofA[b.p];
    const relation: Relation = before && after ? "both" : before ? "before" : after ? "after" : "concurrent";
    const forth = before ? this.graph.path(a, b) : null, back = after ? this.graph.path(b, a) : null;
    const latest = (past: number[], p: number) => (past[p] > 0 ? this.ev({ p, pos: past[p] - 1 }).name : "");
    const answer = { a: this.entry(a), b: this.entry(b), relation, forth, back, aKnows: latest(ofA, b.p), bKnows: latest(ofB, a.p) };
    const pair: Pair = { a: this.ev(a), b: this.ev(b), relation, text: pairText(answer, this.entry, this.gaps) };
    const path: Path | null = forth ?? back;
    if (path) pair.path = path.events.map((at) => this.ev(at));
    return pair;
  }

  async near(p: number, clock: number): Promise<Ev> {
    const order = this.orders[p], l = this.data.lanes[p], name = this.data.overview.lanes[p].name;
    if (order.length === 0) throw new Error(`${name} has no events`);
    let k = order.findIndex((pos) => l.clock[pos] >= clock);
    if (k < 0) k = order.length;
    if (k === order.length || (k > 0 && clock - l.clock[order[k - 1]] < l.clock[order[k]] - clock)) k--;
    return this.ev({ p, pos: order[k] });
  }

  async search(text: string, limit: number): Promise<Hits> {
    const q = parseQuery(text, this.data.overview), found: Ev[] = [];
    this.orders.forEach((order, p) => order.forEach((pos) => {
      if (this.roughly({ p, pos }, q)) {
        const e = this.ev({ p, pos });
        if (q.fits(e, this.data.overview.lanes[p].name)) found.push(e);
      }
    }));
    found.sort((a, b) => a.clock - b.clock || a.p - b.p || a.pos - b.pos);
    if (q.ref) return { total: Math.min(1, found.length), events: found.slice(0, 1) };
    return { total: found.length, events: found.slice(0, limit) };
  }

  private roughly(at: At, q: Query): boolean {
    return !q.ref || this.data.lanes[at.p].seq![at.pos] === q.ref.seq;
  }
}
