/** Whether the page is as narrow as a phone, where a domain takes two lines. */
import { useEffect, useState } from 'preact/hooks';

const query = typeof matchMedia === 'function' ? matchMedia('(max-width: 760px)') : null;

export function useNarrow(): boolean {
  const [narrow, set] = useState(query?.matches ?? false);
  useEffect(() => {
    const read = () => set(query?.matches ?? false);
    query?.addEventListener('change', read);
    return () => query?.removeEventListener('change', read);
  }, []);
  return narrow;
}

/** The height of a domain's row in pixels, as in mixture.css. */
export function rowHeight(narrow: boolean): number {
  return narrow ? 92 : 34;
}
