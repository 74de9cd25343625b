/** The explorer: asks the server for the mixture, shows it as the file has it, and asks for its exact solution. */
import { render } from 'preact';
import { adopt } from '../view/sheet';
import parts from '../view/parts.css';
import tokens from '../view/tokens.css';
import { App, Failed } from './app';
import frame from './frame/frame.css';
import mixture from './mixture/mixture.css';
import { withoutMixture } from './state/bare';
import { readAddress, redo, undo } from './state/actions';
import { ask, Refusal } from './state/client';
import { later } from './state/later';
import { solve } from './state/solver';
import { current, set, solvedOfFile, start, subscribe } from './state/store';
import type { Model } from './state/types';
import views from './views.css';

adopt(tokens, parts, frame, mixture, views);

const root = document.getElementById('app') ?? document.body.appendChild(document.createElement('div'));

/** Draws at once: an answer and what it changes are in one frame. */
function draw(): void {
  render(<App state={current()} />, root);
}

/** Takes away what the page shows before its script: a render leaves it where it is. */
function begin(): void {
  root.querySelector('.opening')?.remove();
}

async function open(): Promise<void> {
  let model: Model;
  try {
    model = await ask<Model>('api/model');
    if (!model.mixture) model = withoutMixture(model, [], []);
  } catch (error) {
    begin();
    const refusal = error instanceof Refusal ? error : new Refusal(String(error), null);
    render(<Failed refusal={refusal} again={() => void open()} />, root);
    return;
  }
  document.title = `${model.title} · olmix explore`;
  begin();
  subscribe(draw);
  start(model, solvedOfFile(model));
  if (model.bare) {
    set({ view: model.runs_known ? 'swarm' : 'project' });
    void readAddress();
    return;
  }
  solve(
    model.settings,
    false,
    (solvedFor, solved) => {
      const at = current();
      const opened = { ...at.opened, solved };
      set(at.settings === solvedFor ? { solved, opened } : { opened });
      void readAddress().then(later);
    },
    (refusal) => {
      set(refusal.gone ? { offline: refusal } : { notice: { kind: 'error', message: refusal.message, help: refusal.help } });
      void readAddress();
    },
  );
}

addEventListener('hashchange', () => void readAddress());
addEventListener('keydown', (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key.toLowerCase() !== 'z') return;
  // A field that is being typed in undoes its own text.
  const target = event.target as HTMLElement | null;
  if (target && ('value' in target || target.isContentEditable) && target.dataset['typed'] === 'true') return;
  event.preventDefault();
  if (event.shiftKey) redo();
  else undo();
});
addEventListener('keydown', (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'y') {
    event.preventDefault();
    redo();
  }
});

void open();
