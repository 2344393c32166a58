// Holds the page without a server to the server: both must give the same answers.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { Bench, hindrance, launch, open, settled } from "./run.mjs";

const skip = await hindrance();
if (skip && process.env.BANK_TRACE_BROWSER === "must") throw new Error(skip);

// Each breaks happens-before or its record in another way.
const rules = ["message/lost", "message/orphan-receive", "message/duplicate-receive", "causality/cycle", "clock/not-increasing", "log/missing"];

describe("the page without a server", { skip: skip ?? false }, () => {
  let bench, browser;

  before(async () => {
    bench = await Bench.create();
    await bench.generate("whole", 40);
    browser = await launch();
  });

  after(async () => {
    await browser?.close();
    await bench?.close();
  });

  for (const rule of [null, ...rules]) {
    test(`answers as the server does: ${rule ?? "a valid trace"}`, async () => {
      const name = rule ? rule.replace("/", "-") : "whole";
      if (rule) await bench.bank("break", bench.path("whole"), "--rule", rule, "-o", bench.path(name));
      const file = bench.path(name + ".html");
      await bench.bank("view", bench.path(name), "-o", file);
      const server = await bench.view(bench.path(name));
      const [there, here] = [await open(browser, server.address), await open(browser, pathToFileURL(file).href)];
      const all = await there.evaluate(() => window.viewer.source.overview());
      assert.deepEqual(await here.evaluate(() => window.viewer.source.overview()), all);
      const list = questions(all);
      const ask = (list) => Promise.all(list.map(([what, ...args]) => window.viewer.source[what](...args).catch(() => "refused")));
      const [a, b] = await Promise.all([there, here].map((page) => page.evaluate(ask, list)));
      list.forEach(([what, ...args], i) => {
        if (what === "tile") for (const t of [a[i], b[i]]) sortTile(t);
        assert.deepEqual(b[i], a[i], `${what} ${JSON.stringify(args)}`);
      });
      here.troubles.push(...there.troubles.filter((t) => !/40[04]/.test(t)));
      assert.deepEqual(here.troubles, []);
      await Promise.all([there.close(), here.close(), server.stop()]);
    });
  }

  test("loads nothing, and works by keyboard", async () => {
    const file = bench.path("alone.html");
    await bench.bank("view", bench.path("whole"), "-o", file);
    const page = await browser.newPage();
    const asked = [];
    page.on("request", (r) => asked.push(r.url().slice(0, 60)));
    await page.goto(pathToFileURL(file).href);
    await settled(page);
    await page.locator("#diagram").focus();
    await page.keyboard.press("ArrowRight");
    await page.getByText("Expected clock").waitFor();
    await page.waitForFunction(() => location.hash.includes("event="));
    assert.deepEqual(asked.filter((url) => !/^(file|data|blob):/.test(url)), []);
  });
});

/** Lists of cells and messages are sets: their order says nothing. */
function sortTile(tile) {
  for (const [list, n] of [["events", 7], ["messages", 6], ["cells", 6], ["flows", 5]]) {
    const flat = tile[list];
    if (!flat) continue;
    const rows = [];
    for (let i = 0; i < flat.length; i += n) rows.push(flat.slice(i, i + n).join());
    tile[list] = rows.sort();
  }
  if (tile.cells?.length === 0) delete tile.cells;
}

/** Questions of all kinds; the same each time. */
function questions(all) {
  let seed = 1;
  const below = (n) => (seed = (seed * 48271) % 2147483647) % n;
  const busy = all.lanes.flatMap((l, p) => (l.events > 0 ? [p] : []));
  const at = () => {
    const p = busy[below(busy.length)];
    return { p, pos: below(all.lanes[p].events) };
  };
  const list = [["findings", 0, 100]];
  for (let i = 0; i < 60; i++) list.push(["event", at()], ["pair", at(), at()], ["near", below(all.lanes.length), 1 + below(all.clocks[1] + 9)]);
  for (let i = 0; i < 40; i++) {
    const z = below(12);
    list.push(["tile", z, below(Math.ceil(all.clocks[1] / 2 ** z) + 1), i % 3 ? null : [below(all.lanes.length), below(all.lanes.length)]]);
  }
  for (const q of ["branch-1", "customer-1/1", "execute", "branch-2:9", "branch-2:99999", "17", "10..20", "send branch-2", "account=main", "main",
    "request=customer-2/2", "write=branch-1/1", "peer=branch-2 kind=receive", "", "clock=0", "kind=x", "x=1", "step=order clock=5..200"]) {
    list.push(["search", q, 50]);
  }
  return list;
}
