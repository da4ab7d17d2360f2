import { onTestFinished } from 'vitest';
import { Join } from '../../attach/join.ts';
import { readEntry } from '../../attach/kinds.ts';
import type { ChatOptions } from '../../client/node.ts';
import { RealBroker } from '../client/real-broker.ts';
import { recordingLog } from '../support/kept-log.ts';
import { type FakeAnswer, FakeModel } from './fake-model.ts';
import { read } from './unstamped.ts';

/** How a person knows a setting. */
export const label = (setting: string) => `--${setting}`;

/** A model that is attached as agent `m`, and a host. */
export async function stage(answers: FakeAnswer[], settings: object = {}, env: Record<string, string> = {}) {
  const model = await FakeModel.start(...answers);
  const real = await RealBroker.start();
  const { token = '' } = real.broker.upsertAgent({ id: 'm' });
  const { log, lines } = recordingLog();
  const kind = await readEntry({ id: 'm', openai: model.url, model: 'small', ...settings }, label).load();
  const options = { kind, agentId: 'm', connection: { link: () => real.broker.connect() }, token, log, env } as const;
  const joined = new Join({ ...options, onFailedStart: 'fail' });
  onTestFinished(() => joined.close());
  await joined.start();
  const host = await real.host();
  const ask = (prompt: string, more: ChatOptions = {}) => read(host.chat('m', prompt, { sessionId: 's', ...more }));
  return { model, real, host, joined, lines, ask };
}
