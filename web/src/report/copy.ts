/** What is said of a copy. */
import { copyText } from '../view/clipboard';

let status: HTMLElement | undefined;

/** Says something to everybody: briefly in a corner of the page, and to a screen reader. */
export function say(text: string): void {
  if (!status) {
    status = document.createElement('p');
    status.className = 'toast';
    status.setAttribute('role', 'status');
    document.querySelector('main')?.append(status);
  }
  status.textContent = text;
  const shown = status;
  setTimeout(() => {
    if (shown.textContent === text) shown.textContent = '';
  }, 4000);
}

/** Copies and says so. */
export async function copyAndSay(text: string, what: string): Promise<void> {
  say((await copyText(text)) ? `Copied: ${what}` : 'This browser does not let the page copy; select the text instead.');
}
