// The explorer as its users have it: the binary of OLMIX_BINARY on a fit of the demo's swarm, and pages of it in the browser.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { browser, web } from './browser.mjs';

export const olmix = process.env.OLMIX_BINARY;
/** The server that tests share, on a fit of the demo's swarm in `folder`. */
export const main = { folder: '', address: '' };

const made = [];

/** A folder with the demo's swarm that goes with the tests. */
export function demo() {
  const folder = mkdtempSync(join(tmpdir(), 'olmix-explore-'));
  made.push(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(web, '../examples/demo'), folder, { recursive: true });
  return folder;
}

/** Runs olmix in a folder. */
export function run(folder, ...words) {
  return execFileSync(olmix, words, { cwd: folder, encoding: 'utf8' });
}

/** Starts olmix in a folder; the promise is its exit code. */
export function start(folder, ...words) {
  const child = spawn(olmix, words, { cwd: folder, stdio: 'ignore' });
  made.push(() => child.kill('SIGKILL'));
  return new Promise((ended) => child.on('exit', ended));
}

/** Fits the config of a folder into its `out`. */
export function fit(folder, ...words) {
  run(folder, 'fit', '--config', 'fit.yaml', '--bootstrap', '10', '--quiet', ...words);
}

/** A server on what `path` names, and its address. */
export async function serve(folder, path = 'out') {
  const child = spawn(olmix, ['explore', path, '--no-open'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  made.push(() => child.kill('SIGKILL'));
  let said = '';
  const address = await new Promise((take, refuse) => {
    const read = (chunk) => {
      said += chunk;
      const found = /http:\/\/127\.0\.0\.1:\d+\/\S+/.exec(said);
      if (found) take(found[0]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('exit', (code) => refuse(new Error(`olmix explore ended with ${code}: ${said}`)));
  });
  return { address, child };
}

/** What the server answers, asked by nobody's page. */
export async function api(address, path, body) {
  const response = await fetch(`${address}api/${path}`, body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return { status: response.status, answer: await response.json() };
}

export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true };

/** A page of the explorer. It fails where it asks for anything of another address, or complains of anything. */
export async function open(address, hash = '', options = {}) {
  const context = await (await browser()).newContext({ viewport: { width: 1280, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'], ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(address) && !url.startsWith('data:') && !url.startsWith('blob:')) wrong.push(`asks for ${url}`);
  });
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('console', (message) => {
    // A refusal of ours is logged by the browser as a failed load.
    if (message.type() === 'error' && !/status of 4(09|22)|ERR_CONNECTION/.test(message.text())) wrong.push(message.text());
  });
  // While the page is worked on: its newest script, without building the binary anew.
  const script = process.env.OLMIX_EXPLORE_SCRIPT;
  if (script) await page.route('**/explore.js', (route) => route.fulfill({ path: script, contentType: 'text/javascript' }));
  await page.goto(address + hash);
  if (options.javaScriptEnabled !== false) await page.locator('.headline, .panel').first().waitFor();
  return { page, context, wrong, done: async () => (assert.deepEqual(wrong, []), await context.close()) };
}

/** The weights on screen by domain, in percent as shown. */
export function weights(page) {
  return page.$$eval('.domain[data-domain]', (rows) => Object.fromEntries(rows.map((row) => [row.dataset.domain, Number(row.querySelector('.d-weight input').value.replace(/[^0-9.]/g, ''))])));
}

/** A number on screen, with its sign. */
export async function shown(page, id) {
  return Number((await page.getByTestId(id).innerText()).replace('−', '-').replace(/[^0-9.+-]/g, ''));
}

/** Waits until the page has the exact solution of what it asks for. */
export async function solved(page) {
  await page.waitForFunction(() => !document.querySelector('.stale') && document.querySelector('[data-solved="true"]'));
}

export function end() {
  for (const undo of made.splice(0).reverse()) undo();
}

export function json(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

export function near(a, b, within, what) {
  assert.ok(Math.abs(a - b) <= within, `${what ?? ''}: ${a} is not ${b}`);
}

/** The settings of the fit that tests share. */
export async function settings() {
  return (await api(main.address, 'model')).answer.settings;
}
