/** The message of the moment: an error with what to do, or the server that is gone. */
import { Icon } from '../../view/icons';
import { notify, retry, sentence } from '../state/actions';
import type { State } from '../state/store';

export function Notices({ state }: { state: State }) {
  const { notice, offline } = state;
  return (
    <div class="notices" aria-live="polite">
      {offline && (
        <div class="notice error" role="alert">
          <Icon name="warn" />
          <p>
            <strong>{offline.message}</strong> {offline.help}
          </p>
          <button type="button" class="button" onClick={() => void retry()}>
            Try again
          </button>
        </div>
      )}
      {notice && !offline && (
        <div class={`notice ${notice.kind}`} role={notice.kind === 'error' ? 'alert' : 'status'}>
          <Icon name={notice.kind === 'error' ? 'warn' : 'info'} />
          <p>
            <strong>{notice.message}</strong> {notice.help && sentence(notice.help)}
          </p>
          {notice.actions?.map((action) => (
            <button type="button" class="button" key={action.label} onClick={action.run}>
              {action.label}
            </button>
          ))}
          {!notice.actions && (
            <button type="button" class="button quiet icon-only" onClick={() => notify(null)}>
              <Icon name="close" />
              <span class="off-screen">Dismiss</span>
            </button>
          )}
        </div>
      )}
    </div>
  );
}
