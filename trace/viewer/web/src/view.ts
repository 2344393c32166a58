import { scaleLinear, type ScaleLinear } from "d3-scale";
import { select } from "d3-selection";
import { zoom, zoomIdentity, type D3ZoomEvent, type ZoomBehavior, type ZoomTransform } from "d3-zoom";
import type { Overview } from "./types";

/** Where things are: x by clock, y by the row of a process. */
export class View {
  readonly axis = 30;
  gutter = 110;
  width = 800;
  height = 400;
  rows: number[] = []; // row -> process
  rowOf: number[] = []; // process -> row, -1 where it is not shown
  scrollY = 0;
  private base = scaleLinear();
  x: ScaleLinear<number, number> = this.base;
  private transform: ZoomTransform = zoomIdentity;
  private behavior: ZoomBehavior<HTMLCanvasElement, unknown>;
  private flight = 0;

  constructor(private canvas: HTMLCanvasElement, private all: Overview, private moved: () => void) {
    this.behavior = zoom<HTMLCanvasElement, unknown>()
      .filter((e: MouseEvent & { pointerType?: string }) => !e.button && !e.shiftKey)
      .duration(calm() ? 0 : 180)
      .on("zoom", (e: D3ZoomEvent<HTMLCanvasElement, unknown>) => this.zoomed(e.transform, e.sourceEvent != null));
    select(canvas).call(this.behavior).on("dblclick.zoom", null);
    canvas.addEventListener("wheel", (e) => {
      if (!e.shiftKey) return;
      e.preventDefault();
      this.scroll(e.deltaY || e.deltaX);
    }, { passive: false });
  }

  private zoomed(t: ZoomTransform, byHand: boolean): void {
    if (byHand) {
      cancelAnimationFrame(this.flight);
      // Rows are never scaled: only a drag moves them.
      if (t.k === this.transform.k) this.scrollY = this.boundedY(this.scrollY - (t.y - this.transform.y));
    }
    this.transform = t;
    this.x = t.rescaleX(this.base);
    this.moved();
  }

  /** Takes the size of the canvas and the processes that are shown, and keeps the clocks on screen. */
  layout(width: number, height: number, rows: number[]): void {
    const [lo, hi] = this.width > 0 && this.rows.length > 0 ? this.clocks : [0, 0];
    this.width = width;
    this.height = height;
    this.rows = rows;
    this.rowOf = this.all.lanes.map(() => -1);
    rows.forEach((p, row) => (this.rowOf[p] = row));
    const longest = Math.max(6, ...rows.map((p) => this.all.lanes[p].name.length));
    this.gutter = Math.min(Math.round(longest * 7.2) + 24, 190, width * 0.4);
    const [first, last] = this.full;
    this.base = scaleLinear().domain([first, last]).range([this.gutter, Math.max(this.gutter + 10, width - 14)]);
    const span = last - first;
    this.behavior
      .scaleExtent([1, Math.max(1, span / 4)])
      .extent([[this.gutter, 0], [width - 14, height]])
      .translateExtent([[this.gutter, -Infinity], [width - 14, Infinity]]);
    if (hi > lo) this.show(lo, hi, false);
    else this.zoomed(this.transform, false);
    this.scrollY = this.boundedY(this.scrollY);
  }

  /** Takes the overview of a trace that has grown; layout follows. */
  take(all: Overview): void {
    this.all = all;
  }

  /** As many clocks as can be told apart side by side. */
  get readable(): number {
    return Math.max(30, (this.width - this.gutter) / 14);
  }

  /** Whether the last events are on screen. */
  get atEnd(): boolean {
    return this.clocks[1] >= this.full[1] - 0.01;
  }

  /** The clocks to show when the trace has grown from where it ended: the newest, where these were on screen, and as many as before. */
  follow(was: { clocks: [number, number]; full: [number, number]; readable: number }): [number, number] {
    const [lo, hi] = was.clocks, [first, last] = was.full, [now, end] = this.full;
    if (hi < last - 0.01) return [lo, hi];
    const whole = lo <= first + 0.01;
    if (whole && last - first > was.readable) return [now, end];
    return [Math.max(now, end - (whole ? this.readable : hi - lo)), end];
  }

  /** The clocks from the first to the last, and a little beside them. */
  get full(): [number, number] {
    const [lo, hi] = this.all.clocks, pad = Math.max(0.8, (hi - lo) * 0.01);
    return [lo - pad, hi + pad];
  }

  /** The clocks on screen. */
  get clocks(): [number, number] {
    return [this.x.invert(this.gutter), this.x.invert(this.width - 14)];
  }

  get perClock(): number {
    return this.x(1) - this.x(0);
  }

  /** The level whose tiles are from 256 to 512 pixels wide. */
  get level(): number {
    return Math.min(53, Math.max(0, Math.ceil(Math.log2(256 / this.perClock))));
  }

  /** Shows the clocks from lo to hi. */
  show(lo: number, hi: number, glide: boolean): void {
    cancelAnimationFrame(this.flight);
    const [first, last] = this.full;
    const span = Math.min(last - first, Math.max(hi - lo, 4));
    const from = Math.min(Math.max((lo + hi - span) / 2, first), last - span);
    if (!glide || calm()) {
      this.jump(from, from + span);
      return;
    }
    const [a, b] = this.clocks, start = performance.now();
    const step = (now: number) => {
      const t = Math.min(1, (now - start) / 220), s = t * (2 - t);
      this.jump(a + (from - a) * s, b + (from + span - b) * s);
      if (t < 1) this.flight = requestAnimationFrame(step);
    };
    this.flight = requestAnimationFrame(step);
  }

  private jump(lo: number, hi: number): void {
    const [r0, r1] = this.base.range(), [d0, d1] = this.base.domain();
    const k = (d1 - d0) / (hi - lo);
    const t = zoomIdentity.translate(r0 - k * this.base(lo), this.transform.y).scale(k);
    if (r1 > r0) select(this.canvas).call(this.behavior.transform, t);
  }

  zoomBy(factor: number, around?: number): void {
    const [lo, hi] = this.clocks, c = around ?? (lo + hi) / 2;
    this.show(c - (c - lo) * factor, c + (hi - c) * factor, true);
  }

  /** Brings an event on screen, and close enough that its neighbours can be told apart. */
  reveal(p: number, clock: number, closer: boolean): void {
    const row = this.rowOf[p];
    if (row >= 0) {
      const y = this.y(row);
      if (y < this.axis + 12) this.scrollY = this.boundedY(this.scrollY - (this.axis + 40 - y));
      if (y > this.height - 16) this.scrollY = this.boundedY(this.scrollY + (y - this.height + 40));
    }
    const [lo, hi] = this.clocks;
    const span = closer ? Math.min(hi - lo, this.readable) : hi - lo;
    const margin = (hi - lo) * 0.05;
    if (span < (hi - lo) * 0.8 || clock < lo + margin || clock > hi - margin) this.show(clock - span / 2, clock + span / 2, true);
    else this.moved();
  }

  get rowHeight(): number {
    return Math.min(120, Math.max(30, (this.height - this.axis - 12) / Math.max(1, this.rows.length)));
  }

  y(row: number): number {
    return this.axis + 6 + (row + 0.5) * this.rowHeight - this.scrollY;
  }

  /** The rows on screen. */
  get seen(): [number, number] {
    const h = this.rowHeight;
    return [Math.max(0, Math.floor(this.scrollY / h)), Math.min(this.rows.length, Math.ceil((this.scrollY + this.height - this.axis) / h))];
  }

  rowAt(y: number): number {
    return Math.floor((y + this.scrollY - this.axis - 6) / this.rowHeight);
  }

  scroll(dy: number): void {
    this.scrollY = this.boundedY(this.scrollY + dy);
    this.moved();
  }

  private boundedY(y: number): number {
    return Math.max(0, Math.min(y, this.rows.length * this.rowHeight + 12 + this.axis - this.height));
  }
}

/** Whether motion is unwelcome. */
export function calm(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
