import type { At, Details, Ev, Finding, Overview, Pair } from "./types";

/** What the page shows. */
export interface State {
  all: Overview;
  /** The chosen event, and what is known of it once it has come. */
  chosen: Ev | null;
  details: Details | null;
  /** The event that the next one is compared with, and the answer. */
  first: Ev | null;
  pair: Pair | null;
  finding: Finding | null;
  /** The processes that are shown; null for all. */
  only: number[] | null;
  fold: boolean;
  /** Clocks are hidden until they are guessed. */
  hide: boolean;
  guessed: Set<string>;
  table: boolean;
  query: string;
}

export function newState(all: Overview): State {
  return {
    all, chosen: null, details: null, first: null, pair: null, finding: null, only: null, fold: false, hide: false,
    guessed: new Set(), table: false, query: "",
  };
}

export function guessKey(at: At): string {
  return `${at.p},${at.pos}`;
}

/** Whether the clock of an event may be shown. */
export function clockShown(s: State, at: At): boolean {
  return !s.hide || s.guessed.has(guessKey(at));
}

export function visibleRows(s: State): number[] {
  return s.only ?? s.all.lanes.map((_, p) => p);
}
