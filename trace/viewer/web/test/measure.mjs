// Measures the page on traces of about 10 thousand, 100 thousand and 1 million events in headless Chromium: how long the server
// reads, how long until the first picture, frames a second while panning and zooming, and memory. Prints a table.
//
//   npm run measure [-- REQUESTS...]
import { readFile } from "node:fs/promises";
import { Bench, hindrance, launch } from "./run.mjs";

const why = await hindrance();
if (why) {
  console.error(`measure: ${why}`);
  process.exit(1);
}
const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [400, 4000, 40000];
const bench = await Bench.create();
try {
  console.log("| events | read and checked | first picture | pan, frames/s (slowest frame) | zoom, frames/s (slowest frame) | server | page |");
  console.log("|---|---|---|---|---|---|---|");
  for (const requests of sizes) await measure(await bench.generate(`r${requests}`, requests));
} finally {
  await bench.close();
}

async function measure(trace) {
  const start = performance.now();
  const server = await bench.view(trace), read = performance.now() - start;
  const browser = await launch();
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const first = [];
  for (let i = 0; i < 3; i++) {
    await page.goto("about:blank");
    await page.goto(server.address);
    // Since the page was asked for: when all that is on screen was drawn.
    first.push(await page.waitForFunction(() => {
      const v = window.viewer;
      return v && v.frames > 0 && v.scene.covers.length > 0 && !v.tiles.waiting && performance.now();
    }, null, { polling: "raf" }).then((h) => h.jsonValue()));
  }
  const events = await page.evaluate(() => window.viewer.state.all.events);
  const [pan, zoom] = [await frames(page, "pan"), await frames(page, "zoom")];
  const heap = await page.evaluate(() => performance.memory.usedJSHeapSize);
  const status = await readFile(`/proc/${server.pid}/status`, "utf8").catch(() => "");
  const peak = Number(status.match(/VmHWM:\s+(\d+)/)?.[1] ?? 0) / 1024, now = Number(status.match(/VmRSS:\s+(\d+)/)?.[1] ?? 0) / 1024;
  console.log(`| ${events.toLocaleString("en")} | ${(read / 1000).toFixed(2)} s | ${first.sort((a, b) => a - b)[1].toFixed(0)} ms | ${pan} | ${zoom} ` +
    `| ${now.toFixed(0)} MiB (peak ${peak.toFixed(0)}) | ${(heap / 2 ** 20).toFixed(0)} MiB |`);
  await browser.close();
  await server.stop();
}

/** Moves the mouse or the wheel for some seconds, as a hand would, and counts the pictures that the page draws. */
async function frames(page, how) {
  const box = await page.locator("#diagram").boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.evaluate((how) => {
    const { view: v } = window.viewer;
    if (how === "pan") {
      const [lo, hi] = v.full, middle = (lo + hi) / 2, span = Math.min(hi - lo, 220);
      v.show(middle - span / 2, middle + span / 2, false);
    } else v.show(...v.full, false);
    window.drawn = [];
    const app = window.viewer, paint = app.paint;
    app.paint = function () {
      paint.call(app);
      window.drawn.push(performance.now());
    };
    window.unwrap = () => (app.paint = paint);
  }, how);
  await page.mouse.move(x, y);
  const until = Date.now() + 4000;
  for (let i = 0; Date.now() < until; i++) {
    if (how === "zoom") {
      await page.mouse.wheel(0, Math.floor(i / 60) % 2 ? 60 : -60);
      continue;
    }
    if (i % 60 === 0) {
      await page.mouse.up();
      await page.mouse.move(box.x + box.width - 30, y);
      await page.mouse.down();
    }
    await page.mouse.move(box.x + box.width - 30 - (i % 60) * 12, y);
  }
  await page.mouse.up();
  return page.evaluate(() => {
    window.unwrap();
    const t = window.drawn, gaps = t.slice(1).map((b, i) => b - t[i]);
    const long = Math.max(...gaps);
    return `${((t.length - 1) / ((t.at(-1) - t[0]) / 1000)).toFixed(0)} (${long.toFixed(0)} ms)`;
  });
}
