import type { App } from "./app";
import { button, el, say } from "./dom";
import { clockPart, goTo } from "./panel";
import { guessKey } from "./state";
import type { Details } from "./types";

/** Asks for the clock of an event. What it takes to work it out is shown. */
export function guessForm(app: App, d: Details): HTMLElement {
  const s = app.state, input = el("input", { type: "text", inputmode: "numeric", autocomplete: "off", id: "guess" });
  const verdict = el("div", { role: "status" });
  const form = el("form", {}, el("label", { for: "guess" }, "Its clock: "), input, button("Check", () => form.requestSubmit()));
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    if (!/^\s*\d+\s*$/.test(input.value)) {
      verdict.replaceChildren(el("p", {}, "Type a number."));
      return;
    }
    const guess = Number(input.value);
    s.guessed.add(guessKey(d.event));
    answer(app, d, guess, verdict);
    form.remove();
    app.redraw();
  });
  const known = el("ul");
  if (d.before) known.append(el("li", {}, "The event before it in its log, ", goTo(app, d.before), `, has clock ${d.before.clock}.`));
  else known.append(el("li", {}, d.event.seq === 1 ? "It is the first event of its process." : "What came before it is not in its log."));
  if (d.send) known.append(el("li", {}, "It received what ", goTo(app, d.send), ` sent at clock ${d.send.clock}.`));
  else if (d.expected.message > 0) known.append(el("li", {}, `Its message carried ${d.expected.message}.`));
  return el("div", {}, el("h3", {}, "Guess its clock"), known, form, verdict);
}

function answer(app: App, d: Details, guess: number, verdict: HTMLElement): void {
  const x = d.expected, right = x.known ? guess === x.least : guess === d.event.clock;
  let text = right ? "✓ Right." : `✗ Not ${guess}: ${x.known ? x.least : d.event.clock}.`;
  if (right && x.known && d.event.clock !== x.least) text += ` The log says ${d.event.clock}.`;
  say(text);
  verdict.replaceChildren(
    el("p", { class: right ? "big right" : "big wrong" }, text),
    ...clockPart(app, d),
    el("pre", {}, d.raw),
  );
}

