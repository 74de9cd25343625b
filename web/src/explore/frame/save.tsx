/** "Save config": writes a fit config that gives this mixture, beside the original. */
import { useState } from 'preact/hooks';
import { CopyButton } from '../../view/copy';
import { sentence } from '../state/actions';
import { ask, type Refusal } from '../state/client';
import type { State } from '../state/store';
import type { Saved } from '../state/types';
import { Dialog } from './dialog';

export function SaveDialog(props: { state: State; close: () => void }) {
  const [name, setName] = useState('');
  const [saved, setSaved] = useState<Saved | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const save = async (event: Event) => {
    event.preventDefault();
    setRefusal(null);
    try {
      setSaved(await ask<Saved>('api/save', { ...props.state.settings, name }));
    } catch (error) {
      setRefusal(error as Refusal);
    }
  };
  return (
    <Dialog title="Save config" close={props.close}>
      {saved ? (
        <div class="stack">
          <p role="status">
            Written: <code>{saved.path}</code>
          </p>
          <p class="muted">This command gives the mixture on screen:</p>
          <pre class="code">{saved.command}</pre>
          <div class="row">
            <CopyButton label="Copy command" text={() => saved.command} />
            <CopyButton label="Copy config" text={() => saved.text} />
          </div>
          <details>
            <summary>The config</summary>
            <pre class="code tall">{saved.text}</pre>
          </details>
        </div>
      ) : (
        <form class="stack" onSubmit={(event) => void save(event)}>
          <p class="muted">
            Writes a fit config beside {props.state.model.config ? <code>{props.state.model.config}</code> : 'the mixture file'}. No file is
            written over.
          </p>
          <label class="field">
            Name
            <input type="text" value={name} required maxLength={64} placeholder="more-code" autofocus data-typed="true" onInput={(event) => setName(event.currentTarget.value)} />
          </label>
          <p class="muted">
            The file is called <code>explore-{name || 'NAME'}.yaml</code>.
          </p>
          {refusal && (
            <p role="alert" class="refusal">
              {sentence(refusal.message)} {refusal.help && sentence(refusal.help)}
            </p>
          )}
          <div class="row">
            <button type="submit" class="button main">
              Save
            </button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
