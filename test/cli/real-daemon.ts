import { onTestFinished } from 'vitest';
import type { BrokerOptions } from '../../broker.ts';
import { type ApprovalRow, connectHost, type Host } from '../../client/node.ts';
import { connectEcho } from '../../daemon/echo.ts';
import { ECHO_ID } from '../../daemon/echo-id.ts';
import { RealBroker } from '../client/real-broker.ts';
import { TestIo } from './test-io.ts';

/** A real broker with the demonstration agent attached, whose pauses take no time; all of it is gone after the test. */
export class RealDaemon {
  readonly real: RealBroker;
  /** A connection in the management role that has subscribed. */
  readonly manager: Host;

  private constructor(real: RealBroker, manager: Host) {
    this.real = real;
    this.manager = manager;
  }

  static async start(options: BrokerOptions = {}): Promise<RealDaemon> {
    const real = await RealBroker.start(options);
    const { token = '' } = real.broker.upsertAgent({ id: ECHO_ID });
    const echo = await connectEcho({ url: real.url, token, pause: async () => {} });
    onTestFinished(() => void echo.close());
    return new RealDaemon(real, await real.manager());
  }

  /** A terminal that finds this daemon. */
  io(): TestIo {
    const { tokens } = this.real.broker;
    return new TestIo({
      SWITCHBOARD_URL: this.real.url,
      SWITCHBOARD_AUTH_TOKEN: tokens.daemon,
      SWITCHBOARD_HOST_TOKEN: tokens.host,
    });
  }

  /** The first approval that is, or comes to be, pending. */
  async pending(): Promise<ApprovalRow> {
    const watcher = await connectHost({ url: this.real.url, hostToken: this.real.broker.tokens.host, env: {} });
    try {
      const subscription = await watcher.subscribe();
      const there = subscription.snapshot.approvals.find(({ status }) => status === 'pending');
      if (there) return there;
      for await (const { kind, payload } of subscription) {
        if (kind === 'approval.requested') return payload as ApprovalRow;
      }
      throw new Error('the subscription ended');
    } finally {
      void watcher.close();
    }
  }
}
