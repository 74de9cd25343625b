// Runs and projects.
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { accessible } from '../browser.mjs';
import { api, demo, fit, json, main, open, PHONE, run, serve, start } from '../explorer.mjs';

test('the swarm shows its runs, residuals and coverage, and names the next runs worth training', async () => {
  const own = demo();
  fit(own, '--folds', '0');
  const { address: at } = await serve(own);
  const { page, done } = await open(at, '#v=1&view=swarm');
  await page.locator('canvas').first().waitFor();
  assert.match(await page.locator('section[aria-label="Runs"]').innerText(), /40 measured/);
  await page.getByLabel('Domain', { exact: true }).selectOption({ label: 'math' });
  await page.getByLabel('Loss of', { exact: true }).selectOption('t:math_algebra');
  const { answer } = await api(at, 'swarm');
  const runs = page.locator('section[aria-label="All runs"]');
  await runs.getByPlaceholder('Filter').fill(answer.runs[0].id);
  const cells = await runs.locator('tbody tr').first().innerText();
  const file = (await api(at, 'model')).answer.mixture;
  const task = file.law.tasks.findIndex((each) => each.name === 'math_algebra');
  assert.ok(cells.includes(answer.runs[0].losses[task].toFixed(4)), cells);
  await page.getByRole('button', { name: 'Residual', exact: true }).first().click();
  await runs.locator('tbody tr').first().click();
  assert.match(await page.locator('.card').innerText(), new RegExp(answer.runs[0].id));
  assert.match(await page.locator('section[aria-label="Coverage"]').innerText(), /1 of 6 domains outside of every run[^]*web:general\s+outside: 3\.7/);
  await page.getByLabel('How many').fill('2');
  await page.getByRole('button', { name: 'Propose' }).click();
  await page.locator('.proposals li').nth(1).waitFor();
  await done();
});

test('runs appear as they end, from the ledger of a swarm that has no fit yet', async () => {
  const own = demo();
  const sources = ['news', 'code', 'math'];
  for (const name of sources) writeFileSync(join(own, `${name}.txt`), `some ${name}\n`.repeat(400));
  const source = (name) => `    - {name: ${name}, format: text, paths: [${name}.txt]}\n`;
  writeFileSync(join(own, 'generate.yaml'), `name: live\ndata:\n  sources:\n${sources.map(source).join('')}priors: {relative_sizes: {news: 0.5, code: 0.3, math: 0.2}}\nswarm: {seed: 3, variants: 5, min_strength: 1, max_strength: 4, enable_bound: false}\n`);
  writeFileSync(join(own, 'launch.yaml'), `name: base\ntraining: {seed: 1}\ntrainer:\n  command: "until [ -e go ]; do sleep 0.1; done; echo '{\\"loss_a\\": 1.5, \\"loss_b\\": 2.5}' > {out}/metrics.json"\n  metrics: "{out}/metrics.json"\nmix: {}\n`);
  run(own, 'generate', '--config', 'generate.yaml', '--base', 'launch.yaml', '--output', 'swarm', '--quiet');
  const launched = start(own, 'launch', 'run', '--variants', 'swarm/launch', '--out', 'runs', '--quiet');
  while (!existsSync(join(own, 'runs/ledger.sqlite'))) await new Promise((again) => setTimeout(again, 50));
  const { address: at } = await serve(own, 'runs');
  const { page, done } = await open(at, '', PHONE);
  await page.getByText(/0 measured.*running/).waitFor();
  await page.getByText('live from the ledger').waitFor();
  assert.equal(await page.getByRole('navigation').getByRole('button').count(), 1, 'without a mixture there is the swarm alone');
  writeFileSync(join(own, 'go'), '');
  await page.getByText('5 measured').waitFor();
  assert.equal(await launched, 0);
  await page.getByLabel('Loss of', { exact: true }).selectOption('t:loss_b');
  assert.equal(await page.locator('section[aria-label="All runs"] tbody tr', { hasText: '2.5000' }).count(), 5);
  await accessible(page, 'a swarm without a fit');
  await done();
});

test('a project has its history, its plans, and two of its mixtures side by side', async () => {
  const own = demo();
  fit(own, '--folds', '0');
  fit(own, '--folds', '0', '--kl', '1', '--output-dir', 'nearer');
  run(own, 'init', 'house', '--from', 'fit.yaml');
  const house = join(own, 'house');
  for (const out of ['out', 'nearer']) run(house, 'commit', `../${out}/mixture.json`);
  run(house, 'update', 'add', 'code:rust=2e8', '--tasks', 'code');
  const { address: at } = await serve(house, '.');
  for (const [width, options] of [['desktop', {}], ['phone', PHONE]]) {
    const { page, done } = await open(at, '', options);
    const history = page.locator('section[aria-label="History"]');
    await history.getByText('add code:rust').waitFor();
    assert.deepEqual(await history.locator('.record-head b').allInnerTexts().then((all) => all.filter((name) => name.startsWith('main'))), ['main@2', 'main@1']);
    assert.equal(await history.locator('svg circle').count(), await history.locator('.record').count());
    await page.locator('section[aria-label="Plans"] li.chosen').getByText('expected loss').waitFor();
    const both = page.locator('section[aria-label="Two mixtures"]');
    const code = both.locator('tbody tr', { hasText: /^code/ }).first();
    await code.waitFor();
    const [a, b] = ['out', 'nearer'].map((out) => json(join(own, out, 'mixture.json')).domains.find((domain) => domain.name === 'code').weight);
    assert.match(await code.innerText(), new RegExp(`${(100 * a).toFixed(2)}[^]*${(100 * b).toFixed(2)}`));
    await page.getByRole('button', { name: 'Show main@1 as mixture B' }).click();
    await page.waitForFunction((text) => document.querySelector('section[aria-label="Two mixtures"]').innerText.split(text).length === 3, (100 * a).toFixed(2));
    await accessible(page, `Project, ${width}`);
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wider <= 0, `the project is ${wider} pixels wider than a ${width}`);
    await done();
  }
});
