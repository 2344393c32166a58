// Measures the page on traces of about 10 thousand, 100 thousand and 1 million events in headless Chromium: how long the server
// reads, how long until the first picture, frames a second while panning and zooming (the median of three times, beside a page that
// does nothing), and memory. Prints a table.
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
  console.log("| events | read and checked | first picture | idle, frames/s (95 % of frames take at most) | pan | zoom | server | page |");
  console.log("|---|---|---|---|---|---|---|---|");
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
  const told = { idle: [], pan: [], zoom: [] };
  for (let i = 0; i < 3; i++) for (const how of Object.keys(told)) told[how].push(await frames(page, how));
  const [idle, pan, zoom] = Object.values(told).map((list) => list.sort((a, b) => parseInt(a) - parseInt(b))[1]);
  const heap = await page.evaluate(() => performance.memory.usedJSHeapSize);
  const status = await readFile(`/proc/${server.pid}/status`, "utf8").catch(() => "");
  const peak = Number(status.match(/VmHWM:\s+(\d+)/)?.[1] ?? 0) / 1024, now = Number(status.match(/VmRSS:\s+(\d+)/)?.[1] ?? 0) / 1024;
  console.log(`| ${events.toLocaleString("en")} | ${(read / 1000).toFixed(2)} s | ${first.sort((a, b) => a - b)[1].toFixed(0)} ms | ${idle} | ${pan} | ${zoom} ` +
    `| ${now.toFixed(0)} MiB (peak ${peak.toFixed(0)}) | ${(heap / 2 ** 20).toFixed(0)} MiB |`);
  await browser.close();
  await server.stop();
}

/**
 * Drags or turns the wheel once a frame for some seconds, by the events that a hand would cause, and counts the frames. Idle moves
 * nothing: what the machine can do at that time.
 */
async function frames(page, how) {
  return page.evaluate(async (how) => {
    const app = window.viewer, { view: v } = app, canvas = document.getElementById("diagram"), box = canvas.getBoundingClientRect();
    const [lo, hi] = v.full, middle = (lo + hi) / 2, span = Math.min(hi - lo, 220);
    if (how === "pan") v.show(middle - span / 2, middle + span / 2, false);
    else v.show(...v.full, false);
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const y = box.top + box.height / 2, right = box.right - 30;
    const mouse = (type, x) => ({ type, init: { bubbles: true, cancelable: true, view: window, clientX: x, clientY: y, button: 0, buttons: 1 } });
    const send = ({ type, init }, target) => target.dispatchEvent(new MouseEvent(type, init));
    for (let i = 0; i < 20; i++) await frame();
    const at = [await frame()], drawn = app.frames;
    for (let i = 0; at.at(-1) - at[0] < 4000; i++) {
      if (how === "zoom") {
        const deltaY = Math.floor(i / 70) % 2 ? 40 : -40;
        canvas.dispatchEvent(new WheelEvent("wheel", { bubbles: true, cancelable: true, view: window, clientX: box.left + box.width / 2, clientY: y, deltaY }));
      } else if (how === "pan") {
        if (i % 60 === 0) {
          if (i > 0) send(mouse("mouseup", right - 720), window);
          send(mouse("mousedown", right), canvas);
        }
        send(mouse("mousemove", right - (i % 60) * 12), window);
      }
      at.push(await frame());
    }
    if (how === "pan") send(mouse("mouseup", right), window);
    if (how !== "idle" && app.frames - drawn < at.length * 0.8) throw new Error(`${how}: ${app.frames - drawn} pictures in ${at.length} frames`);
    const gaps = at.slice(1).map((b, i) => b - at[i]).sort((a, b) => a - b);
    return `${((at.length - 1) / ((at.at(-1) - at[0]) / 1000)).toFixed(0)} (${gaps[Math.floor(gaps.length * 0.95)].toFixed(0)} ms)`;
  }, how);
}
