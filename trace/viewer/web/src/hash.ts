import type { App } from "./app";
import { byId } from "./dom";

/** Writes what is on screen into the address. */
export function writeHash(app: App): void {
  const s = app.state, v = app.view, [lo, hi] = v.clocks, q = new URLSearchParams();
  const [first, last] = v.full;
  const following = s.all.growing && v.atEnd;
  if (!following && (lo > first + 0.01 || hi < last - 0.01)) q.set("clocks", `${+lo.toPrecision(9)}..${+hi.toPrecision(9)}`);
  if (v.scrollY > 0) q.set("y", String(Math.round(v.scrollY)));
  if (s.only) q.set("only", s.only.map((p) => s.all.lanes[p].name).join(","));
  if (s.finding) q.set("finding", String(s.finding.number + 1));
  if (s.chosen) q.set("event", s.chosen.name);
  if (s.first) q.set("a", s.first.name);
  if (s.pair) q.set("explain", "1");
  if (s.query) q.set("q", s.query);
  for (const what of ["fold", "hide", "table"] as const) if (s[what]) q.set(what, "1");
  const hash = "#" + q.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
  if (hash === location.hash || (hash === "#" && !location.hash)) return;
  try {
    history.replaceState(null, "", hash);
  } catch {
    location.replace(hash); // a page without a server may not use history
  }
}

/** Shows what the address says; where it says nothing, what the page opens with. */
export async function readHash(app: App, opening = ""): Promise<void> {
  const s = app.state, v = app.view, q = new URLSearchParams((location.hash || opening).slice(1));
  for (const what of ["fold", "hide", "table"] as const) s[what] = q.get(what) === "1";
  const names = q.get("only")?.split(",");
  app.restrict(names ? s.all.lanes.flatMap((l, p) => (names.includes(l.name) ? [p] : [])) : null);
  s.query = byId<HTMLInputElement>("query").value = q.get("q") ?? "";
  s.finding = s.first = s.pair = s.chosen = s.details = null;
  try {
    const finding = Number(q.get("finding"));
    if (finding >= 1 && finding <= s.all.findings) [s.finding] = await app.source.findings(finding - 1, 1);
    const event = q.get("event") ? await app.named(q.get("event")!) : null;
    const first = q.get("a") ? await app.named(q.get("a")!) : null;
    if (event && first && q.get("explain")) await app.explain(first, event);
    else if (event) {
      s.first = first;
      await app.choose(event);
    } else if (s.finding) await app.showFinding(s.finding.number);
  } catch (e) {
    app.fail(e as Error);
  }
  const clocks = q.get("clocks")?.split("..").map(Number);
  if (clocks?.length === 2 && clocks[0] < clocks[1]) v.show(clocks[0], clocks[1], false);
  v.scroll(Number(q.get("y") ?? 0) - v.scrollY);
  app.pinChanged();
}
