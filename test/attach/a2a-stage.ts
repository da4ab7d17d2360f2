import { onTestFinished } from 'vitest';
import { Join } from '../../attach/join.ts';
import { readEntry } from '../../attach/kinds.ts';
import type { ChatOptions } from '../../client/node.ts';
import { RealBroker } from '../client/real-broker.ts';
import { type RemoteOptions, startRemote } from '../support/a2a-remote.ts';
import { recordingLog } from '../support/kept-log.ts';
import { read } from './unstamped.ts';

/** How a person knows a setting. */
export const label = (setting: string) => `--${setting}`;

/** A remote agent that is attached as agent `r`, and a host. */
export async function stage(remote: RemoteOptions, settings: object = {}, env: Record<string, string> = {}) {
  const far = await startRemote(remote);
  const real = await RealBroker.start();
  const { token = '' } = real.broker.upsertAgent({ id: 'r' });
  const { log, lines } = recordingLog();
  const kind = await readEntry({ id: 'r', a2a: far.url, ...settings }, label).load();
  const options = { kind, agentId: 'r', connection: { link: () => real.broker.connect() }, token, log, env } as const;
  const joined = new Join({ ...options, onFailedStart: 'fail' });
  onTestFinished(() => joined.close());
  await joined.start();
  const host = await real.host();
  const chat = (prompt: string, more: ChatOptions = {}) => host.chat('r', prompt, { sessionId: 's', ...more });
  const ask = async (prompt: string, more?: ChatOptions) => read(chat(prompt, more));
  return { far, host, joined, lines, chat, ask };
}
