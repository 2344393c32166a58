import type { Theme } from "./theme";
import { LOCAL, SEND, type Side } from "./types";

/** Lines of one look, drawn in one go. */
export class Lines {
  private at: number[] = [];
  private heads: number[] = [];

  add(x0: number, y0: number, x1: number, y1: number, head = false): void {
    this.at.push(x0, y0, x1, y1);
    if (head) this.heads.push(x0, y0, x1, y1);
  }

  stroke(c: CanvasRenderingContext2D, color: string, width: number): void {
    c.strokeStyle = c.fillStyle = color;
    c.lineWidth = width;
    c.beginPath();
    const l = this.at;
    for (let i = 0; i < l.length; i += 4) {
      c.moveTo(l[i], l[i + 1]);
      c.lineTo(l[i + 2], l[i + 3]);
    }
    c.stroke();
    if (this.heads.length === 0) return;
    c.beginPath();
    const h = this.heads;
    for (let i = 0; i < h.length; i += 4) arrow(c, h[i], h[i + 1], h[i + 2], h[i + 3], 5 + width);
    c.fill();
  }
}

/** Adds the head of an arrow to the path. Its tip stands a little before the end, where the mark of the event is. */
export function arrow(c: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number, size: number): void {
  const length = Math.hypot(x1 - x0, y1 - y0) || 1, ux = (x1 - x0) / length, uy = (y1 - y0) / length;
  const tx = x1 - ux * 5, ty = y1 - uy * 5;
  c.moveTo(tx, ty);
  c.lineTo(tx - ux * size - uy * size * 0.45, ty - uy * size + ux * size * 0.45);
  c.lineTo(tx - ux * size + uy * size * 0.45, ty - uy * size - ux * size * 0.45);
  c.closePath();
}

export function cross(c: CanvasRenderingContext2D, x: number, y: number, r: number, color: string): void {
  c.strokeStyle = color;
  c.lineWidth = 2.5;
  c.beginPath();
  c.moveTo(x - r, y - r);
  c.lineTo(x + r, y + r);
  c.moveTo(x - r, y + r);
  c.lineTo(x + r, y - r);
  c.stroke();
}

type Look = Side | "plain";

/** How many marks are painted in one go: one path of a thousand takes twice as long as many short ones. */
const AT_ONCE = 32 * 3;

/** The marks of events: by kind ● ▲ ▼, and by side filled (past), filled with a light heart (future) or hollow (concurrent). */
export class Marks {
  private bins = new Map<Look, number[]>();

  constructor(private size: number) {}

  add(look: Look, kind: number, x: number, y: number): void {
    const bin = this.bins.get(look) ?? [];
    this.bins.set(look, bin);
    bin.push(kind, x, y);
  }

  paint(c: CanvasRenderingContext2D, theme: Theme): void {
    const colors: Record<Look, string> = {
      plain: theme.ink, self: theme.ink, past: theme.past, future: theme.future, concurrent: theme.dim, both: theme.wrong,
    };
    for (const [look, bin] of this.bins) {
      c.strokeStyle = colors[look];
      c.lineWidth = look === "concurrent" ? 1.5 : 1;
      const heart = look === "future" && this.size >= 3.5;
      for (let i = 0; i < bin.length; i += AT_ONCE) {
        this.outline(c, bin, i, this.size);
        c.fillStyle = look === "concurrent" ? theme.paper : colors[look];
        c.fill();
        // What is filled needs no edge.
        if (look === "concurrent") c.stroke();
        if (heart) {
          this.outline(c, bin, i, this.size * 0.38);
          c.fillStyle = theme.paper;
          c.fill();
        }
      }
    }
  }

  private outline(c: CanvasRenderingContext2D, bin: number[], from: number, r: number): void {
    c.beginPath();
    for (let i = from; i < Math.min(bin.length, from + AT_ONCE); i += 3) {
      const kind = bin[i], x = bin[i + 1], y = bin[i + 2];
      if (kind === LOCAL || kind === 0) {
        c.moveTo(x + r, y);
        c.arc(x, y, r, 0, 2 * Math.PI);
      } else {
        const d = kind === SEND ? 1 : -1, w = r * 1.15;
        c.moveTo(x, y - d * w);
        c.lineTo(x + w, y + d * w * 0.8);
        c.lineTo(x - w, y + d * w * 0.8);
        c.closePath();
      }
    }
  }
}
