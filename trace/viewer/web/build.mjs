// Bundles the page into the folder that is named: index.html, viewer.js and viewer.css.
import { build } from "esbuild";
import { cp, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

export async function bundle(out) {
  await mkdir(out, { recursive: true });
  const options = {
    absWorkingDir: here,
    entryPoints: { viewer: "src/main.ts" },
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "ascii",
    legalComments: "none",
    outdir: out,
    metafile: true,
  };
  const { metafile } = await build({ ...options, write: false });
  await build({ ...options, banner: { js: await licences(metafile) } });
  await build({ absWorkingDir: here, entryPoints: { viewer: "src/style.css" }, minify: true, outdir: out });
  await cp(join(here, "src/index.html"), join(out, "index.html"));
}

/** The licences of what is bundled go with it. */
async function licences(metafile) {
  const names = Object.keys(metafile.inputs).map((file) => file.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1]);
  const texts = new Map();
  for (const name of [...new Set(names.filter((n) => n))].sort()) {
    const text = (await readFile(join(here, "node_modules", name, "LICENSE"), "utf8")).trim();
    texts.set(text, [...(texts.get(text) ?? []), name]);
  }
  return [...texts].map(([text, names]) => `/* ${names.join(", ")}:\n${text}\n*/`).join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await bundle(join(process.cwd(), process.argv[2] ?? "dist"));
}
