/** Explanations: a term with a dotted line shows one when it is pointed at, focused or tapped; Escape hides it. */
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

let count = 0;

export function Tip(props: { text: string; children: ComponentChildren; class?: string }) {
  const [shown, show] = useState(false);
  const [id] = useState(() => `tip-${(count += 1)}`);
  const anchor = useRef<HTMLButtonElement>(null);
  const bubble = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    if (!shown || !anchor.current || !bubble.current) return;
    const at = anchor.current.getBoundingClientRect();
    const size = bubble.current.getBoundingClientRect();
    const left = Math.max(8, Math.min(at.left + at.width / 2 - size.width / 2, innerWidth - size.width - 8));
    const below = at.bottom + 6 + size.height <= innerHeight;
    bubble.current.style.left = `${left}px`;
    bubble.current.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - 6 - size.height)}px`;
  });
  useEffect(() => {
    if (!shown) return undefined;
    const hide = (event: Event) => {
      if (event.type !== 'keydown' || (event as KeyboardEvent).key === 'Escape') show(false);
    };
    addEventListener('keydown', hide);
    addEventListener('scroll', hide, true);
    return () => {
      removeEventListener('keydown', hide);
      removeEventListener('scroll', hide, true);
    };
  }, [shown]);
  return (
    <span class={`tip ${props.class ?? ''}`} onPointerEnter={() => show(true)} onPointerLeave={() => show(false)}>
      <button
        type="button"
        class="term"
        ref={anchor}
        aria-describedby={id}
        onFocus={() => show(true)}
        onBlur={() => show(false)}
        onClick={() => show(true)}
      >
        {props.children}
      </button>
      <span role="tooltip" id={id} ref={bubble} class={shown ? 'bubble' : 'bubble hidden'}>
        {props.text}
      </span>
    </span>
  );
}
