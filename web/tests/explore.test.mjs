// The explorer in a browser: every view and every control, against the real server. OLMIX_BINARY is the command. One process, so
// that there is one browser.
import { after, before } from 'node:test';
import { close } from './browser.mjs';
import { demo, end, fit, main, serve } from './explorer.mjs';

before(async () => {
  main.folder = demo();
  fit(main.folder);
  ({ address: main.address } = await serve(main.folder));
});
after(async () => {
  await close();
  end();
});

await import('./explore/mixture.mjs');
await import('./explore/state.mjs');
await import('./explore/outcome.mjs');
await import('./explore/swarm.mjs');
