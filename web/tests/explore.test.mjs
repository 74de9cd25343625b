// The explorer in a browser: every view and every control, against the real server. OLMIX_BINARY is the command.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { accessible, close } from './browser.mjs';
import { api, demo, end, fit, json, open, PHONE, run, serve, shown, solved, start, weights } from './explorer.mjs';

let folder;
let server;
let address;
const near = (a, b, within, what) => assert.ok(Math.abs(a - b) <= within, `${what ?? ''}: ${a} is not ${b}`);
const settings = () => api(address, 'model').then(({ answer }) => answer.settings);

before(async () => {
  folder = demo();
  fit(folder);
  server = await serve(folder);
  address = server.address;
});
after(async () => {
  await close();
  end();
});

for (const [width, options] of [['desktop', {}], ['phone', PHONE]]) {
  test(`a floor is answered in three actions with what it costs and who pays, on a ${width}`, async () => {
    const { page, done } = await open(address, '', options);
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
    const { answer } = await api(address, 'solve', wanted);
    const percent = 100 * (answer.average / before - 1);
    assert.match(said, /^web:general at least 10 % costs [0-9.]+\s% of average loss; \w+ pays most: \+/);
    near(Number(/costs ([0-9.]+)/.exec(said)[1]), percent, 0.02, said);
    near((await weights(page))['web:general'], 10, 0.005);
    near(await shown(page, 'average'), answer.average, 6e-5);
    near(await shown(page, 'against-baseline'), percent, 0.02);
    await done();
  });

  test(`no view is wider than a ${width}, and axe finds nothing in it, light or dark`, async () => {
    for (const colorScheme of ['light', 'dark']) {
      const { page, done } = await open(address, '', { ...options, colorScheme, reducedMotion: 'reduce' });
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
    }
  });
}

test('a weight that is dragged is fixed there, and the others are the exact solution', async () => {
  const { page, done } = await open(address);
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
  const { answer } = await api(address, 'solve', { ...(await settings()), fixed: { books: fixed } });
  const names = Object.keys(dragged);
  const file = (await api(address, 'model')).answer.mixture.domains.map((domain) => domain.name);
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

test('bars are moved by keys and by touch, locks fix and release, and a cap stops a drag', async () => {
  const { page, done } = await open(address, '', PHONE);
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
  const { page, done } = await open(address);
  await solved(page);
  const base = await settings();
  const field = async (label, text) => {
    await page.getByLabel(label, { exact: true }).click();
    await page.keyboard.type(text);
    await page.keyboard.press('Enter');
    await solved(page);
  };
  const check = async (part) => near(await shown(page, 'average'), (await api(address, 'solve', { ...base, ...part })).answer.average, 6e-5, JSON.stringify(part));
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
  const { page, done } = await open(address);
  await solved(page);
  const slider = page.getByRole('slider', { name: 'Weight of qa in the average' });
  await slider.focus();
  await page.keyboard.press('End');
  await solved(page);
  const wanted = { ...(await settings()), task_weights: { qa_science: 4, qa_history: 4, qa_commonsense: 4 } };
  const { answer } = await api(address, 'solve', wanted);
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

test('mixtures are pinned, named, compared, used and removed, and the address keeps them', async () => {
  const { page, done } = await open(address);
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
  const { page, done } = await open(address, hash);
  const alert = page.getByRole('alert');
  await alert.waitFor();
  assert.match(await alert.innerText(), /does not fit this mixture: there is no domain “law”; k is “minus”; it must be a number above 0; there is no task “<script>”/);
  assert.ok((await weights(page))['web:general'] < 5, 'nothing of it was applied');
  await page.getByRole('button', { name: 'Keep what fits' }).click();
  await solved(page);
  near((await weights(page))['web:general'], 20, 0.006);
  assert.match(page.url(), /#v=1&bound\.web%3Ageneral=0\.2\.\.1$/);
  await page.goto(`${address}#v=2&R=1`);
  await page.getByText('it is of version 2, and this explorer reads version 1').waitFor();
  await page.getByRole('button', { name: 'Stay with the file’s mixture' }).click();
  await page.goto(`${address}#v=1&bound.web%3Ageneral=0.6..1&fix.code=0.5`);
  await page.getByRole('alert').waitFor();
  await done();
});

test('what can’t be is refused in place with what to do, and nothing changes', async () => {
  const { page, done } = await open(address);
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

test('a saved config gives the mixture on screen, and no file is written over', async () => {
  const { page, done } = await open(address);
  await solved(page);
  await page.getByLabel('Greatest share of books, in percent').fill('5');
  await page.keyboard.press('Enter');
  await solved(page);
  const wanted = await weights(page);
  await page.getByRole('button', { name: 'Save config' }).click();
  await page.getByLabel('Name', { exact: true }).fill('fewer-books');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  const path = await page.locator('dialog code').first().innerText();
  assert.ok(existsSync(join(folder, path)) || existsSync(path), path);
  assert.match(await page.locator('dialog pre').first().innerText(), /olmix fit --config/);
  await page.getByRole('button', { name: 'Copy command' }).click();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /olmix fit --config/);
  await page.keyboard.press('Escape');
  const config = existsSync(path) ? path : join(folder, path);
  run(folder, 'fit', '--config', config, '--output-dir', 'saved', '--bootstrap', '0', '--folds', '0', '--quiet');
  for (const domain of json(join(folder, 'saved/mixture.json')).domains) near(100 * domain.weight, wanted[domain.name], 0.006, domain.name);
  await page.getByRole('button', { name: 'Save config' }).click();
  await page.getByLabel('Name', { exact: true }).fill('fewer-books');
  const text = readFileSync(config, 'utf8');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.locator('dialog :is([role="alert"], [role="status"])').waitFor();
  assert.equal(readFileSync(config, 'utf8'), text);
  await done();
});

test('the mixture is exported as CSV, as JSON and as a trainer’s config', async () => {
  const { page, done } = await open(address);
  await solved(page);
  await page.getByRole('button', { name: 'Export' }).click();
  const text = () => page.locator('dialog pre').first().innerText();
  assert.match(await text(), /^domain,weight,prior,epochs\nweb:general,0\.037/);
  await page.getByLabel('Format').selectOption('table: JSON');
  assert.equal(JSON.parse(await text()).length, 6);
  const formats = (await api(address, 'model')).answer.formats ?? [];
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
  const { page, done } = await open(address, '#v=1&view=prediction');
  await page.locator('.predicted output').first().waitFor();
  await page.getByLabel('Which mixture').selectOption('typed');
  const text = page.locator('textarea');
  await text.fill('code 100 %');
  await page.locator('.predicted.far').waitFor();
  assert.match(await page.locator('.predicted').innerText(), /Extrapolated: no run was near this mixture/);
  const { answer } = await api(address, 'predict', { weights: [0, 0, 1, 0, 0, 0], settings: await settings() });
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

test('two tabs keep their own mixtures', async () => {
  const [one, two] = await Promise.all([open(address), open(address, '#v=1&fix.books=0.2')]);
  await solved(one.page);
  await two.page.waitForFunction(() => location.hash.includes('fix.books') && document.querySelector('[data-domain="books"]').innerText.includes('fixed by you'));
  near((await weights(two.page)).books, 20, 0.006);
  assert.ok((await weights(one.page)).books < 12);
  await Promise.all([one.done(), two.done()]);
});

test('without a script the page says where the mixture is', async () => {
  const { page, done } = await open(address, '', { javaScriptEnabled: false });
  assert.match(await page.locator('body').innerText(), /needs JavaScript/);
  await done();
});

test('a server that is gone is one message, and the page keeps its state', async () => {
  const other = await serve(folder);
  const { page, context } = await open(other.address, '#v=1&fix.books=0.2');
  await page.waitForFunction(() => document.querySelector('[data-domain="books"]')?.innerText.includes('fixed by you'));
  other.child.kill('SIGINT');
  await new Promise((ended) => other.child.on('exit', ended));
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
