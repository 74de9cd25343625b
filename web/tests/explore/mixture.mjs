// The main view: weights, bounds, the run, tasks, and refusals.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessible } from '../browser.mjs';
import { api, main, near, open, PHONE, settings, shown, solved, weights } from '../explorer.mjs';

for (const [width, colorScheme, options] of [['desktop', 'dark', {}], ['phone', 'light', PHONE]]) {
  test(`a floor is answered in three actions with what it costs and who pays, on a ${width}`, async () => {
    const { page, done } = await open(main.address, '', options);
    await solved(page);
    const before = await shown(page, 'average');
    // One: the field. Two: the number. Three: Enter.
    await page.getByLabel('Least share of web:general, in percent').click();
    await page.keyboard.type('10');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('[data-testid="cost"]').innerText.startsWith('web:general at least 10'));
    await solved(page);
    const said = await page.getByTestId('cost').innerText();
    const wanted = { ...(await settings()), bounds: { 'web:general': [0.1, 1] } };
    const { answer } = await api(main.address, 'solve', wanted);
    const percent = 100 * (answer.average / before - 1);
    assert.match(said, /^web:general at least 10 % costs [0-9.]+\s% of average loss; \w+ pays most: \+/);
    near(Number(/costs ([0-9.]+)/.exec(said)[1]), percent, 0.02, said);
    near((await weights(page))['web:general'], 10, 0.005);
    near(await shown(page, 'average'), answer.average, 6e-5);
    near(await shown(page, 'against-baseline'), percent, 0.02);
    await done();
  });

  // Colours do not depend on the width: axe sees each scheme at one of them.
  test(`no view is wider than a ${width}, and axe finds nothing in it, ${colorScheme}`, async () => {
    const { page, done } = await open(main.address, '', { ...options, colorScheme, reducedMotion: 'reduce' });
    await page.getByLabel('Greatest share of books, in percent').fill('5');
    await page.keyboard.press('Enter');
    await solved(page);
    await page.getByRole('button', { name: 'Pin', exact: true }).click();
    for (const view of ['Mixture', 'Compare', 'Prediction', 'Swarm']) {
      await page.getByRole('navigation').getByRole('button', { name: view }).click();
      await page.locator('main .panel').first().waitFor();
      await accessible(page, `${view}, ${width}, ${colorScheme}`);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wider <= 0, `${view} is ${wider} pixels wider than a ${width}`);
    }
    await done();
  });
}

test('a weight that is dragged is fixed there, and the others are the exact solution', async () => {
  const { page, done } = await open(main.address);
  await solved(page);
  const bar = page.getByRole('slider', { name: 'Weight of books', exact: true });
  const box = await bar.boundingBox();
  await page.mouse.move(box.x + 0.1 * box.width, box.y + 8);
  await page.mouse.down();
  await page.mouse.move(box.x + 0.3 * box.width, box.y + 8, { steps: 8 });
  await page.mouse.up();
  await solved(page);
  const dragged = await weights(page);
  const top = Number(await bar.getAttribute('aria-valuemax'));
  assert.ok(dragged.books > 15 && dragged.books <= 100 * top, String(dragged.books));
  const fixed = Number(/fix\.books=([0-9.]+)/.exec(page.url())[1]);
  const { answer } = await api(main.address, 'solve', { ...(await settings()), fixed: { books: fixed } });
  const names = Object.keys(dragged);
  const file = (await api(main.address, 'model')).answer.mixture.domains.map((domain) => domain.name);
  for (const name of names) near(dragged[name], 100 * answer.weights[file.indexOf(name)], 0.006, name);
  assert.match(await page.locator('[data-domain="books"]').innerText(), /fixed by you/);
  // One drag is one step to undo, however many solutions it passed.
  await page.keyboard.press('Control+z');
  await solved(page);
  assert.ok((await weights(page)).books < 12);
  assert.equal(await page.getByRole('button', { name: 'Undo', exact: true }).isDisabled(), true);
  await page.keyboard.press('Control+Shift+z');
  await solved(page);
  near((await weights(page)).books, dragged.books, 0.006);
  await page.getByRole('button', { name: 'Reset', exact: true }).click();
  await solved(page);
  assert.ok((await weights(page)).books < 12);
  await done();
});

test('a bound is dragged by its grip, and dragged to its end is none', async () => {
  const { page, done } = await open(main.address);
  await solved(page);
  const row = page.locator('[data-domain="web:general"]');
  const bar = row.getByRole('slider');
  const box = await bar.boundingBox();
  const dragTo = async (share) => {
    const grip = await row.locator('[data-grip="low"]').boundingBox();
    await page.mouse.move(grip.x + grip.width / 2, grip.y + grip.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + share * box.width, box.y + box.height, { steps: 8 });
    await page.mouse.up();
    await solved(page);
  };
  await dragTo(0.5);
  const field = page.getByLabel('Least share of web:general, in percent', { exact: true });
  const least = Number.parseFloat(await field.inputValue());
  assert.ok(least > 5, String(least));
  near((await weights(page))['web:general'], least, 0.006);
  assert.match(await row.innerText(), /minimum/);
  await dragTo(0);
  assert.equal(await field.inputValue(), '');
  await done();
});

test('bars are moved by keys and by touch, locks fix and release, and a cap stops a drag', async () => {
  const { page, done } = await open(main.address, '', PHONE);
  await solved(page);
  const bar = page.getByRole('slider', { name: 'Weight of web:general', exact: true });
  const before = (await weights(page))['web:general'];
  await bar.focus();
  await page.keyboard.press('Shift+ArrowRight');
  await solved(page);
  near((await weights(page))['web:general'], before + 1, 0.06);
  await page.keyboard.press('ArrowLeft');
  await solved(page);
  near((await weights(page))['web:general'], before + 0.9, 0.06);
  assert.match(await bar.getAttribute('aria-valuetext'), /fixed by you, prior 61\.9/);
  const lock = page.getByRole('button', { name: 'Fix web:general' });
  assert.equal(await lock.getAttribute('aria-pressed'), 'true');
  await lock.tap();
  await solved(page);
  near((await weights(page))['web:general'], before, 0.006);
  // math has a token cap of 12 %: no drag and no number goes beyond.
  const math = page.getByRole('slider', { name: 'Weight of math', exact: true });
  await math.focus();
  await page.keyboard.press('End');
  await solved(page);
  near((await weights(page)).math, 12, 0.006);
  await page.getByLabel('Weight of math, in percent').fill('40');
  await page.keyboard.press('Enter');
  assert.match(await page.getByRole('alert').innerText(), /math can’t have 40 %: its token cap is 12\.00\s%/);
  near((await weights(page)).math, 12, 0.006);
  await math.scrollIntoViewIfNeeded();
  const box = await math.boundingBox();
  await page.touchscreen.tap(box.x + box.width * 0.05, box.y + box.height / 2);
  await solved(page);
  assert.ok((await weights(page)).math < 6);
  await done();
});

test('tokens, repetition and λ are dragged, and read as people write them', async () => {
  const { page, done } = await open(main.address);
  await solved(page);
  const base = await settings();
  const field = async (label, text) => {
    await page.getByLabel(label, { exact: true }).click();
    await page.keyboard.type(text);
    await page.keyboard.press('Enter');
    await solved(page);
  };
  const check = async (part) => near(await shown(page, 'average'), (await api(main.address, 'solve', { ...base, ...part })).answer.average, 6e-5, JSON.stringify(part));
  await field('Tokens of the run, R', '8B');
  await check({ target_tokens: 8e9 });
  await field('Repetition factor, k', '3');
  await check({ target_tokens: 8e9, repetition: 3 });
  await field('Pull to the prior, λ', '0.5');
  await check({ target_tokens: 8e9, repetition: 3, kl: 0.5 });
  await field('Repetition factor, k', 'none');
  await check({ target_tokens: 8e9, repetition: null, kl: 0.5 });
  assert.match(page.url(), /R=8000000000&k=none&kl=0\.5/);
  await page.getByLabel('Tokens of the run, R', { exact: true }).fill('many');
  await page.keyboard.press('Enter');
  assert.equal(await page.getByLabel('Tokens of the run, R', { exact: true }).getAttribute('aria-invalid'), 'true');
  await page.keyboard.press('Escape');
  for (const name of ['Tokens of the run', 'Repetition factor', 'Pull to the prior']) {
    const slider = page.getByRole('slider', { name, exact: true });
    const before = await slider.getAttribute('aria-valuetext');
    await slider.focus();
    await page.keyboard.press('PageDown');
    await solved(page);
    assert.notEqual(await slider.getAttribute('aria-valuetext'), before, name);
  }
  await done();
});

test('the weight of a task and of a family moves the mixture, and changes stay comparable', async () => {
  const { page, done } = await open(main.address);
  await solved(page);
  const slider = page.getByRole('slider', { name: 'Weight of qa in the average' });
  await slider.focus();
  await page.keyboard.press('End');
  await solved(page);
  const wanted = { ...(await settings()), task_weights: { qa_science: 4, qa_history: 4, qa_commonsense: 4 } };
  const { answer } = await api(main.address, 'solve', wanted);
  near(await shown(page, 'average'), answer.average, 6e-5);
  // Both sides are averaged with the weights on screen: the mixture solved for them is better by them.
  assert.ok((await shown(page, 'against-baseline')) < 0);
  const rows = await page.$$eval('.payer[data-payer]', (all) => all.map((row) => row.dataset.payer));
  assert.equal(rows.filter((name) => ['math', 'code', 'qa'].includes(name)).at(-1), 'qa', 'who pays most stands on top');
  assert.match(await page.locator('.payer[data-payer="code"]').innerText(), /worse/);
  await page.getByRole('button', { name: 'Families only' }).click();
  assert.equal(await page.locator('.payer[data-payer]').count(), 3);
  await page.locator('.payer[data-payer="qa"]').getByRole('button').click();
  const task = page.getByRole('slider', { name: 'Weight of qa_history in the average' });
  await task.focus();
  await page.keyboard.press('Home');
  await solved(page);
  assert.match(await task.getAttribute('aria-valuetext'), /^0× its weight in the file, 0\.0/);
  await done();
});

test('what can’t be is refused in place with what to do, and nothing changes', async () => {
  const { page, done } = await open(main.address);
  await solved(page);
  const before = await weights(page);
  await page.getByLabel('Least share of math, in percent').fill('30');
  await page.keyboard.press('Enter');
  const said = await page.getByRole('alert').innerText();
  assert.match(said, /math/);
  assert.match(said, /loosen|raise/i);
  assert.deepEqual(await weights(page), before);
  assert.equal(await page.getByRole('button', { name: 'Undo', exact: true }).isDisabled(), true);
  await page.getByRole('button', { name: 'Dismiss' }).click();
  assert.equal(await page.getByRole('alert').count(), 0);
  await done();
});
