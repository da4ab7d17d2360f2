import type { A2aAnswer, A2aMessage } from '../../broker.ts';
import { type LinkedClient, settle } from './linked.ts';
import { create } from './surfaces.ts';

/** An action that was handed to {@link a2a}, and waits for what the test wants to come of it. */
export interface Sent {
  message: A2aMessage;
  answer(answer: Partial<A2aAnswer>): void;
  /** The same, with nothing added. */
  take(answer: A2aAnswer): void;
  fail(error: unknown): void;
}

export const E1 = 'http://127.0.0.1:7001/a2a';
export const E2 = 'http://127.0.0.1:7002/a2a';
export const SECRET = 'sEcReT-0123456789';
export const bearer = { type: 'bearer', token: SECRET };
export const ACT = {
  name: 'go',
  surfaceId: 's',
  sourceComponentId: 'b',
  timestamp: '2026-01-01T00:00:00Z',
  context: { a: 1 },
};

/** Everything that was handed to {@link a2a}, oldest first. */
export const sent: Sent[] = [];
/** An A2A client of an embedder's, which answers when it is told to. */
export const a2a = {
  send: (message: A2aMessage) =>
    new Promise<A2aAnswer>((resolve, reject) => {
      const answer = (more: Partial<A2aAnswer>) => resolve({ protocol: '1.0', payload: {}, ...more });
      sent.push({ message, answer, take: resolve, fail: reject });
    }),
};
/** For `beforeEach` of each file: files share this module, and a hook in here would be the first one's alone. */
export const forgetSent = (): void => {
  sent.length = 0;
};
export const last = () => sent.at(-1) as Sent;

/** What an A2A agent sends with envelopes in it. */
export const payloadOf = (...envelopes: object[]) => ({
  artifacts: [{ parts: envelopes.map((data) => ({ kind: 'data', data })) }],
});

/** Makes a surface that a task of an A2A agent owns. */
export const ingest = (client: LinkedClient, id = 's', more: object = { endpoint: E1, routeAuth: bearer }) =>
  client.ok('a2ui.ingest', {
    payload: payloadOf(create(id)),
    owner: { kind: 'a2a', taskId: 't-1', contextId: 'c-1' },
    ...more,
  });

/** Acts, and gives the request's id; the answer comes when the agent has answered. */
export async function act(client: LinkedClient, more: object = {}): Promise<number> {
  const id = client.post('a2ui.action', { ...ACT, ...more });
  await settle();
  return id;
}
