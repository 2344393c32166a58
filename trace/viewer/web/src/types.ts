// What the page and its source of answers say to each other. See doc.go and the Go types of the same names.

export const LOCAL = 1, SEND = 2, RECEIVE = 3;
export const MARK_KIND = 3, FINDING = 4, LOST = 8, IN_FLIGHT = 16, ORPHAN = 32, DUPLICATE = 64;

export interface Lane {
  name: string;
  role?: string;
  events: number;
  clocks: [number, number];
  logged: boolean;
  cut?: boolean;
  restarts?: [number, number][];
}

export interface Overview {
  name: string;
  events: number;
  messages: number;
  clocks: [number, number];
  lanes: Lane[];
  steps: string[];
  verdict: string;
  findings: number;
  found: number;
  /** There is more to come, and no verdict yet. */
  growing?: boolean;
  generation: number;
}

/** An event of the log of process p, at place pos, both from 0. */
export interface At {
  p: number;
  pos: number;
}

export interface Ev extends At {
  name: string;
  seq: number;
  clock: number;
  mark: number;
  step?: string;
  peer?: string;
  request?: string;
  write?: string;
  account?: string;
  to_account?: string;
}

export interface Place {
  file: string;
  line?: number;
  event?: Ev;
}

export interface Finding {
  number: number;
  rule: string;
  severity: string;
  message: string;
  expected?: string;
  event?: Place;
  other?: Place;
  path?: Ev[];
  cause?: number;
  statement?: string;
  mistake?: string;
}

/** Flat lists of numbers: see the Go type tile. */
export interface Tile {
  z: number;
  i: number;
  exact: boolean;
  events?: number[];
  messages?: number[];
  more?: boolean;
  cells?: number[];
  flows?: number[];
}

export const EVENT_FIELDS = 7, MESSAGE_FIELDS = 6, CELL_FIELDS = 6, FLOW_FIELDS = 5;
export const TILE_BUCKETS_LOG = 7;

export interface Expected {
  known: boolean;
  least: number;
  own: number;
  message: number;
  stamp: boolean;
}

/** Of each process how many events happened before, and the place of the first that happened after. */
export interface Cone {
  past: number[];
  future: number[];
  pastClock: number[];
  futureClock: number[];
  counts: [number, number, number];
}

export interface Details {
  event: Ev;
  words: string;
  file: string;
  line: number;
  raw: string;
  text: string;
  expected: Expected;
  before?: Ev;
  send?: Ev;
  receives?: Ev[];
  cone: Cone;
  findings?: number[];
}

export type Relation = "before" | "after" | "concurrent" | "both";

export interface Pair {
  a: Ev;
  b: Ev;
  relation: Relation;
  path?: Ev[];
  text: string;
}

export interface Hits {
  total: number;
  events: Ev[];
}

/** Says that processes have other numbers by now than a question had. */
export class Outdated extends Error {}

/** Where answers come from: a server, or the page itself. */
export interface Source {
  overview(): Promise<Overview>;
  findings(from: number, limit: number): Promise<Finding[]>;
  tile(z: number, i: number, only: number[] | null): Promise<Tile>;
  event(at: At): Promise<Details>;
  pair(a: At, b: At): Promise<Pair>;
  near(p: number, clock: number): Promise<Ev>;
  search(q: string, limit: number): Promise<Hits>;
}

export function sameAt(a: At | null | undefined, b: At | null | undefined): boolean {
  return !!a && !!b && a.p === b.p && a.pos === b.pos;
}

export type Side = "self" | "past" | "future" | "concurrent" | "both";

/** How an event stands to the one that the cone is of. */
export function side(cone: Cone, of: At, at: At): Side {
  if (sameAt(of, at)) return "self";
  const past = at.pos < cone.past[at.p], future = at.pos >= cone.future[at.p];
  if (past && future) return "both";
  return past ? "past" : future ? "future" : "concurrent";
}

export function kindName(mark: number): string {
  return ["event", "local", "send", "receive"][mark & MARK_KIND];
}

export function kindSign(mark: number): string {
  return ["?", "\u25cf", "\u25b2", "\u25bc"][mark & MARK_KIND];
}

/** What an event is, in short, without its clock. */
export function brief(e: Ev): string {
  const kind = kindName(e.mark);
  const to = e.peer ? (kind === "receive" ? ` from ${e.peer}` : ` to ${e.peer}`) : "";
  const about = e.write || e.request;
  return `${e.step ? e.step + " " : ""}${kind}${to}${about ? ", " + about : ""}${trouble(e.mark)}`;
}

/** What is odd about an event. */
export function trouble(mark: number): string {
  let s = "";
  if (mark & FINDING) s += ", a finding is about it";
  if (mark & LOST) s += ", lost: never received";
  if (mark & IN_FLIGHT) s += ", in flight where the logs end";
  if (mark & ORPHAN) s += ", without a send";
  if (mark & DUPLICATE) s += ", received before";
  return s;
}
