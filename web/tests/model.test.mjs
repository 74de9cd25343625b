// The laws in the page against the laws in Rust. OLMIX_LAWS is a file of cases: a mixture.json, mixtures, and what Rust predicts.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { close, openModule } from './browser.mjs';

after(close);

test('the laws of the page agree with those of Rust to 1e-9, for every kind', async () => {
  const cases = JSON.parse(readFileSync(process.env.OLMIX_LAWS, 'utf8'));
  assert.ok(cases.length >= 6);
  const { page } = await openModule('src/model/index.ts');
  for (const { kind, mixture, mixtures, losses } of cases) {
    const predicted = await page.evaluate(
      ([text, points]) => {
        const laws = tested.lawsOf(tested.readMixture(text));
        return points.map((p) => laws.map((law) => law(p)));
      },
      [mixture, mixtures],
    );
    let worst = 0;
    predicted.flat().forEach((loss, i) => {
      const expected = losses.flat()[i];
      worst = Math.max(worst, Math.abs(loss - expected) / Math.abs(expected));
    });
    assert.equal(predicted.flat().length, losses.flat().length, kind);
    // Not a number fails, too.
    assert.ok(worst < 1e-9, `${kind}: ${worst}`);
    console.log(`${kind}: ${losses.flat().length} losses, ${worst.toExponential(1)}`);
  }
});

test('a mixture of a newer version is refused by number', async () => {
  const { page } = await openModule('src/model/index.ts');
  const message = await page.evaluate(() => {
    try {
      tested.readMixture('{"format":"olmix-mixture","version":3}');
    } catch (error) {
      return error.message;
    }
  });
  assert.match(message, /version 3, and this page reads versions up to 2/);
});
