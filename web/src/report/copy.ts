/** The clipboard, and what is said of it. */

/** Copies text; false where the browser doesn't let a page do that. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without permission, or where a file's page has no clipboard: the older way.
    const area = document.createElement('textarea');
    area.value = text;
    area.setAttribute('readonly', '');
    area.className = 'offscreen';
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

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
  say((await copy(text)) ? `Copied: ${what}` : 'This browser does not let the page copy; select the text instead.');
}
