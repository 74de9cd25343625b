// What becomes of a mixture: its prediction, a saved config, exports.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { api, fit, json, main, near, open, run, settings, solved, weights } from '../explorer.mjs';

test('a saved config gives the mixture on screen, and no file is written over', async () => {
  const { page, done } = await open(main.address);
  await solved(page);
  await page.getByLabel('Greatest share of books, in percent').fill('5');
  await page.keyboard.press('Enter');
  await solved(page);
  const wanted = await weights(page);
  await page.getByRole('button', { name: 'Save config' }).click();
  await page.getByLabel('Name', { exact: true }).fill('fewer-books');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  const path = await page.locator('dialog [role="status"] code').innerText();
  assert.ok(existsSync(join(main.folder, path)) || existsSync(path), path);
  assert.match(await page.locator('dialog pre').first().innerText(), /olmix fit --config/);
  await page.getByRole('button', { name: 'Copy command' }).click();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /olmix fit --config/);
  await page.keyboard.press('Escape');
  const config = existsSync(path) ? path : join(main.folder, path);
  run(main.folder, 'fit', '--config', config, '--output-dir', 'saved', '--bootstrap', '0', '--folds', '0', '--quiet');
  for (const domain of json(join(main.folder, 'saved/mixture.json')).domains) near(100 * domain.weight, wanted[domain.name], 0.006, domain.name);
  await page.getByRole('button', { name: 'Save config' }).click();
  await page.getByLabel('Name', { exact: true }).fill('fewer-books');
  const text = readFileSync(config, 'utf8');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.locator('dialog :is([role="alert"], [role="status"])').waitFor();
  assert.equal(readFileSync(config, 'utf8'), text);
  await done();
});

test('the mixture is exported as CSV, as JSON and as a trainer’s config', async () => {
  const { page, done } = await open(main.address);
  await solved(page);
  await page.getByRole('button', { name: 'Export' }).click();
  const text = () => page.locator('dialog pre').first().innerText();
  assert.match(await text(), /^domain,weight,prior,epochs\nweb:general,0\.037/);
  await page.getByLabel('Format').selectOption('table: JSON');
  assert.equal(JSON.parse(await text()).length, 6);
  const formats = (await api(main.address, 'model')).answer.formats ?? [];
  if (formats.length > 0) {
    await page.getByLabel('Format').selectOption(formats[0].name);
    await page.locator('dialog pre').first().waitFor();
    assert.ok((await text()).length > 20);
  }
  const downloaded = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download' }).first().click();
  assert.ok((await (await downloaded).path()).length > 0);
  await page.keyboard.press('Escape');
  await page.locator('.domains').getByRole('button', { name: 'CSV' }).click();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^domain,weight,prior,epochs\n/);
  await done();
});

test('a mixture that is typed is predicted, and one that nobody measured near is drawn so', async () => {
  const { page, done } = await open(main.address, '#v=1&view=prediction');
  await page.locator('.predicted output').first().waitFor();
  await page.getByLabel('Which mixture').selectOption('typed');
  const text = page.locator('textarea');
  await text.fill('code 100 %');
  await page.locator('.predicted.far').waitFor();
  assert.match(await page.locator('.predicted').innerText(), /Extrapolated: no run was near this mixture/);
  const { answer } = await api(main.address, 'predict', { weights: [0, 0, 1, 0, 0, 0], settings: await settings() });
  near(Number(await page.locator('.predicted output').first().innerText()), answer.average, 6e-5);
  assert.ok(answer.extrapolates);
  await text.fill('code 0.5\nlaw 0.5');
  assert.match(await page.getByRole('alert').innerText(), /There is no domain “law”/);
  await text.fill('{"code": 0.2, "web:general": 0.6}');
  await page.getByText('The shares sum to 80.00').waitFor();
  await page.getByLabel('Which mixture').selectOption('prior');
  await page.waitForFunction(() => document.querySelectorAll('.predicted output')[1]?.innerText.startsWith('0.00'));
  const losses = page.locator('section[aria-label="Predicted losses"]');
  await losses.getByPlaceholder('Filter').fill('math task');
  assert.equal(await losses.locator('tbody tr').count(), 3);
  await losses.getByRole('button', { name: 'Name' }).click();
  assert.match(await losses.locator('tbody tr').first().innerText(), /math_algebra/);
  await losses.getByRole('button', { name: 'CSV' }).click();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^name,kind,loss,prior,change\nmath_algebra,task,/);
  await done();
});
