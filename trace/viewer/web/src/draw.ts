import { Lines, Marks, cross } from "./marks";
import type { Scene } from "./scene";
import { clockShown, type State } from "./state";
import type { Theme } from "./theme";
import { DUPLICATE, FINDING, IN_FLIGHT, LOST, MARK_KIND, ORPHAN, sameAt, side, type Ev, type Side } from "./types";
import type { View } from "./view";

const FONT = "12px ui-sans-serif, system-ui, sans-serif";

/** Draws the picture. */
export function draw(c: CanvasRenderingContext2D, v: View, scene: Scene, s: State, theme: Theme): void {
  c.clearRect(0, 0, v.width, v.height);
  c.font = FONT;
  c.textBaseline = "middle";
  c.save();
  c.beginPath();
  c.rect(v.gutter, v.axis, v.width - v.gutter, v.height - v.axis);
  c.clip();
  grid(c, v, theme);
  lifelines(c, v, s, theme);
  flows(c, v, scene, theme);
  cells(c, v, scene, s, theme);
  messages(c, v, scene, s, theme);
  path(c, v, s, theme);
  events(c, v, scene, s, theme);
  chosen(c, v, s, theme);
  c.restore();
  axis(c, v, s, theme);
  names(c, v, s, theme);
}

function ticks(v: View): number[] {
  return v.x.ticks(Math.max(2, (v.width - v.gutter) / 90)).filter((t) => Number.isInteger(t) && t > 0 && v.x(t) >= v.gutter);
}

function grid(c: CanvasRenderingContext2D, v: View, theme: Theme): void {
  c.strokeStyle = theme.faint;
  c.lineWidth = 1;
  c.beginPath();
  for (const t of ticks(v)) {
    const x = Math.round(v.x(t)) + 0.5;
    c.moveTo(x, v.axis);
    c.lineTo(x, v.height);
  }
  c.stroke();
}

function axis(c: CanvasRenderingContext2D, v: View, s: State, theme: Theme): void {
  c.fillStyle = theme.paper;
  c.fillRect(0, 0, v.width, v.axis);
  c.fillStyle = theme.dim;
  c.textAlign = "left";
  c.fillText(s.hide ? "clock (hidden)" : "Lamport clock", 8, v.axis / 2);
  c.textAlign = "center";
  if (!s.hide) for (const t of ticks(v).filter((t) => v.x(t) > v.gutter + 18)) c.fillText(t.toLocaleString("en"), v.x(t), v.axis / 2);
  c.strokeStyle = theme.dim;
  c.beginPath();
  c.moveTo(0, v.axis - 0.5);
  c.lineTo(v.width, v.axis - 0.5);
  c.stroke();
}

function names(c: CanvasRenderingContext2D, v: View, s: State, theme: Theme): void {
  c.fillStyle = theme.paper;
  c.fillRect(0, v.axis, v.gutter, v.height - v.axis);
  c.textAlign = "left";
  const [from, to] = v.seen;
  for (let row = from; row < to; row++) {
    const lane = s.all.lanes[v.rows[row]], at = s.chosen?.p === v.rows[row];
    c.font = at ? "bold " + FONT : FONT;
    c.fillStyle = lane.logged ? theme.ink : theme.dim;
    const y = v.y(row);
    if (y < v.axis + 6) continue;
    c.fillText(clip(c, lane.name, v.gutter - 16), 8, y);
    if (!lane.logged || lane.cut) {
      c.font = "10px ui-sans-serif, system-ui, sans-serif";
      c.fillText(lane.logged ? "cut off" : "no log", 8, y + 13);
    }
  }
  c.font = FONT;
}

function clip(c: CanvasRenderingContext2D, text: string, width: number): string {
  if (c.measureText(text).width <= width) return text;
  let n = text.length;
  while (n > 1 && c.measureText(text.slice(0, n) + "…").width > width) n--;
  return text.slice(0, n) + "…";
}

/** Draws a lifeline, its past and future thick where an event is chosen, and its breaks. */
function lifelines(c: CanvasRenderingContext2D, v: View, s: State, theme: Theme): void {
  const [from, to] = v.seen, cone = s.details?.cone;
  for (let row = from; row < to; row++) {
    const p = v.rows[row], lane = s.all.lanes[p], y = Math.round(v.y(row)) + 0.5;
    const [lo, hi] = lane.events > 0 ? lane.clocks : s.all.clocks;
    const stretch = (a: number, b: number, color: string, width: number, dash: number[]) => {
      const x0 = Math.max(v.gutter - 5, v.x(a)), x1 = Math.min(v.width + 5, v.x(b));
      if (x1 <= x0) return;
      c.strokeStyle = color;
      c.lineWidth = width;
      c.setLineDash(dash);
      c.beginPath();
      c.moveTo(x0, y);
      c.lineTo(x1, y);
      c.stroke();
    };
    stretch(lo - 0.6, hi + 0.6, theme.dim, 1, lane.logged ? [] : [2, 4]);
    if (cone && cone.pastClock[p] > 0) stretch(lo - 0.6, cone.pastClock[p], theme.past, 4, []);
    if (cone && cone.futureClock[p] > 0) stretch(cone.futureClock[p], hi + 0.6, theme.future, 4, [7, 2]);
    c.setLineDash([]);
    for (const [a, b] of lane.restarts ?? []) breakMark(c, v, v.x(b > 0 ? (a + b) / 2 : a + 0.5), y, theme);
    if (lane.cut) breakMark(c, v, v.x(hi + 0.6), y, theme);
  }
}

/** Two slanted strokes: the process stopped here. */
function breakMark(c: CanvasRenderingContext2D, v: View, x: number, y: number, theme: Theme): void {
  if (x < v.gutter || x > v.width) return;
  c.fillStyle = theme.paper;
  c.fillRect(x - 3, y - 2, 6, 4);
  c.strokeStyle = theme.wrong;
  c.lineWidth = 2;
  c.beginPath();
  for (const d of [-4, 2]) {
    c.moveTo(x + d - 2, y + 8);
    c.lineTo(x + d + 4, y - 8);
  }
  c.stroke();
}

function flows(c: CanvasRenderingContext2D, v: View, scene: Scene, theme: Theme): void {
  const bins = new Map<number, Lines>();
  for (const f of scene.flows) {
    const a = v.rowOf[f.p], b = v.rowOf[f.q];
    if (a < 0 || b < 0) continue;
    const bin = Math.ceil((f.n / scene.peakFlow) * 4);
    const lines = bins.get(bin) ?? new Lines();
    bins.set(bin, lines);
    lines.add(v.x(f.sent), v.y(a), v.x(f.received), v.y(b));
  }
  for (const [bin, lines] of bins) {
    c.globalAlpha = 0.05 + 0.07 * bin;
    lines.stroke(c, theme.ink, 1);
  }
  c.globalAlpha = 1;
}

/** Draws how many events there are where these cannot be told apart: the more, the higher. */
function cells(c: CanvasRenderingContext2D, v: View, scene: Scene, s: State, theme: Theme): void {
  const half = Math.min(v.rowHeight * 0.38, 22), cone = s.details?.cone;
  const parts = new Map<string, number[]>();
  for (const cell of scene.cells) {
    const row = v.rowOf[cell.p];
    if (row < 0) continue;
    const x0 = v.x(cell.from - 0.5), x1 = v.x(cell.to - 0.5);
    const h = 1.5 + half * (cell.n / (cell.to - cell.from) / scene.peak);
    let color = cone ? theme.dim : theme.ink;
    if (cone && cone.pastClock[cell.p] >= cell.to - 1) color = theme.past;
    else if (cone && cone.futureClock[cell.p] > 0 && cone.futureClock[cell.p] <= cell.from) color = theme.future;
    const list = parts.get(color) ?? [];
    parts.set(color, list);
    list.push(x0, v.y(row) - h, Math.max(0.6, x1 - x0 - (x1 - x0 > 3 ? 0.6 : 0)), 2 * h);
    if (cell.finding) {
      c.fillStyle = theme.wrong;
      c.fillRect((x0 + x1) / 2 - 2, v.y(row) - half - 5, 4, 4);
    }
  }
  for (const [color, list] of parts) {
    c.fillStyle = color;
    c.globalAlpha = color === theme.past || color === theme.future ? 0.75 : 0.42;
    for (let i = 0; i < list.length; i += 4) c.fillRect(list[i], list[i + 1], list[i + 2], list[i + 3]);
  }
  c.globalAlpha = 1;
}

function messages(c: CanvasRenderingContext2D, v: View, scene: Scene, s: State, theme: Theme): void {
  const cone = s.details?.cone, of = s.details?.event;
  const bins: Record<string, Lines> = { past: new Lines(), future: new Lines(), concurrent: new Lines() };
  const heads = v.perClock > 2;
  for (const m of scene.messages) {
    const a = v.rowOf[m.p], b = v.rowOf[m.q];
    if (a < 0 || b < 0) continue;
    let bin = "concurrent";
    if (cone && of) {
      const there = side(cone, of, { p: m.q, pos: m.rpos }), here = side(cone, of, m);
      if (there === "past" || there === "self") bin = "past";
      else if (here === "future" || here === "self") bin = "future";
    }
    bins[bin].add(v.x(m.sent), v.y(a), v.x(m.received), v.y(b), heads);
  }
  for (const e of scene.events) stub(bins.concurrent, v, e);
  c.globalAlpha = cone ? 0.35 : 0.6;
  bins.concurrent.stroke(c, theme.ink, 1);
  c.globalAlpha = 1;
  bins.past.stroke(c, theme.past, 1.6);
  bins.future.stroke(c, theme.future, 1.6);
  for (const e of scene.events) {
    if (e.mark & LOST) {
      const [x, y] = end(v, e, 1);
      cross(c, x, y, 5, theme.wrong);
    }
  }
}

/** Draws the beginning of a message that was not received, or the end of one that was not sent. */
function stub(lines: Lines, v: View, e: { p: number; clock: number; mark: number; peer: number }): void {
  const y = v.y(v.rowOf[e.p]);
  if (e.mark & (LOST | IN_FLIGHT)) {
    const [x1, y1] = end(v, e, 1);
    lines.add(v.x(e.clock), y, x1, y1);
  } else if (e.mark & ORPHAN) {
    const [x1, y1] = end(v, e, -1);
    lines.add(x1, y1, v.x(e.clock), y, true);
  }
}

/** Where such a message stops: on its way towards its peer, and before the next row, where it would seem to be received. */
function end(v: View, e: { p: number; clock: number; peer: number }, ahead: number): [number, number] {
  const row = v.rowOf[e.p], peer = e.peer >= 0 ? v.rowOf[e.peer] : -1;
  const rows = peer >= 0 && peer < row ? -0.42 : 0.42;
  return [v.x(e.clock) + ahead * Math.max(12, Math.min(40, v.perClock * 2)), v.y(row) + rows * v.rowHeight];
}

/** Draws the causal path of the answer or the finding on screen. */
function path(c: CanvasRenderingContext2D, v: View, s: State, theme: Theme): void {
  const events: Ev[] = s.pair?.path ?? s.finding?.path ?? [];
  const lines = new Lines();
  for (let i = 1; i < events.length; i++) {
    const a = events[i - 1], b = events[i];
    if (v.rowOf[a.p] < 0 || v.rowOf[b.p] < 0) continue;
    lines.add(v.x(a.clock), v.y(v.rowOf[a.p]), v.x(b.clock), v.y(v.rowOf[b.p]), a.p !== b.p);
  }
  lines.stroke(c, theme.path, 4);
  wrongPair(c, v, s, theme);
}

/** Joins the two events that a finding is about, where no path does. */
function wrongPair(c: CanvasRenderingContext2D, v: View, s: State, theme: Theme): void {
  const a = s.finding?.other?.event, b = s.finding?.event?.event;
  if (!a || !b || s.finding?.path?.length || v.rowOf[a.p] < 0 || v.rowOf[b.p] < 0) return;
  const lines = new Lines();
  lines.add(v.x(a.clock), v.y(v.rowOf[a.p]), v.x(b.clock), v.y(v.rowOf[b.p]), true);
  c.setLineDash([9, 4]);
  lines.stroke(c, theme.wrong, 3);
  c.setLineDash([]);
}

function events(c: CanvasRenderingContext2D, v: View, scene: Scene, s: State, theme: Theme): void {
  const cone = s.details?.cone, of = s.details?.event;
  const size = Math.max(2, Math.min(6.5, v.perClock * 0.42, v.rowHeight * 0.2));
  const marks = new Marks(size);
  const labels = labelled(v), words = v.perClock >= 46 && v.rowHeight >= 42;
  for (const e of scene.events) {
    const row = v.rowOf[e.p], x = v.x(e.clock);
    if (row < 0 || x < v.gutter - 20 || x > v.width + 20) continue;
    const y = v.y(row), where: Side | "plain" = cone && of ? side(cone, of, e) : "plain";
    marks.add(where, e.mark & MARK_KIND, x, y);
    const ring = ringed(s, e);
    if (e.mark & FINDING && !ring) warning(c, x, y - size - 9, theme);
    if (e.mark & DUPLICATE) c.strokeRect(x - size - 3, y - size - 3, 2 * size + 6, 2 * size + 6);
    if (labels && !ring) label(c, clockText(s, e), x, y + size + 9, theme.ink, theme);
    if (words && !ring && (where === "past" || where === "future" || where === "concurrent" || where === "both")) {
      label(c, where === "concurrent" ? "conc." : where, x, y - size - (e.mark & FINDING ? 20 : 9),
        where === "concurrent" ? theme.dim : theme.ink, theme);
    }
  }
  for (const f of scene.folds) {
    const row = v.rowOf[f.p], y = v.y(row), x0 = v.x(f.from), x1 = Math.max(x0 + 8, v.x(f.to));
    if (row < 0) continue;
    const sides = cone && of ? [side(cone, of, f.first), side(cone, of, f.last)] : [];
    c.fillStyle = sides[1] === "past" ? theme.past : sides[0] === "future" ? theme.future : theme.dim;
    c.beginPath();
    c.roundRect(x0 - 4, y - 4, x1 - x0 + 8, 8, 4);
    c.fill();
    if (labels) {
      c.textAlign = "center";
      c.fillText(`●×${f.n}`, (x0 + x1) / 2, y + 13);
    }
  }
  marks.paint(c, theme);
}

/** Text in the middle of a light seam, so that lines behind it do not cross it out. */
function label(c: CanvasRenderingContext2D, text: string, x: number, y: number, color: string, theme: Theme): void {
  c.textAlign = "center";
  c.strokeStyle = theme.paper;
  c.lineWidth = 4;
  c.lineJoin = "round";
  c.strokeText(text, x, y);
  c.fillStyle = color;
  c.fillText(text, x, y);
}

function warning(c: CanvasRenderingContext2D, x: number, y: number, theme: Theme): void {
  c.fillStyle = theme.wrong;
  c.beginPath();
  c.moveTo(x, y - 7);
  c.lineTo(x + 7, y + 5);
  c.lineTo(x - 7, y + 5);
  c.fill();
  c.fillStyle = theme.paper;
  c.fillRect(x - 0.9, y - 3.2, 1.8, 4.4);
  c.fillRect(x - 0.9, y + 2.2, 1.8, 1.7);
}

/** Whether there is room for the clocks of events. */
function labelled(v: View): boolean {
  return v.perClock >= 24 && v.rowHeight >= 28;
}

function clockText(s: State, e: { p: number; pos: number; clock: number }): string {
  return clockShown(s, e) ? String(e.clock) : "?";
}

/** The event that another one is compared with. */
function firstOf(s: State): Ev | null {
  return s.pair?.a ?? s.first;
}

function ringed(s: State, e: { p: number; pos: number }): boolean {
  return sameAt(s.chosen, e) || sameAt(firstOf(s), e);
}

function chosen(c: CanvasRenderingContext2D, v: View, s: State, theme: Theme): void {
  const ring = (e: Ev, color: string, name: string) => {
    const row = v.rowOf[e.p];
    if (row < 0) return;
    const x = v.x(e.clock), y = v.y(row);
    if (x < v.gutter - 12 || x > v.width + 12) return;
    c.strokeStyle = theme.paper;
    c.lineWidth = 6;
    c.beginPath();
    c.arc(x, y, 11, 0, 2 * Math.PI);
    c.stroke();
    c.strokeStyle = color;
    c.lineWidth = 3;
    c.stroke();
    if (labelled(v)) label(c, clockText(s, e), x, y + 22, theme.ink, theme);
    if (e.mark & FINDING) warning(c, x, y - 20, theme);
    c.font = "bold " + FONT;
    c.textAlign = "center";
    const wide = c.measureText(name).width / 2 + 3;
    const up = e.mark & FINDING ? 36 : 20, middle = Math.max(v.gutter + wide, Math.min(v.width - wide, x));
    c.fillStyle = theme.paper;
    c.fillRect(middle - wide, y - up - 8, 2 * wide, 15);
    c.fillStyle = color;
    c.fillText(name, middle, y - up);
    c.font = FONT;
  };
  const first = firstOf(s);
  if (first && !sameAt(first, s.chosen)) ring(first, theme.pinned, "A " + first.name);
  if (s.chosen) ring(s.chosen, theme.ink, (s.pair ? "B " : "") + s.chosen.name);
}

