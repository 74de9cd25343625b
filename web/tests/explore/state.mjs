// What lasts and what breaks: pins, the address, tabs, a server that is gone, names from outside.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { demo, fit, main, near, open, serve, shown, solved, weights } from '../explorer.mjs';

test('mixtures are pinned, named, compared, used and removed, and the address keeps them', async () => {
  const { page, done } = await open(main.address);
  await solved(page);
  const floor = async (percent) => {
    await page.getByLabel('Least share of web:general, in percent').fill(percent);
    await page.keyboard.press('Enter');
    await solved(page);
  };
  for (const [i, percent] of ['10', '20', '30', '40'].entries()) {
    await floor(percent);
    await page.getByRole('button', { name: 'Pin', exact: true }).click();
    await page.getByRole('button', { name: `Compare (${i + 1})` }).waitFor();
  }
  await floor('50');
  await page.getByRole('button', { name: 'Pin', exact: true }).click();
  assert.match(await page.getByRole('status').first().innerText(), /4 mixtures are pinned/);
  await page.getByRole('button', { name: 'Compare (4)' }).click();
  const name = page.getByLabel('Name of pinned mixture 2');
  await name.fill('twenty <b>percent</b>');
  await name.press('Enter');
  await name.blur();
  const row = () => page.locator('.side-by-side tr', { hasText: 'web:general' }).innerText();
  assert.match(await row(), /50\.00[^]*3\.74[^]*10\.00[^]*20\.00[^]*30\.00[^]*40\.00/);
  assert.equal(await page.locator('main b', { hasText: 'percent' }).count(), 0, 'a name is text');
  await page.getByRole('button', { name: 'Remove D' }).click();
  await page.getByLabel('Baseline that losses are compared with').selectOption('1');
  const against = await shown(page, 'against-baseline');
  assert.ok(against > 0.1);
  await page.reload();
  await page.locator('.side-by-side').waitFor();
  await page.waitForFunction(() => document.querySelectorAll('.pin-name').length === 3);
  await solved(page);
  near(await shown(page, 'against-baseline'), against, 0.011);
  assert.match(await row(), /50\.00[^]*3\.74[^]*10\.00[^]*20\.00[^]*30\.00/);
  await page.getByRole('button', { name: 'use', exact: true }).nth(1).click();
  await solved(page);
  assert.match(await row(), /10\.00[^]*3\.74[^]*10\.00/);
  await done();
});

test('a state in the address that does not fit is named, and kept only as far as the user says', async () => {
  const hash = '#v=1&bound.law=0.1..1&bound.web%3Ageneral=0.2..1&k=minus&task.%3Cscript%3E=2';
  const { page, done } = await open(main.address, hash);
  const alert = page.getByRole('alert');
  await alert.waitFor();
  assert.match(await alert.innerText(), /does not fit this mixture: there is no domain “law”; k is “minus”; it must be a number above 0; there is no task “<script>”/);
  assert.ok((await weights(page))['web:general'] < 5, 'nothing of it was applied');
  await page.getByRole('button', { name: 'Keep what fits' }).click();
  await solved(page);
  near((await weights(page))['web:general'], 20, 0.006);
  assert.match(page.url(), /#v=1&bound\.web%3Ageneral=0\.2\.\.1$/);
  await page.goto(`${main.address}#v=2&R=1`);
  await page.getByText('it is of version 2, and this explorer reads version 1').waitFor();
  await page.getByRole('button', { name: 'Stay with the file’s mixture' }).click();
  await page.goto(`${main.address}#v=1&bound.web%3Ageneral=0.6..1&fix.code=0.5`);
  await page.getByRole('alert').waitFor();
  await done();
});

test('two tabs keep their own mixtures', async () => {
  const [one, two] = await Promise.all([open(main.address), open(main.address, '#v=1&fix.books=0.2')]);
  await solved(one.page);
  await two.page.waitForFunction(() => location.hash.includes('fix.books') && document.querySelector('[data-domain="books"]').innerText.includes('fixed by you'));
  near((await weights(two.page)).books, 20, 0.006);
  assert.ok((await weights(one.page)).books < 12);
  await Promise.all([one.done(), two.done()]);
});

test('without a script the page says where the mixture is', async () => {
  const { page, done } = await open(main.address, '', { javaScriptEnabled: false });
  assert.match(await page.locator('body').innerText(), /needs JavaScript/);
  await done();
});

test('a server that is gone is one message, and the page keeps its state', async () => {
  const other = await serve(main.folder);
  const { page, context } = await open(other.address, '#v=1&fix.books=0.2');
  await page.waitForFunction(() => document.querySelector('[data-domain="books"]')?.innerText.includes('fixed by you'));
  const watching = await open(other.address, '#v=1&view=swarm');
  await watching.page.getByText('follows the tables').waitFor();
  other.child.kill('SIGINT');
  await new Promise((ended) => other.child.on('exit', ended));
  // A view that follows the runs says so by itself.
  await watching.page.getByRole('alert').getByText('does not answer').waitFor();
  await watching.context.close();
  await page.getByLabel('Least share of code, in percent').fill('1');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').waitFor();
  assert.match(await page.getByRole('alert').innerText(), /does not answer.*Ctrl-C/s);
  await page.getByRole('button', { name: 'Try again' }).click();
  assert.equal(await page.getByRole('alert').count(), 1);
  assert.match(page.url(), /fix\.books=0\.2/);
  await context.close();
});

describe('names from outside', () => {
  const names = ['<b>bold</b>', 'constructor', '"quoted" & \'more\'', '__proto__'];
  test('are text in every view and in the address', async () => {
    const own = demo();
    const rename = (text) => ['web:general', 'web:science', 'code', 'math'].reduce((all, name, i) => all.replace(new RegExp(`(^|,|")${name}(?=,|"|$|\n)`, 'gm'), (_, before) => `${before}${names[i]}`), text);
    const head = readFileSync(join(own, 'ratios.csv'), 'utf8').split('\n');
    head[0] = head[0].split(',').map((cell) => { const to = rename(cell); return to === cell ? cell : `"${to.replace(/"/g, '""')}"`; }).join(',');
    writeFileSync(join(own, 'ratios.csv'), head.join('\n'));
    let config = readFileSync(join(own, 'fit.yaml'), 'utf8');
    for (const [i, name] of ['web:general', 'web:science', 'code', 'math'].entries()) config = config.replace(`    "${name}":`, `    ${JSON.stringify(names[i])}:`);
    writeFileSync(join(own, 'fit.yaml'), config);
    fit(own, '--folds', '0');
    const { address: at } = await serve(own);
    const { page, done } = await open(at);
    await solved(page);
    assert.deepEqual(await page.$$eval('.domain[data-domain]', (rows) => rows.slice(0, 4).map((row) => row.dataset.domain)), names);
    for (const name of names) {
      await page.getByRole('button', { name: `Fix ${name}`, exact: true }).click();
      await solved(page);
    }
    assert.equal((await page.getByText('fixed by you').count()), 4);
    await page.reload();
    await page.waitForFunction(() => [...document.querySelectorAll('.d-limit')].filter((cell) => cell.textContent === 'fixed by you').length === 4);
    await page.getByRole('button', { name: 'Pin', exact: true }).click();
    for (const view of ['Compare', 'Prediction', 'Swarm', 'Mixture']) {
      await page.getByRole('navigation').getByRole('button', { name: view }).click();
      await page.getByText('<b>bold</b>').first().waitFor({ state: 'attached' });
      assert.equal(await page.locator('main b', { hasText: /^bold$/ }).count(), 0, view);
    }
    await done();
  });
});
