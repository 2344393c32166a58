import type { Source, Tile } from "./types";

/** Most tiles that are kept, and asked for at the same time. */
const KEPT = 400, ASKED = 4;

/** A tile, and the stretch of clocks that it is drawn for: a coarser tile stands in for finer ones that are still to come. */
export interface Cover {
  tile: Tile;
  lo: number;
  hi: number;
}

/** The tiles that were loaded, and those that are wanted. */
export class Tiles {
  private held = new Map<string, Tile>();
  private wanted: [number, number][] = [];
  private asked = new Set<string>();
  private only: number[] | null = null;
  private generation = 0;
  /** Tiles that are shown until they are there anew, and how often all became so. */
  private old = new Set<string>();
  private age = 0;
  failed: (e: Error) => void = () => {};
  loaded: () => void = () => {};

  constructor(private source: Source, private arrived: () => void) {}

  /** Shows these processes alone. */
  restrict(only: number[] | null): void {
    this.only = only;
    this.held.clear();
    this.old.clear();
    this.asked.clear();
    this.wanted = [];
    this.generation++;
  }

  /** All tiles may have changed: they are asked for again, and shown until the answers come. */
  outdate(): void {
    this.old = new Set(this.held.keys());
    this.age++;
  }

  get waiting(): boolean {
    return this.asked.size > 0 || this.wanted.length > 0;
  }

  /** Returns what there is to draw for the clocks from lo to hi at a level, and asks for what is missing. */
  cover(z: number, lo: number, hi: number): Cover[] {
    const size = 2 ** z;
    const first = Math.max(0, Math.floor(lo / size)), last = Math.max(0, Math.floor(hi / size));
    const covers: Cover[] = [], missing: [number, number][] = [], old: [number, number][] = [];
    for (let i = first; i <= last; i++) {
      const tile = this.get(z, i);
      if (tile) {
        covers.push({ tile, lo: i * size, hi: (i + 1) * size });
        if (this.old.has(key(z, i))) old.push([z, i]);
      } else {
        missing.push([z, i]);
        covers.push(...this.standIn(z, i));
      }
    }
    // What lies beside the screen is wanted next.
    const beside: [number, number][] = [[z, last + 1], [z, first - 1], [z + 2, Math.floor(first / 4)]];
    this.want([...missing, ...old, ...beside.filter(([z, i]) => i >= 0 && z <= 53 && i * 2 ** z <= 2 ** 53 && !this.held.has(key(z, i)))]);
    return covers;
  }

  private standIn(z: number, i: number): Cover[] {
    const size = 2 ** z;
    for (let up = 1; up <= 8 && z + up <= 53; up++) {
      const tile = this.get(z + up, Math.floor(i / 2 ** up));
      if (tile) return [{ tile, lo: i * size, hi: (i + 1) * size }];
    }
    const covers: Cover[] = [];
    for (let k = 0; z >= 1 && k < 2; k++) {
      const tile = this.get(z - 1, 2 * i + k);
      if (tile) covers.push({ tile, lo: (2 * i + k) * (size / 2), hi: (2 * i + k + 1) * (size / 2) });
    }
    return covers;
  }

  private get(z: number, i: number): Tile | undefined {
    const k = key(z, i), tile = this.held.get(k);
    if (tile) {
      this.held.delete(k);
      this.held.set(k, tile);
    }
    return tile;
  }

  private want(tiles: [number, number][]): void {
    this.wanted = tiles.filter(([z, i]) => !this.asked.has(key(z, i)));
    this.ask();
  }

  private ask(): void {
    while (this.asked.size < ASKED && this.wanted.length > 0) {
      const [z, i] = this.wanted.shift()!;
      const k = key(z, i), { generation, age } = this;
      this.asked.add(k);
      this.source.tile(z, i, this.only).then(
        (tile) => {
          if (generation !== this.generation) return;
          this.asked.delete(k);
          this.held.set(k, tile);
          if (age === this.age) this.old.delete(k);
          else this.old.add(k);
          while (this.held.size > KEPT) this.held.delete(this.held.keys().next().value!);
          this.arrived();
          this.ask();
          if (!this.waiting) this.loaded();
        },
        (e: Error) => {
          if (generation !== this.generation) return;
          this.asked.delete(k);
          this.failed(e);
        },
      );
    }
  }
}

function key(z: number, i: number): string {
  return `${z}/${i}`;
}
