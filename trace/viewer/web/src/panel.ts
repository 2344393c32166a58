import type { App } from "./app";
import { button, byId, counted, el } from "./dom";
import { guessForm } from "./guess";
import { clockShown } from "./state";
import { brief, kindSign, sameAt, type Details, type Ev, type Finding, type Pair, type Place } from "./types";

/** Writes the panel beside the picture. */
export function writePanel(app: App): void {
  const s = app.state, panel = byId("panel");
  const parts: HTMLElement[] = [];
  if (s.finding) parts.push(findingPart(app, s.finding));
  if (s.pair) parts.push(pairPart(app, s.pair));
  if (s.chosen) parts.push(eventPart(app, s.chosen, s.details));
  if (parts.length === 0) parts.push(welcome(app));
  panel.replaceChildren(...parts);
}

/** A button that goes to an event. */
export function goTo(app: App, e: Ev, text = e.name): HTMLButtonElement {
  return button(text, () => void app.choose(e, true), { class: "link" });
}

function welcome(app: App): HTMLElement {
  const { all } = app.state;
  return el("section", { "aria-label": "Trace" },
    el("h2", {}, all.name),
    el("p", {}, app.describe()),
    all.findings > 0 && el("div", { class: "buttons" }, button("First finding (n)", () => void app.showFinding(0))),
    el("h3", {}, "Signs"),
    el("ul", {},
      el("li", {}, "● local   ▲ send   ▼ receive"),
      el("li", {}, "× a lost message, ▲! a finding, // a crash"),
      el("li", {}, "bars: where there are more events than can be told apart; zoom in"),
    ),
    el("p", {}, "Choose an event, by mouse or with the arrow keys. Press ? for all keys."),
  );
}

function eventPart(app: App, e: Ev, d: Details | null): HTMLElement {
  const s = app.state, shown = clockShown(s, e);
  const part = el("section", { "aria-label": "Event" },
    el("h2", {}, `${kindSign(e.mark)} ${e.name}`, shown && el("span", { class: "dim" }, `  clock ${e.clock}`)),
    el("p", {}, d ? d.words : brief(e)),
  );
  const compare = el("div", { class: "buttons" });
  if (s.first && !sameAt(s.first, e)) {
    const first = s.first;
    if (!s.pair) compare.append(button(`Explain ${first.name} and this (Enter)`, () => void app.explain(first, e)));
    compare.append(button(`Let go of A`, () => { s.first = s.pair = null; app.pinChanged(); }));
  } else {
    compare.append(button(s.first ? "This is A: choose another" : "Compare: take as A (Enter)", () => app.pin()));
  }
  part.append(compare);
  if (!d) {
    part.append(el("p", { class: "dim" }, "…"));
    return part;
  }
  const [past, future, concurrent] = d.cone.counts;
  part.append(el("p", {},
    el("b", { class: "past" }, `past ${past.toLocaleString("en")}`), " · ",
    el("b", { class: "future" }, `future ${future.toLocaleString("en")}`), " · ",
    el("b", { class: "dim" }, `concurrent ${concurrent.toLocaleString("en")}`)));
  if (shown) part.append(...clockPart(app, d));
  else part.append(guessForm(app, d));
  part.append(neighbours(app, d));
  for (const n of d.findings ?? []) {
    if (s.finding?.number !== n) part.append(button(`Finding ${n + 1} is about it`, () => void app.showFinding(n)));
  }
  part.append(el("h3", {}, "Log line"), el("p", { class: "dim" }, `${d.file}:${d.line}`));
  if (shown) part.append(el("pre", {}, d.raw));
  return part;
}

/** The expected clock, and why: the answer of explain, without what stands elsewhere in the panel. */
export function clockPart(app: App, d: Details): HTMLElement[] {
  const [headline, , why, ...rest] = d.text.trim().split("\n\n").map((p) => p.replaceAll("\n", " "));
  const wrong = /expected (\d|at least)/.test(headline);
  return [
    el("h3", {}, "Expected clock"),
    el("p", { class: wrong ? "big wrong" : "big" }, (wrong ? "✗ " : "") + headline),
    linked(app, why),
    el("h3", {}, "What it knows"),
    ...rest.map((p) => linked(app, p)),
  ];
}

/** A paragraph in which the names of events go to them. */
function linked(app: App, text: string): HTMLElement {
  const p = el("p");
  const known = new Set(app.state.all.lanes.map((l) => l.name));
  for (const part of text.split(/(\S+:\d+)/)) {
    const i = part.lastIndexOf(":");
    if (i > 0 && known.has(part.slice(0, i))) {
      p.append(button(part, () => void app.named(part).then((e) => e && app.choose(e, true)), { class: "link" }));
    } else p.append(part);
  }
  return p;
}

function neighbours(app: App, d: Details): HTMLElement {
  const list = el("ul");
  const add = (what: string, e?: Ev) => {
    if (e) list.append(el("li", {}, what + " ", goTo(app, e), clockShown(app.state, e) ? ` (clock ${e.clock})` : ""));
  };
  add("before it in its log:", d.before);
  add("received from", d.send);
  for (const r of d.receives ?? []) add("received by", r);
  return el("div", {}, el("h3", {}, "Beside it"), list);
}

function pairPart(app: App, p: Pair): HTMLElement {
  const words = { before: "happened before", after: "happened after", concurrent: "is concurrent with", both: "happened before and after" };
  const part = el("section", { "aria-label": "Comparison", id: "pair" },
    el("h2", { class: "path" }, p.relation === "both" ? "before and after: a cycle" : p.relation),
    el("p", { class: "big" }, goTo(app, p.a), ` ${words[p.relation]} `, goTo(app, p.b)));
  const shown = !app.state.hide;
  if (p.path) {
    const steps = el("ol");
    p.path.forEach((e, i) => {
      const before = p.path![i - 1];
      const between = before && before.p === e.p ? e.pos - before.pos - 1 : 0;
      steps.append(el("li", {}, between > 0 && el("span", { class: "dim" }, `(${counted(between, "event")} between) `),
        goTo(app, e), ` ${brief(e)}`, shown && el("span", { class: "dim" }, `, clock ${e.clock}`)));
    });
    part.append(el("h3", {}, "A shortest causal path"), steps);
  }
  if (shown) {
    const [head, ...paragraphs] = p.text.trim().split("\n\n");
    for (const text of [head.split("\n").slice(1).join("\n"), ...paragraphs]) {
      // Tables are drawn above; what is prose is shown here.
      const prose = text.split("\n").filter((l) => !/^\s/.test(l)).join(" ");
      if (prose) part.append(linked(app, prose));
    }
    part.append(el("details", {}, el("summary", {}, "As bank-trace explain prints it"), el("pre", { id: "explained" }, p.text)));
  } else {
    part.append(el("p", { class: "dim" }, "What the clocks tell is hidden until you stop guessing (g)."));
  }
  return part;
}

function findingPart(app: App, f: Finding): HTMLElement {
  const s = app.state;
  const part = el("section", { "aria-label": "Finding", id: "finding" },
    el("h2", {}, el("span", { class: "wrong" }, f.severity === "violation" ? "✗ " : "! "), f.rule),
    el("p", { class: "dim" }, `Finding ${f.number + 1} of ${s.all.findings}, ${f.severity}`),
    el("div", { class: "buttons" },
      button("Previous (p)", () => void app.showFinding(f.number - 1)),
      button("Next (n)", () => void app.showFinding(f.number + 1)),
      button("Close", () => { s.finding = null; app.pinChanged(); })));
  if (s.hide) part.append(el("p", { class: "dim" }, "What is wrong tells clocks, so it is hidden until you stop guessing (g)."));
  else {
    part.append(linked(app, f.message));
    if (f.expected) part.append(el("p", {}, el("b", {}, "Expected: "), f.expected + "."));
  }
  if (f.statement) part.append(el("p", {}, el("b", {}, "Rule: "), f.statement));
  if (f.mistake) part.append(el("p", {}, el("b", {}, "Likely: "), f.mistake));
  const where = (what: string, p?: Place) => {
    if (p) part.append(el("p", {}, `${what}: `, p.event && goTo(app, p.event), el("span", { class: "dim" }, ` ${p.file}${p.line ? ":" + p.line : ""}`)));
  };
  where("At", f.event);
  where("Beside", f.other);
  if (f.cause != null) {
    const cause = f.cause;
    part.append(el("p", {}, "It likely follows from ", button(`finding ${cause + 1}`, () => void app.showFinding(cause), { class: "link" }), "."));
  }
  const first = f.other?.event, second = f.event?.event;
  if (first && second && !sameAt(first, second)) {
    part.append(el("div", { class: "buttons" }, button(`Explain ${first.name} and ${second.name}`, () => void app.explain(first, second))));
  }
  return part;
}
