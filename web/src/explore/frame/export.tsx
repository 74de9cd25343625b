/** The mixture as a table or as a trainer's configuration: shown, copied or downloaded. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { CopyButton, download } from '../../view/copy';
import { csv } from '../../view/csv';
import { Icon } from '../../view/icons';
import { sentence } from '../state/actions';
import { ask, type Refusal } from '../state/client';
import type { State } from '../state/store';
import { Dialog } from './dialog';

interface File {
  name: string;
  text: string;
}

/** Formats of `olmix export`, where the server does not list those that it can write. */
const TRAINERS = ['yaml', 'megatron', 'megatron-bridge', 'olmo-core', 'olmo-core-sources', 'levanter', 'torchtitan', 'nanotron', 'litgpt', 'llm-foundry', 'streaming', 'huggingface', 'grain', 'fairseq2'].map(
  (name) => ({ name, help: 'a format of olmix export' }),
);

/** The weights of the mixture on screen as CSV and JSON, made here. */
function own(state: State, format: string): File | null {
  const { domains } = state.model.mixture;
  const { weights, epochs } = state.solved;
  if (format === 'table: CSV') {
    const rows = domains.map((domain, j) => [domain.name, weights[j]!, domain.prior, epochs[j] ?? null]);
    return { name: 'mixture.csv', text: csv(['domain', 'weight', 'prior', 'epochs'], rows) };
  }
  if (format === 'table: JSON') {
    const rows = domains.map((domain, j) => ({ domain: domain.name, weight: weights[j], prior: domain.prior, epochs: epochs[j] }));
    return { name: 'weights.json', text: `${JSON.stringify(rows, null, 1)}\n` };
  }
  return null;
}

export function ExportDialog(props: { state: State; close: () => void }) {
  const formats = useMemo(
    () => [
      { name: 'table: CSV', help: 'domain, weight, prior and epochs' },
      { name: 'table: JSON', help: 'the same as objects' },
      ...(props.state.model.formats ?? TRAINERS),
    ],
    [props.state.model],
  );
  const [format, choose] = useState('table: CSV');
  const [made, setMade] = useState<{ of: string; files: File[] }>({ of: '', files: [] });
  const files = made.of === format ? made.files : [];
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const { solved } = props.state;
  useEffect(() => {
    const file = own(props.state, format);
    setRefusal(null);
    setMade({ of: format, files: file ? [file] : [] });
    if (file) return undefined;
    const abort = new AbortController();
    ask<{ files: File[] }>('api/export', { weights: solved.weights, format }, abort.signal).then(
      (answer) => setMade({ of: format, files: answer.files }),
      (error: Refusal) => !error.superseded && setRefusal(error),
    );
    return () => abort.abort();
  }, [format, solved]);
  return (
    <Dialog title="Export" close={props.close}>
      <div class="stack">
        <label class="field">
          Format
          <select value={format} onChange={(event) => choose(event.currentTarget.value)}>
            {formats.map((each) => (
              <option key={each.name} value={each.name}>
                {each.name}
              </option>
            ))}
          </select>
        </label>
        <p class="muted">{formats.find((each) => each.name === format)?.help}</p>
        {refusal && (
          <p role="alert" class="refusal">
            {sentence(refusal.message)} {refusal.help && sentence(refusal.help)}
          </p>
        )}
        {files.map((file) => (
          <div key={file.name} class="stack">
            <div class="row">
              <code>{file.name}</code>
              <span class="gap" />
              <CopyButton label="Copy" text={() => file.text} />
              <button type="button" class="button" onClick={() => download(file.name, file.text)}>
                <Icon name="down" />
                Download
              </button>
            </div>
            <pre class="code tall" tabIndex={0}>
              {file.text.length > 20000 ? `${file.text.slice(0, 20000)}\n… (copy or download has all of it)` : file.text}
            </pre>
          </div>
        ))}
      </div>
    </Dialog>
  );
}
