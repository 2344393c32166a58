// What the browser tests and the measurement share: the program, traces, the browser.
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
export const web = dirname(dirname(fileURLToPath(import.meta.url)));
const root = join(web, "../../..");

/** Where a Chromium is; null where none is. */
export function chromiumPath() {
  const named = process.env.CHROMIUM;
  const places = named ? [named] : ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  return places.find((p) => existsSync(p)) ?? null;
}

/** Why browser tests cannot run here; null where they can. */
export async function hindrance() {
  if (!chromiumPath()) return "no Chromium is installed (apt-get install chromium, or name one in CHROMIUM)";
  try {
    await import("playwright-core");
  } catch {
    return "playwright-core is not installed (npm ci in trace/viewer/web)";
  }
  return null;
}

/** A browser; the caller closes it. */
export async function launch(args = []) {
  const { chromium } = await import("playwright-core");
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath: chromiumPath(), args: [...sandbox, ...args] });
}

/** A folder with the program in it, and what it is told to make. */
export class Bench {
  static async create() {
    const b = new Bench();
    b.dir = await mkdtemp(join(tmpdir(), "bank-trace-browser-"));
    b.program = process.env.BANK_TRACE ?? join(b.dir, "bank-trace");
    if (!process.env.BANK_TRACE) await run("go", ["build", "-o", b.program, "./cmd/bank-trace"], { cwd: root });
    b.servers = [];
    return b;
  }

  /** Runs the program. */
  async bank(...args) {
    return run(this.program, args, { cwd: this.dir });
  }

  path(name) {
    return join(this.dir, name);
  }

  /** Makes a trace of so many requests. */
  async generate(name, requests) {
    await this.bank("generate", "--branches", "4", "--customers", "8", "--requests", String(requests), "--seed", "7", "-o", this.path(name));
    return this.path(name);
  }

  /** Shows a trace, and returns the address and how to stop. */
  async view(trace) {
    return this.show("view", trace, "--no-open");
  }

  /** Runs a command that shows something. */
  async show(...args) {
    const child = spawn(this.program, args, { cwd: this.dir, stdio: ["ignore", "pipe", "ignore"] });
    const ended = new Promise((resolve) => child.on("exit", resolve));
    const stop = async () => {
      child.kill("SIGINT");
      return ended;
    };
    this.servers.push(stop);
    const lines = createInterface({ input: child.stdout });
    const address = await Promise.race([
      new Promise((resolve) => lines.once("line", resolve)),
      ended.then((code) => Promise.reject(new Error(`${args[0]} ended with ${code}`))),
    ]);
    return { address, stop, pid: child.pid };
  }

  async close() {
    for (const stop of this.servers) await stop();
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** Opens the page and waits until it has drawn what it was asked to. */
export async function open(browser, address, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
  page.troubles = [];
  page.on("console", (m) => m.type() !== "log" && page.troubles.push(`${m.type()}: ${m.text()}`));
  page.on("pageerror", (e) => page.troubles.push(e.message));
  await page.goto(address);
  await settled(page);
  return page;
}

/** Waits until nothing is under way. */
export async function settled(page) {
  await page.waitForFunction(() => window.viewer && !window.viewer.tiles.waiting && window.viewer.frames > 0);
}
