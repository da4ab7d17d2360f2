import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { openChat } from '../e2e/support/chat.ts';
import { own, temporaryDirectory } from '../e2e/support/cleanup.ts';
import { CLI, run } from '../e2e/support/program.ts';
import { callsOf } from '../e2e/support/tools.ts';
import { WireClient } from '../e2e/support/wire-client.ts';
import { Attack } from './support/neighbours/attacker.ts';
import { Innocents } from './support/neighbours/innocents.ts';
import { expectWithin, suffer } from './support/neighbours/judge.ts';
import { MeteredDaemon } from './support/neighbours/metered-daemon.ts';
import { HEAP_MIB, MINUTES } from './support/neighbours/options.ts';

/* What needs a daemon of its own, or an end of it. */

const MIB = 1024 * 1024;
/** Controls, and what changes how a terminal shows the text around it: directions, tags, spaces of no width. */
const HIDDEN = /[\p{Cc}\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/u;
const TIMEOUT = { timeout: 60_000 };

async function start(flags: string[] = []) {
  const heap = MINUTES > 0 ? HEAP_MIB : undefined;
  const metered = await MeteredDaemon.start({ flags, home: temporaryDirectory(), heap });
  const innocents = await Innocents.start(metered.daemon);
  await innocents.turns(20);
  return { metered, innocents };
}

describe('neighbours', () => {
  it(
    'go on while nobody reads the log and strangers guess tokens, and the daemon stops when it is told to',
    TIMEOUT,
    async () => {
      const { metered, innocents } = await start();
      const { program, url } = metered.daemon;
      program.child.stdout?.pause();
      const figures = await suffer({ metered, innocents }, async () => {
        for (let i = 0; i < 150; i += 1) {
          const stranger = await WireClient.open(url);
          for (let guess = 0; guess < 4; guess += 1) await stranger.call('session.auth', { token: 'x'.repeat(200) });
          stranger.socket.terminate();
        }
      });
      expectWithin(figures);
      await innocents.stop();
      const exit = metered.daemon.stop();
      program.child.stdout?.resume();
      expect(await exit).toEqual({ code: 0, signal: null });
    },
  );

  it('come in while strangers hold all the places that they can', TIMEOUT, async () => {
    const { metered, innocents } = await start(['--max-connections', '40']);
    const figures = await suffer({ metered, innocents }, async () => {
      for (let i = 0; i < 100; i += 1) {
        const socket = new WebSocket(metered.daemon.url);
        socket.on('error', () => {});
        own(() => socket.terminate());
      }
      // What the strangers' second is over for, is free again: not for them alone.
      for (let i = 0; i < 5; i += 1)
        await expect
          .poll(() =>
            metered.daemon.host().then(
              () => true,
              () => false,
            ),
          )
          .toBe(true);
    });
    expectWithin(figures);
    await innocents.turns(1);
  });

  it('go on while sixteen watch the charts of a flood', TIMEOUT, async () => {
    const scene = await start(['--inspect']);
    const figures = await suffer(scene, async (attack) => {
      const watchers = await Promise.all(Array.from({ length: 16 }, () => attack.open('manager')));
      for (const watcher of watchers) await watcher.ask('inspect.subscribe');
      const [host, agent] = [await attack.open('host'), await attack.open('agent')];
      for (let i = 0; i < 200; i += 1) await attack.turn(host, agent);
    });
    expectWithin(figures);
  });

  it('go on while the clock jumps a day, to and fro', TIMEOUT, async () => {
    const { metered, innocents } = await start();
    for (const ms of [86_400_000, -172_800_000, 86_400_000]) {
      await metered.jump(ms);
      await innocents.turns(3);
    }
    await innocents.stop();
  });

  it('who take the largest message that was announced are sent none that is larger', TIMEOUT, async () => {
    const { metered, innocents } = await start();
    const { daemon } = metered;
    const attack = new Attack(metered);
    const host = await WireClient.open(daemon.url, { maxPayload: 16 * MIB });
    await host.ok('session.auth', { token: daemon.tokens.daemon });
    await host.ok('tools.register', [{ name: 'clock' }]);
    const agent = await daemon.agent('large');
    const chat = await openChat(host, agent, { agent_id: 'large' });
    const { execute } = callsOf(host, agent, chat.sessionId);
    for (const bytes of [9 * MIB, 15 * MIB, 15 * MIB, 15 * MIB]) execute({ parameters: { text: 'x'.repeat(bytes) } });
    await agent.settled();
    // It reads whatever there was, and is there.
    await host.settled();
    attack.leave();
    await innocents.turns(1);
  });

  if (MINUTES > 0) {
    it('are not cut off when the daemon was stopped for longer than a heartbeat', { timeout: 180_000 }, async () => {
      const { metered, innocents } = await start();
      const { child } = metered.daemon.program;
      child.kill('SIGSTOP');
      await new Promise((resolve) => setTimeout(resolve, 95_000));
      child.kill('SIGCONT');
      await innocents.turns(3);
      await innocents.stop();
    });
  }

  it('read nothing in a terminal that is not there to be read', TIMEOUT, async () => {
    const { metered } = await start();
    const { daemon } = metered;
    const hostile = '\u202eabc\u2066\u200b\u{e0041}\u009b31m\u007f';
    const host = await daemon.host();
    await host.ok('host.request_approval', { action: hostile, details: { text: hostile } });
    await host.ok('host.register_agent', { id: 'odd', name: hostile, kind: hostile });
    for (const argv of [['approvals'], ['approvals', '--json'], ['agents'], ['agents', '--json']]) {
      const { out, err } = await run([CLI, ...argv], { SWITCHBOARD_HOME: daemon.home });
      const odd = [...(out + err)].filter((character) => character !== '\n' && HIDDEN.test(character));
      expect({ argv, odd }).toEqual({ argv, odd: [] });
    }
  });
});
