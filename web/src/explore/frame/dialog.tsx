/** A dialog over the page; Escape and the button close it, and the focus returns to where it was. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../../view/icons';

export function Dialog(props: { title: string; close: () => void; children: ComponentChildren }) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    element.current?.showModal();
    return () => before?.focus();
  }, []);
  return (
    <dialog
      ref={element}
      aria-label={props.title}
      onClose={props.close}
      onClick={(event) => event.target === element.current && props.close()}
    >
      <div class="dialog">
        <div class="dialog-head">
          <h2>{props.title}</h2>
          <button type="button" class="button quiet icon-only" onClick={props.close}>
            <Icon name="close" />
            <span class="off-screen">Close</span>
          </button>
        </div>
        {props.children}
      </div>
    </dialog>
  );
}
