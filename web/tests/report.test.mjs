// report.html in the browser. OLMIX_REPORT is the demo's, OLMIX_REPORT_HOSTILE one with names that mean something to a page,
// OLMIX_REPORT_TREES one of boosted trees; OLMIX_SOLVED has what `olmix fit` finds for questions that the page answers, too.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { accessible, close, openFile } from './browser.mjs';

after(close);

const REPORT = process.env.OLMIX_REPORT;
const solved = JSON.parse(readFileSync(process.env.OLMIX_SOLVED, 'utf8'));

/** Presses a key on a slider until it says something; fails where it never does. */
async function press(page, id, key, words) {
  const slider = page.locator(`#${id}`);
  await slider.focus();
  for (let i = 0; i < 400; i++) {
    if ((await slider.getAttribute('aria-valuetext')) === words) return;
    await slider.press(key);
  }
  assert.fail(`${id} never says ${words}, but ${await slider.getAttribute('aria-valuetext')}`);
}

/** Rows of a table as texts, by the first cell. */
function rows(page, selector) {
  return page.locator(selector).evaluate((table) => {
    const all = [...table.tBodies[0].rows].filter((row) => !row.hidden);
    return all.map((row) => [...row.cells].map((cell) => cell.textContent.trim().replaceAll('\u{a0}', ' ')));
  });
}

const weightsOf = async (page) => Object.fromEntries((await rows(page, 'table.live >> nth=0')).map((row) => [row[0], Number(row[1])]));

function near(found, domains) {
  for (const { name, weight } of domains) {
    const off = Math.abs(found[name] - 100 * weight);
    assert.ok(off < 0.006, `${name}: ${found[name]} and ${100 * weight}`);
  }
}

test('a report asks for nothing, complains of nothing, and forbids requests', async () => {
  const { page, requests, errors } = await openFile(REPORT);
  const policy = await page.locator('meta[http-equiv]').getAttribute('content');
  assert.match(policy, /default-src 'none'/);
  assert.ok(!policy.includes('http'));
  await page.evaluate(() => fetch('https://example.org/').catch(() => null));
  assert.ok(errors.some((error) => error.includes('Content Security Policy')), String(errors));
  assert.deepEqual(requests.filter((url) => !url.startsWith('https://example.org/')), []);
  await page.locator('#what-if h2').waitFor();
});

test('the mixture of the fit is what the page begins with', async () => {
  const { page, errors } = await openFile(REPORT);
  near(await weightsOf(page), solved.fit.domains);
  assert.match(await page.locator('.summary').textContent(), /as the mixture of the fit/);
  assert.match(await page.locator('.answer-box').textContent(), /This is an exact solution/);
  assert.deepEqual(errors, []);
});

test('a floor of code in three actions: what it costs, and who pays, as olmix fit finds it', async () => {
  const { page, errors } = await openFile(REPORT);
  await page.getByRole('radio', { name: /a domain gets at least/ }).check();
  await page.locator('#domain').selectOption({ label: solved.floor.domain });
  await press(page, 'least', 'ArrowRight', solved.floor.words);
  near(await weightsOf(page), solved.floor.domains);
  const summary = await page.locator('.summary').textContent();
  assert.ok(summary.includes(`Average loss ${solved.floor.predicted.toFixed(4)}`), summary);
  assert.match(summary, /Who pays: /);
  assert.match(await page.locator('.answer-box').textContent(), /This is an exact solution/);
  const held = (await rows(page, 'table.live >> nth=0')).find((row) => row[0] === solved.floor.domain);
  assert.ok(held.includes('your floor'), String(held));
  assert.deepEqual(errors, []);
});

test('a run of twice the size and another pull to the prior are what olmix fit finds', async () => {
  const { page } = await openFile(REPORT);
  await press(page, 'target', 'ArrowRight', solved.larger.words);
  near(await weightsOf(page), solved.larger.domains);
  await page.getByRole('button', { name: 'Back to the fit' }).click();
  await press(page, 'kl', 'ArrowRight', solved.pulled.words);
  near(await weightsOf(page), solved.pulled.domains);
});

test('between solutions the page says so, satisfies the caps, and leads to the nearest', async () => {
  const { page } = await openFile(REPORT);
  await page.locator('#target').focus();
  await page.locator('#target').press('ArrowRight');
  const between = page.locator('.between');
  assert.match(await between.textContent(), /Nearest exact solution: R = .*k = 4, λ = 0.05/);
  const sum = Object.values(await weightsOf(page)).reduce((a, b) => a + b, 0);
  assert.ok(Math.abs(sum - 100) < 0.05, String(sum));
  const epochs = (await rows(page, 'table.live >> nth=0')).map((row) => Number(row[4]));
  assert.ok(epochs.every((seen) => seen <= 4.001), String(epochs));
  await page.getByRole('button', { name: 'Show it' }).click();
  assert.match(await between.textContent(), /This is an exact solution/);
});

test('a run that is too large for the data has no mixture, and the page says how large it may be', async () => {
  const { page } = await openFile(REPORT);
  await page.locator('#target').press('End');
  await page.locator('#factor').press('Home');
  assert.match(await page.locator('.summary').textContent(), /No mixture: the data is too small for R = .*it is enough for R = .* at most/);
  await page.getByRole('checkbox', { name: /no limit/ }).check();
  assert.match(await page.locator('.summary').textContent(), /Average loss/);
});

test('a family that counts more gets a lower loss', async () => {
  const { page } = await openFile(REPORT);
  await page.getByRole('radio', { name: /family/ }).check();
  await page.locator('#family').selectOption({ label: 'code' });
  const code = async () => Number((await rows(page, 'table.live >> nth=1')).find((row) => row[0] === 'code')[1]);
  const before = await code();
  await page.locator('#weight').press('End');
  assert.ok((await code()) < before);
});

test('tables sort, filter and copy', async () => {
  const { page } = await openFile(REPORT);
  const table = page.locator('table:not(.live)').filter({ hasText: 'Huber loss' });
  await page.locator('summary', { hasText: 'How the law of every task was fitted' }).click();
  await table.getByRole('button', { name: 'Huber loss' }).click();
  const column = async () => (await table.evaluate((t) => [...t.tBodies[0].rows].map((r) => Number(r.cells[1].textContent.replace('−', '-')))));
  let values = await column();
  assert.deepEqual(values, [...values].sort((a, b) => b - a));
  assert.equal(await table.locator('th[aria-sort]').getAttribute('aria-sort'), 'descending');
  await table.getByRole('button', { name: 'Huber loss' }).click();
  values = await column();
  assert.deepEqual(values, [...values].sort((a, b) => a - b));
  const box = page.locator('.box').filter({ has: table });
  await box.getByRole('searchbox').fill('shell');
  assert.equal(await table.locator('tbody tr:visible').count(), 1);
  await page.evaluate(() => {
    navigator.clipboard.writeText = async (text) => void (globalThis.copied = text);
  });
  await box.getByRole('button', { name: 'Copy CSV' }).click();
  assert.match(await page.evaluate(() => globalThis.copied), /^Task,Huber loss,.*\ncode_shell,/);
  await page.locator('.copies select').selectOption('mix');
  await page.locator('.copies button').click();
  const mix = await page.evaluate(() => globalThis.copied);
  assert.match(mix, /^mix:\n {2}"web:general":\n {4}weight: 0\.\d{9}\n {4}repetition_factor: /);
  const sum = [...mix.matchAll(/weight: (0\.\d{9})/g)].reduce((total, match) => total + Math.round(1e9 * Number(match[1])), 0);
  assert.equal(sum, 1e9);
  assert.match(await page.locator('.toast').textContent(), /Copied/);
});

test('a search finds domains and tasks in the panel', async () => {
  const { page } = await openFile(REPORT);
  await page.locator('#what-if').getByRole('searchbox').fill('math');
  assert.deepEqual((await rows(page, 'table.live >> nth=0')).map((row) => row[0]), ['math']);
  assert.deepEqual((await rows(page, 'table.live >> nth=2')).map((row) => row[0]).sort(), ['math_algebra', 'math_geometry', 'math_word_problems']);
});

test('dots say which run they are, and cells what they mean, to a pointer and to arrow keys', async () => {
  const { page } = await openFile(REPORT);
  const scatter = page.locator('figure .box[data-hover*="points"]').first();
  const dot = scatter.locator('g[fill-opacity] circle').nth(3);
  // The panel of controls may lie over the edges of the window.
  await dot.evaluate((circle) => circle.scrollIntoView({ block: 'center' }));
  await dot.hover({ force: true });
  assert.match(await page.locator('#tip').textContent(), /^\S+: predicted \d\.\d{4}, measured \d\.\d{4}$/);
  const cells = page.locator('figure .box[data-hover*="cells"]');
  await cells.focus();
  await cells.press('ArrowRight');
  assert.match(await page.locator('#tip').textContent(), /^web:general on \S+: (lowers|raises) the loss/);
  await cells.press('Escape');
  assert.ok(await page.locator('#tip').isHidden());
});

for (const [name, options] of [
  ['a desk', {}],
  ['a desk in the dark', { colorScheme: 'dark' }],
  ['a phone', { viewport: { width: 390, height: 800 } }],
  ['a phone in the dark', { viewport: { width: 390, height: 800 }, colorScheme: 'dark' }],
]) {
  test(`axe finds nothing, and nothing is wider than the page, on ${name}`, async () => {
    const { page } = await openFile(REPORT, options);
    await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
    await page.getByRole('radio', { name: /a domain gets/ }).check();
    await accessible(page, name);
    const [wide, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= width, `${wide} of ${width}`);
    const hidden = await page.evaluate(() =>
      [...document.querySelectorAll('.box')]
        .filter((box) => box.scrollWidth > box.clientWidth + 1 && box.offsetParent)
        .filter((box) => !box.previousElementSibling?.matches('.hint') || !box.previousElementSibling.checkVisibility())
        .map((box) => box.textContent.slice(0, 80)),
    );
    assert.deepEqual(hidden, [], 'boxes that scroll and do not say so');
  });
}

test('without scripts the page is complete, and nothing is shown that does nothing', async () => {
  const { page } = await openFile(REPORT, { javaScriptEnabled: false });
  assert.ok(await page.getByRole('heading', { name: 'The mixture' }).isVisible());
  assert.ok(await page.locator('figure svg').first().isVisible());
  assert.equal(await page.getByRole('button').count(), 0);
  assert.ok(await page.locator('#what-if').isHidden());
});

test('paper has the tables and figures, and no controls', async () => {
  const { page } = await openFile(REPORT);
  await page.emulateMedia({ media: 'print' });
  assert.ok(await page.locator('#what-if').isHidden());
  assert.equal(await page.locator('.bar:visible').count(), 0);
  assert.ok(await page.getByText('Share of the training tokens by domain').isVisible());
});

test('names that mean something to a page are text', async () => {
  const { page, requests, errors } = await openFile(process.env.OLMIX_REPORT_HOSTILE);
  const dialogs = [];
  page.on('dialog', (dialog) => void dialogs.push(dialog.dismiss()));
  const names = solved.hostile;
  const shown = (await rows(page, 'table.live >> nth=0')).map((row) => row[0]);
  assert.deepEqual([...shown].sort(), names.map((name) => name.trim()).sort());
  await page.getByRole('radio', { name: /a domain gets/ }).check();
  await page.locator('#what-if').getByRole('searchbox').fill('script');
  assert.equal(await page.locator('script').count(), 2);
  assert.deepEqual([requests, errors, dialogs], [[], [], []]);
});

test('a mixture without exact solutions says why there are no sliders', async () => {
  const { page, errors } = await openFile(process.env.OLMIX_REPORT_TREES);
  assert.match(await page.locator('#what-if').textContent(), /There are no sliders here: they need the exact optimizer/);
  assert.equal(await page.locator('input[type=range]').count(), 0);
  assert.ok(await page.getByRole('button', { name: 'Copy CSV' }).first().isVisible());
  assert.deepEqual(errors, []);
});
