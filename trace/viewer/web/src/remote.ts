import type { At, Details, Ev, Finding, Hits, Overview, Pair, Source, Tile } from "./types";

/** Asks the server that the page came from. */
export class Remote implements Source {
  private async ask<T>(what: string, params: Record<string, string | number>): Promise<T> {
    const query = new URLSearchParams(Object.entries(params).map(([k, v]) => [k, String(v)]));
    const response = await fetch(`/api/${what}?${query}`).catch(() => {
      throw new Error("The server does not answer any more. Start bank-trace view again, and load this page anew.");
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
    return answer as T;
  }

  overview(): Promise<Overview> {
    return this.ask("overview", {});
  }
  findings(from: number, limit: number): Promise<Finding[]> {
    return this.ask("findings", { from, limit });
  }
  tile(z: number, i: number, only: number[] | null): Promise<Tile> {
    return this.ask("tile", only ? { z, i, only: only.join(",") } : { z, i });
  }
  event(at: At): Promise<Details> {
    return this.ask("event", { at: `${at.p},${at.pos}` });
  }
  pair(a: At, b: At): Promise<Pair> {
    return this.ask("pair", { a: `${a.p},${a.pos}`, b: `${b.p},${b.pos}` });
  }
  near(p: number, clock: number): Promise<Ev> {
    return this.ask("near", { p, clock: Math.max(0, Math.round(clock)) });
  }
  search(q: string, limit: number): Promise<Hits> {
    return this.ask("search", { q, limit });
  }
}
