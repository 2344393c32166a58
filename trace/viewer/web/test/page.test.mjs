// Drives the real page in a real browser, with keys and clicks as people do.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Bench, hindrance, launch, open, settled } from "./run.mjs";

const skip = await hindrance();
if (skip && process.env.BANK_TRACE_BROWSER === "must") throw new Error(skip);
if (skip) console.log(`SKIPPED: ${skip}`);

describe("the page", { skip: skip ?? false }, () => {
  let bench, browser, whole, broken;

  before(async () => {
    bench = await Bench.create();
    await bench.generate("whole", 60);
    await bench.bank("break", bench.path("whole"), "--rule", "clock/receive-not-after-send", "-o", bench.path("broken"));
    browser = await launch();
    whole = await bench.view(bench.path("whole"));
    broken = await bench.view(bench.path("broken"));
  });

  after(async () => {
    await browser?.close();
    await bench?.close();
  });

  /** Opens a page, and afterwards sees that it had nothing to complain of. */
  const on = (address, does, options) => async () => {
    const page = await open(browser, typeof address === "function" ? address() : address, options);
    await does(page);
    assert.deepEqual(page.troubles, []);
    await page.close();
  };
  const atWhole = (hash = "") => () => whole.address + hash;
  const panel = (page) => page.locator("#panel");

  test("loads", on(atWhole(), async (page) => {
    assert.match(await page.title(), /whole/);
    assert.match(await page.locator("#summary").textContent(), /^[\d,]+ events of 12 processes, [\d,]+ messages\. Check: pass\.$/);
    const drawn = await page.evaluate(() => {
      const c = document.getElementById("diagram");
      const { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
      let n = 0;
      for (let i = 3; i < data.length; i += 4) if (data[i] > 0) n++;
      return n / (c.width * c.height);
    });
    assert.ok(drawn > 0.1, `only ${drawn} of the picture is drawn on`);
  }));

  test("chooses an event by a click, and says what is past and future", on(atWhole("#clocks=40..70"), async (page) => {
    const at = await page.evaluate(() => {
      const { view: v, scene } = window.viewer;
      const e = scene.events.find((e) => v.rowOf[e.p] === 1 && v.x(e.clock) > v.width / 2);
      const box = document.getElementById("diagram").getBoundingClientRect();
      return { x: box.left + v.x(e.clock), y: box.top + v.y(v.rowOf[e.p]), name: window.viewer.ofScene(e).name, clock: e.clock };
    });
    await page.mouse.click(at.x, at.y);
    await panel(page).getByText("Expected clock").waitFor();
    assert.match(await panel(page).textContent(), new RegExp(`${at.name} has clock ${at.clock}, as expected`));
    const { text, counts, events, raw } = await page.evaluate(() => {
      const { details: d, all } = window.viewer.state;
      return { text: d.text, counts: d.cone.counts, events: all.events, raw: JSON.parse(d.raw) };
    });
    assert.equal(counts[0] + counts[1] + counts[2] + 1, events);
    assert.equal(`${raw.process}:${raw.seq}`, at.name);
    const told = await bench.bank("explain", bench.path("whole"), at.name);
    assert.equal(text, told.stdout);
    // The same stands in the table, in words.
    await page.locator("#list tr[aria-current]").waitFor({ state: "attached" });
    const row = await page.locator("#list tr[aria-current]").textContent();
    assert.match(row, new RegExp(`^${at.name}${at.clock}.*itself$`));
    assert.match(await page.locator("#list").textContent(), /past/);
  }));

  test("explains two events as the command does", on(atWhole("#clocks=40..70&event=branch-1:30"), async (page) => {
    for (const [key, other] of [["Enter", "branch-2:60"]]) {
      await page.locator("#diagram").focus();
      await page.keyboard.press(key);
      await page.keyboard.press("/");
      await page.keyboard.type(other);
      await page.keyboard.press("Enter");
      await page.locator("#hits button").first().click();
      await page.waitForFunction((name) => window.viewer.state.details?.event.name === name, other);
      await page.keyboard.press("Enter");
      await page.locator("#pair").waitFor();
      const told = await bench.bank("explain", bench.path("whole"), "branch-1:30", other);
      assert.equal(await page.locator("#explained").evaluate((e) => e.textContent), told.stdout);
      assert.equal(await page.locator("#pair h2").textContent(), told.stdout.split("\n")[0]);
    }
  }));

  test("searches", on(atWhole(), async (page) => {
    for (const [query, least] of [["customer-1/1", 5], ["execute", 10], ["customer-2 send", 1], ["account=main", 5], ["clock=20..22", 3]]) {
      await page.locator("#query").fill(query);
      await page.keyboard.press("Enter");
      await page.waitForFunction((q) => window.viewer.state.query === q, query);
      await page.locator("#hits li").first().waitFor();
      const text = await page.locator("#hits p").textContent();
      assert.ok(Number(text.match(/^[\d,]+/)[0].replace(",", "")) >= least, `${query}: ${text}`);
      await page.keyboard.press("Escape");
    }
    await page.locator("#query").fill("clock=x");
    await page.keyboard.press("Enter");
    await page.locator("#hits [role=alert]").waitFor();
    await page.locator("#query").fill("nobody");
    await page.keyboard.press("Enter");
    await page.getByText("Nothing found.").waitFor();
    // What is refused is told by the server, with a status that browsers log.
    page.troubles = page.troubles.filter((t) => !t.includes("400"));
  }));

  test("hides clocks until they are guessed", on(atWhole("#clocks=40..70&event=branch-1:30"), async (page) => {
    await page.locator("#hide").click();
    const [clock, least] = await page.evaluate(() => [window.viewer.state.details.event.clock, window.viewer.state.details.expected.least]);
    assert.doesNotMatch(await panel(page).textContent(), new RegExp(`has clock ${clock}, as`));
    await page.locator("#guess").fill(String(least + 1));
    await page.keyboard.press("Enter");
    await panel(page).getByText(`✗ Not ${least + 1}: ${least}.`).waitFor();
    await page.locator("#diagram").focus();
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction(() => window.viewer.state.details?.event.name === "branch-1:31");
    const next = await page.evaluate(() => window.viewer.state.details.expected.least);
    await page.locator("#guess").fill(String(next));
    await page.keyboard.press("Enter");
    await panel(page).getByText("✓ Right.").waitFor();
    assert.match(await panel(page).textContent(), /has one more/);
  }));

  test("goes to a finding and explains it", on(() => broken.address, async (page) => {
    await page.locator("#diagram").focus();
    await page.keyboard.press("n");
    await page.locator("#finding").waitFor();
    const text = await page.locator("#finding").textContent();
    assert.match(text, /clock\/receive-not-after-send/);
    assert.match(text, /A receive must be later than its send/);
    assert.match(text, /Rule: The clock of a receive is higher/);
    const { chosen, x, left, width } = await page.evaluate(() => {
      const { state, view } = window.viewer;
      return { chosen: state.chosen.mark & 4, x: view.x(state.chosen.clock), left: view.gutter, width: view.width };
    });
    assert.equal(chosen, 4);
    assert.ok(x > left && x < width);
    await panel(page).getByText(/✗ .* expected \d+/).waitFor();
  }));

  test("opens with the finding that was asked for, served or as a file", async () => {
    const file = bench.path("finding.html");
    await bench.bank("draw", bench.path("broken"), "--finding", "1", "-o", file);
    const { address } = await bench.show("view", bench.path("broken"), "--finding", "1", "--no-open");
    assert.match(address, /#finding=1$/);
    for (const at of [address, `file://${file}`]) {
      await on(at, async (page) => {
        await page.locator("#finding").waitFor();
        await panel(page).getByText(/✗ .* expected \d+/).waitFor();
        await page.waitForFunction(() => /finding=1/.test(location.hash) && /event=/.test(location.hash));
      })();
    }
  });

  test("a link restores what is on screen", on(atWhole("#clocks=40..70&event=branch-1:30"), async (page) => {
    await page.locator("#diagram").focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("ArrowDown");
    await page.waitForFunction(() => window.viewer.state.details?.event.p === 1);
    await page.keyboard.press("Enter");
    await page.locator("#pair").waitFor();
    await page.keyboard.press("f");
    await page.locator("#processes").click();
    await page.getByRole("button", { name: "Only branches" }).click();
    await page.waitForFunction(() => /only=/.test(location.hash) && /fold=1/.test(location.hash) && /explain=1/.test(location.hash));
    await settled(page);
    const seen = () => window.viewer && JSON.stringify({
      clocks: window.viewer.view.clocks.map((c) => c.toFixed(2)), only: window.viewer.state.only, fold: window.viewer.state.fold,
      chosen: window.viewer.state.chosen?.name, relation: window.viewer.state.pair?.relation, a: window.viewer.state.first?.name,
    });
    const was = await page.evaluate(seen);
    const again = await open(browser, page.url());
    await again.locator("#pair").waitFor();
    assert.equal(await again.evaluate(seen), was);
    assert.deepEqual(again.troubles, []);
    await again.close();
  }));

  test("everything by keyboard", on(atWhole(), async (page) => {
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
    const chosen = () => page.evaluate(() => window.viewer.state.chosen?.name);
    const go = async (key) => {
      const was = await chosen();
      await page.keyboard.press(key);
      await page.waitForFunction((n) => window.viewer.state.details && window.viewer.state.details.event.name === window.viewer.state.chosen.name &&
        window.viewer.state.chosen.name !== n, was);
      return chosen();
    };
    await page.locator("#diagram").focus();
    assert.match(await go("ArrowRight"), /^branch-1:/);
    assert.equal(await go("Home"), "branch-1:1");
    assert.equal(await go("ArrowRight"), "branch-1:2");
    assert.equal(await go("ArrowLeft"), "branch-1:1");
    assert.match(await go("ArrowDown"), /^branch-2:/);
    assert.match(await go("ArrowUp"), /^branch-1:/);
    await go("Home");
    const sender = await page.evaluate(() => window.viewer.state.details.send.name);
    assert.equal(await go("m"), sender);
    assert.equal(await go("m"), "branch-1:1");
    await page.keyboard.press("t");
    assert.ok(await page.locator("#list.shown").isVisible());
    await page.keyboard.press("?");
    assert.ok(await page.locator("#help").isVisible());
    await page.keyboard.press("Escape");
    assert.ok(!(await page.locator("#help").isVisible()));
    assert.ok(await chosen());
    await page.keyboard.press("Escape");
    assert.equal(await chosen(), undefined);
    const outline = await page.locator("#diagram").evaluate((e) => { e.focus(); return getComputedStyle(e).outlineStyle; });
    assert.equal(outline, "solid");
  }));

  test("can be read without the picture", on(atWhole("#clocks=20..70&event=branch-1:30"), async (page) => {
    await page.locator("#list tr[aria-current]").waitFor({ state: "attached" });
    const tree = await page.locator("body").ariaSnapshot();
    for (const part of ['button "Zoom in"', "searchbox", "application \"Space-time diagram\"", "complementary \"Event\"", "region \"Events on screen\"",
      "table", 'columnheader "To branch-1:30"', 'button "branch-1:30"', "status"]) assert.ok(tree.includes(part), `no ${part} in\n${tree.slice(0, 3000)}`);
    const unnamed = await page.evaluate(() => [...document.querySelectorAll("button, input")]
      .filter((e) => !(e.textContent.trim() || e.getAttribute("aria-label") || e.labels?.length)).map((e) => e.outerHTML));
    assert.deepEqual(unnamed, []);
  }));

  test("does not glide where motion is unwelcome", on(atWhole(), async (page) => {
    const [before, now] = await page.evaluate(() => {
      const { view } = window.viewer, a = view.perClock;
      view.show(10, 20, true);
      return [a, view.perClock];
    });
    assert.ok(now > 3 * before);
  }, { reducedMotion: "reduce" }));

  test("has colours for dark and for paper", on(atWhole(), async (page) => {
    const ink = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(await ink(), "rgb(19, 24, 30)");
    // Of the picture: the colour beside a name, and whether it is stretched; at once after an event, else after some frames.
    const drawn = (event) => page.evaluate(async (event) => {
      if (event) window.dispatchEvent(new Event(event));
      else for (let i = 0; i < 5; i++) await new Promise(requestAnimationFrame);
      const c = document.getElementById("diagram"), box = c.getBoundingClientRect();
      const one = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
      one.drawImage(c, 2, c.height - 2, 1, 1, 0, 0, 1, 1);
      const [r, g, b] = one.getImageData(0, 0, 1, 1).data;
      return { paper: `rgb(${r}, ${g}, ${b})`, stretched: Math.abs((c.width / c.height) / (box.width / box.height) - 1) > 0.02 };
    }, event);
    const onScreen = { paper: "rgb(19, 24, 30)", stretched: false }, onPaper = { paper: "rgb(255, 255, 255)", stretched: false };
    assert.deepEqual(await drawn(), onScreen);
    // Printing waits for no frame.
    assert.deepEqual(await drawn("beforeprint"), onPaper);
    await page.emulateMedia({ media: "print" });
    assert.equal(await ink(), "rgb(255, 255, 255)");
    assert.deepEqual(await drawn(), onPaper);
    await page.emulateMedia({ media: "screen" });
    assert.deepEqual(await drawn("afterprint"), onScreen);
  }, { colorScheme: "dark" }));

  test("stops cleanly", async () => {
    const { stop } = await bench.view(bench.path("whole"));
    assert.equal(await stop(), 0);
  });
});
