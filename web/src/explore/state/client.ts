/** Requests to our own server, by addresses relative to the page. */

/** A request that the server refused, or that did not reach it. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly help: string | null,
    /** No answer at all: the server is gone. */
    readonly gone = false,
    /** A newer request took the place of this one. */
    readonly superseded = false,
  ) {
    super(message);
  }
}

/** This tab, so that the server knows which of its requests have been overtaken. */
const TAB = Array.from(crypto.getRandomValues(new Uint32Array(2)), (part) => part.toString(36)).join('');
let sequence = 0;

/** The answer to a request as JSON. @throws Refusal */
export async function ask<T>(path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let response: Response;
  try {
    const init: RequestInit = { cache: 'no-store', ...(signal ? { signal } : {}) };
    if (body !== undefined) {
      init.method = 'POST';
      sequence += 1;
      init.headers = { 'content-type': 'application/json', 'x-tab': TAB, 'x-sequence': String(sequence) };
      init.body = JSON.stringify(body);
    }
    response = await fetch(path, init);
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw new Refusal('superseded', null, false, true);
    throw gone();
  }
  try {
    const answer = (await response.json()) as T & { error?: { message: string; help: string | null } };
    if (response.ok) return answer;
    throw new Refusal(
      answer.error?.message ?? `the server answered with status ${response.status}`,
      answer.error?.help ?? null,
      false,
      response.status === 409,
    );
  } catch (error) {
    if (error instanceof Refusal) throw error;
    if ((error as Error).name === 'AbortError') throw new Refusal('superseded', null, false, true);
    if (response.ok) throw gone();
    throw new Refusal(`the server answered with status ${response.status}`, 'the address may be of an explorer that has ended', response.status === 404);
  }
}

function gone(): Refusal {
  return new Refusal(
    'The explorer’s server does not answer.',
    'It ends with Ctrl-C in its terminal. Start olmix explore again and open the address that it prints; this page keeps its state in its own address.',
    true,
  );
}
