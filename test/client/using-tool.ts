import type { ToolCallOptions } from '../../client/node.ts';
import { deferred, RealBroker } from './real-broker.ts';

/** A host and an agent whose turn runs one tool, and what came of it. */
export async function using(tool: string, args?: unknown, options?: ToolCallOptions, broker?: RealBroker) {
  const real = broker ?? (await RealBroker.start());
  const outcome = deferred<unknown>();
  await real.agent(async (turn) => {
    outcome.resolve(await turn.tools.call(tool, args, options).catch((error: unknown) => error));
  });
  const host = await real.host();
  const run = async () => {
    await host.chat('echo', 'go').text();
    return outcome.promise;
  };
  return { host, run, outcome: outcome.promise };
}
