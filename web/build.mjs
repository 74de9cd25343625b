// Builds the scripts of the pages into the crates that serve them. `node build.mjs --check` builds in memory and fails where a
// committed asset differs. The first line of an asset is the hash of all that it was built from: a test in Rust compares it with
// the sources, so that a build without Node cannot pack a script of other sources.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const web = dirname(fileURLToPath(import.meta.url));
const crates = join(web, '..', 'crates');
const bundles = [
  { entry: 'src/report/main.tsx', output: 'olmix-report/assets/report.js' },
  { entry: 'src/explore/main.tsx', output: 'olmix-explore/assets/explore.js' },
].filter((bundle) => existsSync(join(web, bundle.entry)));
const check = process.argv.includes('--check');

/** The files of the repository that decide the bytes of an asset, sorted by path; each is hashed with its path before it. */
function hashOf(inputs) {
  const files = [...inputs.filter((file) => !file.startsWith('node_modules/')), 'package-lock.json', 'build.mjs', 'tsconfig.json'];
  const hash = createHash('sha256');
  for (const file of [...new Set(files)].sort()) {
    const bytes = readFileSync(join(web, file));
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return { files: [...new Set(files)].sort(), digest: hash.digest('hex') };
}

let failed = false;
for (const { entry, output } of bundles) {
  const result = await build({
    absWorkingDir: web,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'iife',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'inline',
    loader: { '.css': 'text' },
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  const { files, digest } = hashOf(Object.keys(result.metafile.inputs).map((file) => relative('.', file)));
  const text = `/* olmix web ${digest} of ${files.join(' ')} */\n${result.outputFiles[0].text}`;
  // What stands in a page between <script> tags must not end it.
  if (/<\/script/i.test(text)) throw new Error(`${output}: the script holds the end tag of a script`);
  const path = join(crates, output);
  const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (before === text) continue;
  if (check) {
    console.error(`${output}: the committed asset is not built from these sources; run: npm ci && npm run build (in web/)`);
    failed = true;
  } else {
    writeFileSync(path, text);
    console.log(`${output}: ${text.length} bytes`);
  }
}
process.exit(failed ? 1 : 0);
