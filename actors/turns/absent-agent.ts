import { createActor, fromCallback } from 'xstate';
import type { Link } from '../../protocol/link.ts';
import { principalOfAgent } from '../../protocol/principal.ts';
import { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { RateLimit } from '../kernel/rate-limit.ts';
import { createClientId } from '../kernel/unique-ids.ts';

/** A connection on which nothing comes and nothing goes. */
const NOWHERE: Link = {
  kind: 'unix',
  waitingBytes: 0,
  open() {},
  send() {},
  sendToken() {},
  sendPartial() {},
  sendBinary() {},
  close() {},
  terminate() {},
};

/**
 * What stands for the connection of an agent that has none: turns from before a restart were answered on one that is gone. It
 * is closed, and nothing is ever sent to it. `resumes`: the agent numbers its events.
 */
export function absentAgent(kernel: Kernel, tenant: string, agentId: string, resumes: boolean): Client {
  const { requestsPerSecond, requestBurst, maxAuthFailures } = kernel.limits;
  const client = new Client({
    id: createClientId(),
    link: NOWHERE,
    needsAuth: false,
    identity: { role: 'agent', agentId, principal: principalOfAgent(tenant, agentId) },
    maxAuthFailures,
    connectedAt: kernel.clock.now(),
    rate: new RateLimit(requestsPerSecond, requestBurst, kernel.clock.now()),
  });
  const nobody = createActor(fromCallback(() => {}));
  nobody.start();
  nobody.stop();
  client.ref = nobody as unknown as Client['ref'];
  client.isOpen = false;
  client.wantsResume = resumes;
  return client;
}
