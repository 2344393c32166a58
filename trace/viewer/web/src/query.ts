import { LOCAL, MARK_KIND, RECEIVE, SEND, type Ev, type Overview } from "./types";

/** What events are searched by: see the Go type query. Tests compare the two. */
export interface Query {
  ref: { process: string; seq: number } | null;
  fits(e: Ev, process: string): boolean;
}

const MOST = 2 ** 53;
const KINDS: Record<string, number> = { local: LOCAL, send: SEND, receive: RECEIVE };
const FORMS = "a process, an event (branch-1:5), a request or write (customer-1/3), a clock (17 or 10..20), a kind, a step, an account; " +
  "or process= clock= kind= step= request= write= account= peer=, several separated by spaces";

type Test = (e: Ev, process: string) => boolean;

export function parseQuery(text: string, all: Overview): Query {
  const words = text.split(/[ ,\t]+/).filter((w) => w);
  if (words.length === 0) throw new Error(`nothing to search for; type ${FORMS}`);
  const tests = new Map<string, Test>();
  let ref: Query["ref"] = null;
  for (const word of words) {
    const cut = word.indexOf("=");
    const key = cut < 0 ? guess(word, all) : word.slice(0, cut), value = cut < 0 ? word : word.slice(cut + 1);
    if (!value) throw new Error(`"${word}": ${key} has no value; type ${FORMS}`);
    if (key === "event") ref = parseRef(value);
    tests.set(key, test(key, value, all, word));
  }
  if (ref) return { ref, fits: (e, process) => process === ref.process && e.seq === ref.seq };
  return { ref, fits: (e, process) => [...tests.values()].every((fits) => fits(e, process)) };
}

function guess(word: string, all: Overview): string {
  if (all.lanes.some((l) => l.name === word)) return "process";
  if (parseRef(word)) return "event";
  if (parseClocks(word)) return "clock";
  if (word in KINDS) return "kind";
  if (all.steps.includes(word)) return "step";
  if (isID(word)) return "either";
  return "account";
}

function test(key: string, value: string, all: Overview, word: string): Test {
  const wrong = (why: string): never => {
    throw new Error(`"${word}": ${why}; type ${FORMS}`);
  };
  switch (key) {
    case "process": return (_, process) => process === value;
    case "event": return () => true;
    case "clock": {
      const c = parseClocks(value) ?? wrong(`"${value}" is no clock from 1 to 2^53`);
      return (e) => e.clock >= c[0] && e.clock <= c[1];
    }
    case "kind": {
      const kind = KINDS[value] ?? wrong(`"${value}" is no kind`);
      return (e) => (e.mark & MARK_KIND) === kind;
    }
    case "step": return all.steps.includes(value) ? (e) => e.step === value : wrong(`"${value}" is no step`);
    case "request": return isID(value) ? (e) => e.request === value : wrong(`"${value}" is no request`);
    case "write": return isID(value) ? (e) => e.write === value : wrong(`"${value}" is no write`);
    case "either": return (e) => e.request === value || e.write === value;
    case "account": return (e) => e.account === value || e.to_account === value;
    case "peer": return (e) => e.peer === value;
  }
  return wrong(`"${key}" cannot be searched by`);
}

function natural(s: string): number | null {
  const n = /^[0-9]+$/.test(s) ? Number(s) : 0;
  return n >= 1 && n <= MOST ? n : null;
}

function parseRef(s: string): { process: string; seq: number } | null {
  const i = s.lastIndexOf(":"), seq = natural(s.slice(i + 1));
  return i > 0 && seq ? { process: s.slice(0, i), seq } : null;
}

function parseClocks(s: string): [number, number] | null {
  const i = s.indexOf(".."), lo = natural(i < 0 ? s : s.slice(0, i)), hi = natural(i < 0 ? s : s.slice(i + 2));
  return lo && hi ? [lo, hi] : null;
}

function isID(s: string): boolean {
  const i = s.lastIndexOf("/");
  return i > 0 && natural(s.slice(i + 1)) !== null;
}
