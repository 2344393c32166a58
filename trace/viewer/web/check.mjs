// Says whether dist is what the source builds to.
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./build.mjs";

const dist = join(dirname(fileURLToPath(import.meta.url)), "dist");
const fresh = await mkdtemp(join(tmpdir(), "bank-trace-viewer-"));
try {
  await bundle(fresh);
  const names = new Set([...(await readdir(fresh)), ...(await readdir(dist))]);
  let stale = 0;
  for (const name of [...names].sort()) {
    const [a, b] = await Promise.all([fresh, dist].map((dir) => readFile(join(dir, name)).catch(() => null)));
    if (!a || !b || !a.equals(b)) {
      console.error(`check: dist/${name} is not what the source builds to`);
      stale++;
    }
  }
  if (stale > 0) {
    console.error("check: run `npm run build` in trace/viewer/web and commit dist");
    process.exitCode = 1;
  } else {
    console.log(`the built page is up to date: ${names.size} files`);
  }
} finally {
  await rm(fresh, { recursive: true });
}
