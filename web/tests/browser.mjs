// One browser for all tests of a process, and pages that count what they ask for.
import assert from 'node:assert/strict';
import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

export const web = join(dirname(fileURLToPath(import.meta.url)), '..');

let launched;

/** The browser: Debian's, or that of OLMIX_CHROMIUM. It ends with the process. */
export function browser(words = []) {
  launched ??= chromium.launch({
    executablePath: process.env.OLMIX_CHROMIUM ?? '/usr/bin/chromium',
    // As root there is no sandbox to be had; the pages are ours.
    args: ['--no-sandbox', '--disable-dev-shm-usage', ...words],
  });
  return launched;
}

export async function close() {
  await (await launched)?.close();
}

/** Opens a file. `requests` lists every address that the page asks for besides itself, `errors` what it complains of. */
export async function openFile(path, options = {}) {
  const context = await (await browser()).newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const [requests, errors] = [[], []];
  const address = pathToFileURL(path).href;
  page.on('request', (request) => {
    const url = request.url();
    if (url.split('#')[0] !== address && !url.startsWith('data:')) requests.push(url);
  });
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  await page.goto(address);
  return { page, context, requests, errors };
}

/** A page with a module of the sources as the global `tested`. */
export async function openModule(entry) {
  const context = await (await browser()).newContext();
  const page = await context.newPage();
  const built = await build({
    absWorkingDir: web,
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'tested',
    target: 'es2022',
  });
  await page.addScriptTag({ content: built.outputFiles[0].text });
  return { page, context };
}

/** What axe finds against a page: nothing, or this fails with a list. */
export async function accessible(page, what) {
  // By the debugger: the pages' policies forbid the scripts of others.
  await page.evaluate(readFileSync(join(web, 'node_modules/axe-core/axe.min.js'), 'utf8'));
  const found = await page.evaluate(async () => {
    const result = await globalThis.axe.run(document);
    return result.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 5).map((n) => n.html.slice(0, 200)).join(' | ')}`);
  });
  assert.deepEqual(found, [], what);
}
