// The server that the tests share, and its end. Imported first, so that no test is there before it.
import { after, before } from 'node:test';
import { close } from '../browser.mjs';
import { demo, end, fit, main, serve } from '../explorer.mjs';

before(async () => {
  main.folder = demo();
  fit(main.folder);
  ({ address: main.address } = await serve(main.folder));
});
after(async () => {
  await close();
  end();
});
