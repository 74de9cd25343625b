// The explorer in a browser: every view and every control, against the real server. OLMIX_BINARY is the command. One process, so
// that there is one browser.
import './explore/hooks.mjs';
import './explore/mixture.mjs';
import './explore/state.mjs';
import './explore/outcome.mjs';
import './explore/swarm.mjs';
