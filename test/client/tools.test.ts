import { describe, expect, it } from 'vitest';
import {
  ApprovalDeniedError,
  type Host,
  ToolCallCancelled,
  ToolCancelledError,
  ToolTimeoutError,
  ToolUnavailableError,
  TurnCancelled,
  TurnEnded,
} from '../../client/node.ts';
import { aborted, deferred, RealBroker, rejection } from './real-broker.ts';
import { using } from './using-tool.ts';

const never = (): Promise<void> => new Promise(() => {});

describe('a tool call', () => {
  /** A tool that works until its call is cancelled, and says why that was. */
  async function offerWork(host: Host) {
    const started = deferred();
    const reason = deferred<unknown>();
    await host.tool('work', {}, async (_args, { signal }) => {
      started.resolve();
      await aborted(signal);
      expect(signal.reason).toBeInstanceOf(ToolCallCancelled);
      reason.resolve(signal.reason.reason);
    });
    return { started: started.promise, reason: reason.promise };
  }

  it('when the host has no such tool › rejects with ToolUnavailableError', async () => {
    const { run } = await using('none');
    expect(await run()).toBeInstanceOf(ToolUnavailableError);
  });

  it('when the host takes too long › rejects with ToolTimeoutError, and the host stops', async () => {
    const { host, run } = await using('work', {}, { timeoutMs: 20 });
    const work = await offerWork(host);
    expect(await run()).toBeInstanceOf(ToolTimeoutError);
    expect(await work.reason).toBe('timeout');
  });

  it('when its signal aborts › rejects with the reason, and the host stops', async () => {
    const controller = new AbortController();
    const { host, run } = await using('work', {}, { signal: controller.signal });
    const work = await offerWork(host);
    const running = run();
    await work.started;
    const why = new Error('no longer needed');
    controller.abort(why);
    expect(await running).toBe(why);
    expect(await work.reason).toBe('agent_withdrew');
  });

  it('when its signal has aborted before › rejects, and asks nobody', async () => {
    const why = new Error('never needed');
    const { host, run } = await using('work', {}, { signal: AbortSignal.abort(why) });
    let ran = false;
    await host.tool('work', {}, () => {
      ran = true;
    });
    expect(await run()).toBe(why);
    expect(ran).toBe(false);
  });

  it('when onProgress throws › rejects with that, and the host stops', async () => {
    const why = new Error('cannot show it');
    const onProgress = () => {
      throw why;
    };
    const { host, run } = await using('work', {}, { onProgress });
    const reason = deferred<unknown>();
    await host.tool('work', {}, async (_args, call) => {
      call.progress(1);
      await aborted(call.signal);
      reason.resolve(call.signal.reason.reason);
    });
    expect(await run()).toBe(why);
    expect(await reason.promise).toBe('agent_withdrew');
  });

  it('when the turn is cancelled › rejects, and the host stops', async () => {
    const { host, outcome } = await using('work');
    const work = await offerWork(host);
    const chat = host.chat('echo', 'go');
    await work.started;
    await chat.cancel();
    expect(await work.reason).toBe('turn_ended');
    const error = await outcome;
    // Whichever arrives first: the cancel, or the end of the call.
    expect(error instanceof TurnCancelled || error instanceof ToolCancelledError).toBe(true);
  });

  it('when a turn cancelled with grace lets that through › the host is told that it was cancelled, not an error', async () => {
    const real = await RealBroker.start();
    const errors: unknown[] = [];
    await real.agent(async (turn) => void (await turn.tools.call('work')), { onError: (error) => errors.push(error) });
    const host = await real.host();
    const work = await offerWork(host);
    const chat = host.chat('echo', 'go');
    await work.started;
    await chat.cancel({ graceMs: 30_000 });
    const events = [];
    for await (const event of chat) events.push(event);
    expect(events).toMatchObject([{ kind: 'done', finish_reason: 'cancelled' }]);
    expect(events[0]?.synthesized).toBeUndefined();
    expect(errors).toEqual([]);
  });

  it('when the agent ends its turn meanwhile › rejects with TurnEnded, as does any later one', async () => {
    const real = await RealBroker.start();
    const outcome = deferred<unknown[]>();
    const started = deferred();
    await real.agent(async (turn) => {
      const call = rejection(turn.tools.call('work'));
      await started.promise;
      turn.event({ kind: 'done', finish_reason: 'stop' });
      outcome.resolve([await call, await rejection(turn.tools.call('work'))]);
    });
    const host = await real.host();
    const work = await offerWork(host);
    work.started.then(started.resolve);
    await host.chat('echo', 'go').text();
    const [pending, later] = await outcome.promise;
    expect(pending).toBeInstanceOf(TurnEnded);
    expect(later).toBeInstanceOf(TurnEnded);
    expect(['agent_withdrew', 'turn_ended']).toContain(await work.reason);
  });

  it('when the host goes › rejects, and the host’s own tool stops', async () => {
    const { host, outcome } = await using('work');
    const work = await offerWork(host);
    host.chat('echo', 'go');
    await work.started;
    await host.close();
    expect(await work.reason).toBe('connection_lost');
    expect(await outcome).toBeInstanceOf(Error);
  });

  it('when nobody waits for it › its failure is nobody’s', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', note);
    const real = await RealBroker.start();
    await real.agent(async (turn) => void turn.tools.call('none'));
    await (await real.host()).chat('echo', 'go').text();
    const host = await real.host();
    await host.agents.list();
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  it('when the gate stands before it and a person denies › rejects with ApprovalDeniedError', async () => {
    const real = await RealBroker.start({ approvals: { methods: ['tools.execute:work'] } });
    const { host, run } = await using('work', {}, {}, real);
    await host.tool('work', {}, never);
    const subscription = await host.subscribe();
    const running = run();
    for await (const { kind, payload } of subscription) {
      if (kind !== 'approval.requested') continue;
      await host.resolveApproval((payload as { id: string }).id, 'deny');
      break;
    }
    const error = await running;
    expect(error).toBeInstanceOf(ApprovalDeniedError);
    expect(error).toMatchObject({ reason: 'denied', approvalId: expect.stringMatching(/^approval-/) });
  });

  it('when the gate stands before any other method › its error is the same', async () => {
    const real = await RealBroker.start({ approvals: { methods: ['agents.list'], timeoutMs: 5 } });
    const host = await real.host();
    const error = await rejection(host.agents.list());
    expect(error).toBeInstanceOf(ApprovalDeniedError);
    expect(error).toMatchObject({ reason: 'timeout', codeName: 'ApprovalDenied' });
  });
});
