// The answers of `bank-trace explain` in words, for a page without a server: as the Go package trace/causal writes them. Tests
// compare the two.
import { RECEIVE, kindName, type Expected, type Relation } from "./types";
import type { Path } from "./graph";

/** An event, and what its line says. */
export interface Entry {
  p: number;
  pos: number;
  name: string;
  process: string;
  seq: number;
  clock: number;
  kind: number;
  peer: string;
  cause: number;
  stamp: number;
  words: string;
  file: string;
  line: number;
}

export interface Origin {
  e: Entry;
  before?: Entry;
  send?: Entry;
  expected: Expected;
  counts: [number, number, number];
  both: number;
  events: number;
  vector: string[];
}

export interface Gaps {
  cut: string[];
  missing: string[];
}

export function expect(e: Entry, before?: Entry, send?: Entry): Expected {
  const x = { known: e.seq === 1, least: 0, own: 0, message: 0, stamp: false };
  if (before) {
    x.own = before.clock;
    x.known = before.seq + 1 === e.seq;
  }
  if (e.kind === RECEIVE) {
    if (send) x.message = send.clock;
    else if (e.stamp > 0) {
      x.message = e.stamp;
      x.stamp = true;
    } else x.known = false;
  }
  x.least = Math.max(x.own, x.message) + 1;
  return x;
}

export function originText(o: Origin, gaps: Gaps): string {
  const { e, expected: x } = o;
  let head = `${e.name} has clock ${e.clock}; what to expect is not known`;
  if (x.known && x.least === e.clock) head = `${e.name} has clock ${e.clock}, as expected`;
  else if (x.known && e.clock > x.least) head = `${e.name} has clock ${e.clock}, where ${x.least} would do`;
  else if (x.known) head = `${e.name} has clock ${e.clock}, expected ${x.least}`;
  else if (e.clock < x.least) head = `${e.name} has clock ${e.clock}, expected at least ${x.least}`;
  let s = `${head}\n\n${e.words} (${e.file}:${e.line})\n\n${para(why(o))}`;
  const wrong = difference(o);
  if (wrong) s += para(wrong);
  const [past, future, concurrent] = o.counts;
  s += "\n" + para(`Of ${counted(o.events, "event")} in the trace ${past} happened before it, ${future} after it, and ${concurrent} are concurrent with it.`);
  if (o.both > 0) {
    s += para(`It is on a cycle: ${counted(o.both, "event")} happened both before it and after it, itself included, which cannot be. (bank-trace explain causality/cycle)`);
  }
  const most = 40, more = o.vector.length - most;
  const names = o.vector.slice(0, most).join(" ") + (more > 0 ? ` and of ${more} processes more` : "");
  return s + para(`Its vector clock, the latest of each process that it knows: ${names}.`) + gapText(gaps);
}

function why({ e, before, send, expected: x }: Origin): string {
  let own = "It is the first event of its process, so its own clock was 0.";
  if (before && before.seq + 1 === e.seq) own = `The event before it in its log, ${before.name}, has clock ${x.own}.`;
  else if (before) own = `The event before it in its log, ${before.name}, has clock ${x.own}; what may lie between them is not in the log.`;
  else if (e.seq > 1) own = "What came before it is not in its log, so its own clock is not known.";
  if (e.kind !== RECEIVE) return `${own} A ${kindName(e.kind)} event has one more: ${x.own} + 1 = ${x.least}.`;
  const cause = `${e.peer}:${e.cause}`;
  let sent = `Its cause ${cause} is no send in the trace, and it names no stamp.`;
  if (send) sent = `The send that it received, ${send.name}, has clock ${x.message}.`;
  else if (x.stamp) sent = `Its cause ${cause} is no send in the trace; by its stamp the message carried ${x.message}.`;
  if (x.message === 0) return `${own} ${sent} A receive has one more than the higher of the two.`;
  let set = "the message set it";
  if (x.own > x.message) set = "the event before it set it, and the message made no difference";
  else if (x.own === x.message) set = "both set it";
  return `${own} ${sent} A receive has one more than the higher of the two: max(${x.own}, ${x.message}) + 1 = ${x.least}; ${set}.`;
}

function difference({ e, send, expected: x }: Origin): string {
  const wrong: string[] = [];
  if (e.clock <= x.own) wrong.push(`${e.clock} is not higher than the clock before it, ${x.own} (clock/not-increasing).`);
  if (send && e.clock <= x.message) wrong.push(`${e.clock} is not higher than the clock of its send, ${x.message} (clock/receive-not-after-send).`);
  if (send && e.stamp > 0 && e.stamp !== x.message) {
    wrong.push(`It took stamp ${e.stamp} from its message, and the send has clock ${x.message} (clock/stamp-mismatch).`);
  }
  if (send && send.peer && send.peer !== e.process) wrong.push(`The message was sent to ${send.peer} (message/misdelivered).`);
  if (x.known && e.clock > x.least) {
    wrong.push(`${e.clock} is ${e.clock - x.least} higher than it need be: clocks may skip values, but with --strict (clock/not-exact) they may not.`);
  }
  return wrong.join(" ");
}

export interface PairAnswer {
  a: Entry;
  b: Entry;
  relation: Relation;
  forth: Path | null;
  back: Path | null;
  aKnows: string;
  bKnows: string;
}

export function pairText(p: PairAnswer, entry: (at: { p: number; pos: number }) => Entry, gaps: Gaps): string {
  const { a, b } = p;
  const trailOf = (t: Path) => trail(t, t.events.map(entry));
  let s = "";
  switch (p.relation) {
    case "before":
      s = "before\n" + para(`${a.name} happened before ${b.name}: ${length(p.forth!)}.`) + trailOf(p.forth!);
      break;
    case "after":
      s = "after\n" + para(`${a.name} happened after ${b.name}: ${length(p.back!)}.`) + trailOf(p.back!);
      break;
    case "both":
      s = "before\n" + para(`${a.name} happened before ${b.name}, and after it: they are on a cycle, which cannot be. The logs are wrong. ` +
        "(bank-trace explain causality/cycle)") + para(`There: ${length(p.forth!)}.`) + trailOf(p.forth!) + "\n" +
        para(`And back: ${length(p.back!)}.`) + trailOf(p.back!);
      break;
    default:
      s = "concurrent\n" + para(`No chain of messages leads from ${a.name} to ${b.name} or back: neither can have had an influence on the other.`) +
        rows([a, b]).map((r) => `  ${r}\n`).join("") + knows(a, b, p.aKnows) + knows(b, a, p.bKnows);
  }
  s += "\n" + para("The clocks alone: " + numbers(a, b, p.relation));
  return s + (p.relation === "concurrent" ? gapText(gaps) : "");
}

function knows(a: Entry, b: Entry, latest: string): string {
  return para(latest ? `${a.name} knows ${b.process} up to ${latest}, and ${b.name} came later.` : `${a.name} knows nothing of ${b.process}.`);
}

function numbers(a: Entry, b: Entry, is: Relation): string {
  const [low, high] = b.clock < a.clock ? [b, a] : [a, b];
  const told = `${low.clock} is lower than ${high.clock}, so ${high.name} did not happen before ${low.name}.`;
  if (is === "both") return `they are ${a.clock} and ${b.clock}; no clocks can be right for events on a cycle.`;
  if (a.clock === b.clock && is === "concurrent") {
    return `both are ${a.clock}, and of two events with the same clock neither happened before the other: they tell it all.`;
  }
  if (a.clock === b.clock) return `both are ${a.clock}, which would make the two concurrent. They are not: a clock is wrong (bank-trace check names it).`;
  if ((is === "before" && low === b) || (is === "after" && low === a)) return told + " But it did: a clock is wrong (bank-trace check names it).";
  if (is === "concurrent") return `${told} Whether ${low.name} happened before ${high.name} they cannot tell: it did not.`;
  return `${told} Whether ${low.name} happened before ${high.name}, or the two are concurrent, they cannot tell.`;
}

function length(t: Path): string {
  if (t.messages === 0) return `it follows in the same log, ${counted(t.steps, "event")} on`;
  return `a shortest causal path has ${counted(t.messages, "message")} and ${counted(t.steps, "step")}`;
}

function trail(t: Path, entries: Entry[]): string {
  const lines = rows(entries);
  if (t.messages === 0) return lines.map((r) => `  ${r}\n`).join("");
  let s = "\n";
  const overMessage = (i: number) => t.events[i - 1].p !== t.events[i].p || t.events[i - 1].pos > t.events[i].pos;
  entries.forEach((e, i) => {
    const between = i === 0 || overMessage(i) ? 0 : t.events[i].pos - t.events[i - 1].pos - 1;
    if (between > 0) s += `     … ${counted(between, "event")} of ${e.process}\n`;
    const to = entries[i + 1];
    const astray = to && overMessage(i + 1) && e.peer && e.peer !== to.process ? `; ${to.process} received it` : "";
    s += `${String(i + 1).padStart(3)}. ${lines[i]}${astray}\n`;
  });
  return s;
}

function rows(entries: Entry[]): string[] {
  const width = Math.max(...entries.map((e) => runes(e.name))), digits = Math.max(...entries.map((e) => String(e.clock).length));
  return entries.map((e) => {
    const name = e.name + " ".repeat(width - runes(e.name));
    return `${name}  clock ${String(e.clock).padStart(digits)}  ${kindName(e.kind).padEnd(7)}  ${e.words}`;
  });
}

function gapText({ cut, missing }: Gaps): string {
  let s = "";
  if (cut.length > 0) s += para(`Not known: what ${some(cut)} did after the end of the log, which was cut off.`);
  if (missing.length > 0) s += para(`Not known: what ${some(missing)} did, of which there is no log.`);
  if (s) s += para("Events that are concurrent by the logs may have been ordered by it.");
  return s;
}

function some(names: string[]): string {
  const list = names.length > 5 ? [...names.slice(0, 5), `${names.length - 5} more`] : names;
  return list.length < 2 ? list.join("") : list.slice(0, -1).join(", ") + " and " + list.at(-1);
}

function counted(n: number, thing: string): string {
  return n === 1 ? `1 ${thing}` : `${n} ${thing}s`;
}

function runes(s: string): number {
  return [...s].length;
}

/** A paragraph, broken into lines of at most 80 columns. */
function para(text: string): string {
  let s = "", column = 0;
  for (const word of text.split(/\s+/).filter((w) => w)) {
    const n = runes(word);
    if (column > 0 && column + 1 + n > 80) {
      s += "\n";
      column = 0;
    } else if (column > 0) {
      s += " ";
      column++;
    }
    s += word;
    column += n;
  }
  return s + "\n";
}
