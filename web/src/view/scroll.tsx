/** Boxes that scroll sideways, and the words that say so while they do. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

export const HINT = 'Scroll sideways for more →';

/** Shows the hint while the box has more than it shows. */
export function watch(box: HTMLElement, hint: HTMLElement): () => void {
  const look = () => {
    hint.hidden = box.scrollWidth <= box.clientWidth + 1;
  };
  const observer = new ResizeObserver(look);
  observer.observe(box);
  if (box.firstElementChild) observer.observe(box.firstElementChild);
  for (const child of box.children) observer.observe(child);
  look();
  return () => observer.disconnect();
}

/** A box with its hint. */
export function Box({ label, children }: { label: string; children: ComponentChildren }) {
  const box = useRef<HTMLDivElement>(null);
  const hint = useRef<HTMLParagraphElement>(null);
  useEffect(() => (box.current && hint.current ? watch(box.current, hint.current) : undefined), []);
  return (
    <>
      <p class="hint" ref={hint} hidden>
        {HINT}
      </p>
      <div class="box" role="group" aria-label={label} tabIndex={0} ref={box}>
        {children}
      </div>
    </>
  );
}

/** Gives boxes that stand in the page their hints. */
export function hintAll(root: ParentNode): void {
  root.querySelectorAll<HTMLElement>('.box').forEach((box) => {
    if (box.previousElementSibling?.matches('.hint')) return;
    const hint = document.createElement('p');
    hint.className = 'hint';
    hint.textContent = HINT;
    hint.hidden = true;
    box.before(hint);
    watch(box, hint);
  });
}
