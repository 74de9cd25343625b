/** The runs, asked for again whenever the server says that tables or ledger changed. */
import { useEffect, useState } from 'preact/hooks';
import { ask, type Refusal } from '../state/client';
import { set as tell } from '../state/store';
import type { Swarm } from '../state/types';

export interface Feed {
  swarm: Swarm | null;
  refusal: Refusal | null;
  /** Whether changes are followed: the connection is open. */
  live: boolean;
}

/** Follows the swarm while the page is in sight; a hidden tab gives its connection back. */
export function useSwarm(): Feed {
  const [feed, set] = useState<Feed>({ swarm: null, refusal: null, live: false });
  useEffect(() => {
    let ended = false;
    let asking = false;
    let again = false;
    let events: EventSource | null = null;
    let version: number | null = null;
    const load = async () => {
      if (asking) {
        again = true;
        return;
      }
      asking = true;
      do {
        again = false;
        try {
          const swarm = await ask<Swarm>('api/swarm');
          version = swarm.version;
          if (!ended) set((before) => ({ ...before, swarm, refusal: null }));
        } catch (error) {
          const refusal = error as Refusal;
          if (!ended) set((before) => ({ ...before, refusal }));
          if (refusal.gone) tell({ offline: refusal });
        }
      } while (again && !ended);
      asking = false;
    };
    const follow = () => {
      events?.close();
      events = null;
      if (ended || document.hidden) return;
      void load();
      events = new EventSource('api/swarm/events');
      events.onopen = () => set((before) => ({ ...before, live: true }));
      events.onerror = () => {
        set((before) => ({ ...before, live: false }));
        // It connects again by itself; asking says whether there is anyone.
        void load();
      };
      events.onmessage = (event: MessageEvent<string>) => {
        const told = (JSON.parse(event.data) as { version?: number }).version;
        if (told === undefined || told !== version) void load();
      };
    };
    follow();
    document.addEventListener('visibilitychange', follow);
    return () => {
      ended = true;
      events?.close();
      document.removeEventListener('visibilitychange', follow);
    };
  }, []);
  return feed;
}
