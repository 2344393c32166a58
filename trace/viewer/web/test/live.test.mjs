// Watches a run that is under way, in a real browser.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { Bench, hindrance, launch, open } from "./run.mjs";

const skip = await hindrance();
if (skip && process.env.BANK_TRACE_BROWSER === "must") throw new Error(skip);
if (skip) console.log(`SKIPPED: ${skip}`);

/** A run in which a customer makes a request every so often. */
function scenario(requests, wait) {
  const steps = Array.from({ length: requests }, (_, i) => `      - {deposit: 1, account: main, at: ${1 + (i % 3)}}\n      - wait: ${wait}\n`);
  return `name: slow\nbranches: 3\nopening: {main: 400}\ncustomers:\n  - id: 1\n    steps:\n${steps.join("")}`;
}

describe("a run under way", { skip: skip ?? false }, () => {
  let bench, browser;

  before(async () => {
    bench = await Bench.create();
    browser = await launch();
  });

  after(async () => {
    await browser?.close();
    await bench?.close();
  });

  const watch = async (name, requests, wait, does) => {
    await writeFile(bench.path(`${name}.yaml`), scenario(requests, wait));
    const run = await bench.show("run", `${name}.yaml`, "--view", "--no-open", "-o", name);
    const page = await open(browser, run.address);
    await page.evaluate(() => (window.loaded = "once"));
    await does(page, run);
    // A question from before a process joined is refused, and asked again: browsers log the status.
    assert.deepEqual(page.troubles.filter((t) => !t.includes("409")), []);
    await page.close();
    return run;
  };
  const events = (page) => page.evaluate(() => window.viewer.state.all.events);
  const summary = (page) => page.locator("#summary").textContent();

  test("events appear as they are logged, and then the verdict", async () => {
    const run = await watch("grows", 14, "400ms", async (page) => {
      await page.waitForFunction(() => window.viewer.state.all.events > 0);
      assert.match(await summary(page), /^Running: \d+ events of \d process(es)?, \d+ messages? so far\.$/);
      assert.ok(await page.locator("#newest[aria-pressed=true]").isVisible());
      const seen = [await events(page)];
      for (let i = 0; i < 2; i++) {
        await page.waitForFunction((n) => window.viewer.state.all.events > n, seen.at(-1));
        seen.push(await events(page));
        // The newest events come on screen, and are drawn.
        await page.waitForFunction(() => {
          const { view: v, scene, state: s } = window.viewer;
          return v.atEnd && scene.events.some((e) => e.clock === s.all.clocks[1]);
        });
      }
      assert.match(await summary(page), /^Running/);
      await page.waitForFunction(() => !window.viewer.state.all.growing, null, { timeout: 20_000 });
      assert.match(await summary(page), /^[\d,]+ events of 4 processes, [\d,]+ messages\. Check: pass\.$/);
      assert.match(await page.locator("#said").textContent(), /^The run is over\. .* Check: pass\.$/);
      assert.equal(await page.evaluate(() => window.loaded), "once");
      assert.ok(!(await page.locator("#newest").isVisible()));
      // What it has become is what the finished trace is.
      const whole = await bench.view(bench.path("grows"));
      const told = async (address) => ({ ...(await (await fetch(address + "api/overview")).json()), name: "", generation: 0 });
      assert.deepEqual(await told(origin(page)), await told(whole.address));
    });
    assert.equal(await run.stop(), 0);
  });

  test("what is looked at stays", async () => {
    const run = await watch("stays", 12, "400ms", async (page) => {
      await page.waitForFunction(() => window.viewer.state.all.events > 12);
      await page.locator("#diagram").focus();
      await page.keyboard.press("ArrowRight");
      await page.waitForFunction(() => window.viewer.state.details);
      await page.keyboard.press("Home");
      await page.waitForFunction(() => window.viewer.state.details?.event.seq === 1);
      const chosen = await page.evaluate(() => window.viewer.state.chosen.name);
      const future = await page.evaluate(() => window.viewer.state.details.cone.counts[1]);
      // Its future grows, as nothing else in a run that goes on from it.
      await page.waitForFunction((n) => window.viewer.state.details?.cone.counts[1] > n + 20, future, { timeout: 20_000 });
      await page.waitForFunction(() => {
        const { all, details } = window.viewer.state;
        return !all.growing && details && details.cone.counts.reduce((a, b) => a + b) + 1 === all.events;
      }, null, { timeout: 20_000 });
      const now = await page.evaluate(() => {
        const { state: s, view: v } = window.viewer, x = v.x(s.chosen.clock);
        return { chosen: s.chosen.name, seen: x >= v.gutter && x <= v.width, atEnd: v.atEnd };
      });
      assert.deepEqual(now, { chosen, seen: true, atEnd: false });
      assert.equal(await page.locator("#newest").getAttribute("aria-pressed"), "false");
    });
    assert.equal(await run.stop(), 0);
  });

  test("shows a run that has logged nothing", async () => {
    const { address } = await bench.view(await bench.generate("whole", 5));
    const page = await browser.newPage(), troubles = [];
    page.on("console", (m) => troubles.push(m.text()));
    page.on("pageerror", (e) => troubles.push(e.message));
    // The answer of a run that has just begun, and then that of the whole trace.
    const whole = await (await fetch(address + "api/overview")).json();
    const empty = { ...whole, events: 0, messages: 0, clocks: [0, 0], lanes: [], verdict: "", growing: true, generation: 1 };
    let begun = false;
    await page.route("**/api/overview*", (route) => route.fulfill({ json: begun ? { ...whole, growing: true, generation: 2 } : empty }));
    await page.route("**/api/tile*", (route) => {
      const url = new URL(route.request().url());
      url.searchParams.delete("g"); // the server has but one generation
      return begun ? route.continue({ url: url.href }) : route.fulfill({ json: { z: 0, i: 0, exact: true } });
    });
    await page.goto(address);
    await page.getByText("Running: nothing is logged yet.").first().waitFor();
    await page.locator("#diagram").focus();
    for (const key of ["ArrowRight", "ArrowDown", "Home", "+", "-", "0", "l", "t", "n"]) await page.keyboard.press(key);
    begun = true;
    await page.waitForFunction((n) => window.viewer.state.all.events === n && window.viewer.scene.events.length > 0, whole.events);
    assert.deepEqual(troubles, []);
    await page.close();
  });

  test("is told when the run is stopped", async () => {
    await writeFile(bench.path("stopped.yaml"), scenario(2, "1h"));
    const run = await bench.show("run", "stopped.yaml", "--view", "--no-open");
    const page = await open(browser, run.address);
    await page.waitForFunction(() => window.viewer.state.all.events > 0);
    assert.equal(await run.stop(), 2);
    await page.getByText("The run was stopped.").waitFor();
    assert.ok((await events(page)) > 0);
    await page.close();
  });

  test("processes that join change no choice", async () => {
    const trace = await bench.generate("joined", 20);
    const { address } = await bench.view(trace);
    const page = await open(browser, address + "#event=branch-2:3&only=branch-2,branch-3&a=customer-1:1&hide=1");
    await page.waitForFunction(() => window.viewer.state.details);
    const now = await page.evaluate(() => {
      const app = window.viewer, s = app.state, all = structuredClone(s.all);
      s.guessed.add("1,4");
      all.lanes.unshift({ ...all.lanes[0], name: "a-newcomer" });
      app.take(all);
      return { chosen: [s.chosen.p, s.chosen.name], first: s.first.p, only: s.only, guessed: [...s.guessed], boxes: document.querySelectorAll("#filter input").length };
    });
    assert.deepEqual(now, { chosen: [2, "branch-2:3"], first: 5, only: [2, 3], guessed: ["2,4"], boxes: 13 });
    await page.close();
  });
});

function origin(page) {
  return new URL("/", page.url()).href;
}
