/** Buttons that copy a text or save it as a file. */
import { useState } from 'preact/hooks';
import { copyText } from './clipboard';
import { Icon } from './icons';

/** Saves text as a file of the user's downloads; no request is made. */
export function download(name: string, text: string, type = 'text/plain'): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export function CopyButton(props: { text: () => string; label: string; quiet?: boolean }) {
  const [said, say] = useState('');
  const copy = async () => {
    const done = await copyText(props.text());
    say(done ? 'Copied' : 'Not copied: the browser refused');
    setTimeout(() => say(''), 1600);
  };
  return (
    <button type="button" class={props.quiet ? 'button quiet' : 'button'} onClick={() => void copy()}>
      <Icon name={said === 'Copied' ? 'check' : 'copy'} />
      <span aria-live="polite">{said || props.label}</span>
    </button>
  );
}
