import { Outdated, type At, type Details, type Ev, type Finding, type Hits, type Overview, type Pair, type Source, type Tile } from "./types";

/** Asks the server that the page came from. */
export class Remote implements Source {
  /** Of the overview that numbers are from; 0 before there is one. */
  private generation = 0;

  private async ask<T>(what: string, params: Record<string, string | number>): Promise<T> {
    if (this.generation > 0 && what !== "overview") params.g = this.generation;
    const query = new URLSearchParams(Object.entries(params).map(([k, v]) => [k, String(v)]));
    const response = await fetch(`/api/${what}?${query}`).catch(() => {
      throw new Error("The server does not answer any more. Start bank-trace view again, and load this page anew.");
    });
    const answer = await response.json();
    if (response.status === 409) throw new Outdated(answer.error);
    if (!response.ok) throw new Error(answer.error);
    return answer as T;
  }

  async overview(): Promise<Overview> {
    const all = await this.ask<Overview>("overview", {});
    this.generation = all.generation;
    return all;
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
