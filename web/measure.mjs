// How quick the explorer is in this browser: node measure.mjs ADDRESS [DRAGS]. ADDRESS is what `olmix explore` prints.
// Prints the first paint, then milliseconds from a pointer's event to redrawn weights and losses (the request, the server's solve
// and the layout are in them), then the memory before and after DRAGS steps of drags.
import { browser, close } from './tests/browser.mjs';

const [address, drags = '0'] = process.argv.slice(2);
const context = await (await browser(['--enable-precise-memory-info', '--js-flags=--expose-gc'])).newContext({ viewport: { width: 1440, height: 900 } });
const page = await context.newPage();
await page.goto(address);
await page.locator('.domain[data-domain]').first().waitFor();
const paints = await page.evaluate(() => performance.getEntriesByType('paint').map((entry) => `${entry.name} ${entry.startTime.toFixed(0)} ms`));
console.log(paints.join(', '));
// What the server fits in the background would be measured, too.
await page.waitForFunction(() => !/being fitted|resampling/.test(document.body.innerText), null, { timeout: 600_000 });

const quantile = (values, share) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))] ?? Number.NaN;
await page.evaluate(() => {
  globalThis.times = [];
  let from = 0;
  globalThis.olmixMeasure = (what) => {
    if (what === 'drag') from = performance.now();
    if (what !== 'redrawn') return;
    document.body.getBoundingClientRect(); // the layout, too
    globalThis.times.push(performance.now() - from);
  };
});
const bars = page.locator('.d-bar .bar');
for (let k = 0; k < Math.min(6, await bars.count()); k += 1) {
  const box = await bars.nth(k).boundingBox();
  await page.mouse.move(box.x + 0.2 * box.width, box.y + 8);
  await page.mouse.down();
  for (let i = 0; i < 60; i += 1) await page.mouse.move(box.x + box.width * (0.2 + 0.15 * Math.sin(i / 7)), box.y + 8);
  await page.mouse.up();
  await page.waitForTimeout(300);
  await page.keyboard.press('Control+z');
  await page.waitForTimeout(300);
}
const times = await page.evaluate(() => globalThis.times);
console.log(`drag to redrawn, ${times.length} steps: median ${quantile(times, 0.5).toFixed(1)} ms, p99 ${quantile(times, 0.99).toFixed(1)} ms`);

const memory = () =>
  page.evaluate(() => {
    globalThis.times.length = 0;
    globalThis.gc();
    globalThis.gc();
    return `${(performance.memory.usedJSHeapSize / 1e6).toFixed(2)} MB, ${document.getElementsByTagName('*').length} elements`;
  });
if (Number(drags) > 0) {
  console.log(`memory before: ${await memory()}`);
  await page.evaluate(async (steps) => {
    let redrawn;
    globalThis.olmixMeasure = (what) => what === 'redrawn' && redrawn?.();
    const all = document.querySelectorAll('.d-bar .bar');
    for (let k = 0; k < steps; k += 1) {
      const bar = all[Math.floor(k / 100) % Math.min(6, all.length)];
      const box = bar.getBoundingClientRect();
      bar.setPointerCapture = () => {};
      const at = (x, type) => bar.dispatchEvent(new PointerEvent(type, { bubbles: true, pointerId: 1, clientX: box.left + box.width * x, clientY: box.top + 5 }));
      const answer = new Promise((go) => (redrawn = go, setTimeout(go, 1000)));
      if (k % 100 === 0) at(0.1, 'pointerdown');
      else at(0.05 + 0.1 * Math.abs(Math.sin(k / 9)), 'pointermove');
      await answer;
      if (k % 100 === 99) at(0.1, 'pointerup');
    }
  }, Number(drags));
  await page.waitForTimeout(1000);
  console.log(`memory after ${drags} steps: ${await memory()}`);
}
await close();
