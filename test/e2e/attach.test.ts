import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { connectHost } from '../../client/node.ts';
import { type Likeness, type Step, scripted } from '../attach/acp-scene.ts';
import { gone } from '../attach/gone.ts';
import { own, temporaryDirectory } from './support/cleanup.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { CLI, MAIN, Program, run } from './support/program.ts';

/** `switchboard attach` with the scripted agent, as `a1`. */
function attach(daemon: Pick<Daemon, 'home'>, is: Likeness = {}, flags: string[] = []): Program {
  const { acp, env } = scripted(is);
  const variables = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const argv = [CLI, 'attach', '--agent', 'a1', '--home', daemon.home, ...variables, ...flags, '--', ...acp];
  return new Program(argv, {});
}

async function hostOf(daemon: Daemon) {
  const host = await connectHost({ url: daemon.url, token: daemon.tokens.daemon });
  own(() => host.close());
  return host;
}

const say = (...steps: Step[]) => JSON.stringify(steps);

/** Ids of a process of the agent's, and of a child of that. */
async function processesOf(daemon: Daemon): Promise<number[]> {
  const text = await (await hostOf(daemon)).chat('a1', say(['tell', 'pid'], ['say', ' '], ['child'])).text();
  return text.split(' ').map(Number);
}

describe('switchboard attach', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon();
  });

  it('joins a program as an agent, which people see with its mode, and leaves with it', async () => {
    const program = attach(daemon, { modes: ['auto', 'ask'] });
    await program.shows('agent a1 is attached');
    expect(program.lines.join('\n')).toContain('begins in mode auto; on offer: auto, ask');
    const host = await hostOf(daemon);
    expect(await host.chat('a1', say(['say', 'hello'])).text()).toBe('hello');
    const [pid] = await processesOf(daemon);
    expect(await program.kill('SIGTERM')).toMatchObject({ code: 0 });
    await gone(pid ?? 0);
  });

  it('gives an agent that knows no HTTP the tools of its host by a program', async () => {
    await attach(daemon, { http: false }).shows('agent a1 is attached');
    const host = await hostOf(daemon);
    await host.tool('clock', { parameters: { type: 'object' } }, () => 'late');
    const result = JSON.parse(await host.chat('a1', say(['tool', 'clock', {}])).text());
    expect(result.content).toEqual([{ type: 'text', text: 'late' }]);
  });

  it('that is killed, and started again, goes on with its sessions where they were', async () => {
    const program = attach(daemon, { resume: true });
    await program.shows('agent a1 is attached');
    const chat = async (...steps: Step[]) =>
      (await hostOf(daemon)).chat('a1', say(...steps), { sessionId: 'one' }).text();
    const [pid, resumed] = [await chat(['tell', 'pid']), await chat(['tell', 'isResumed'])];
    expect(resumed).not.toBe('true');
    await program.kill('SIGKILL');
    await gone(Number(pid));
    await attach(daemon, { resume: true }).shows('agent a1 is attached');
    expect(await chat(['tell', 'isResumed'])).toBe('true');
  });

  it('that is killed leaves nothing behind: not its agent’s processes, and not their children', async () => {
    const program = attach(daemon, { isStubborn: true });
    await program.shows('agent a1 is attached');
    const pids = await processesOf(daemon);
    expect(pids.length).toBe(2);
    await program.kill('SIGKILL');
    await Promise.all(pids.map(gone));
  });

  it.each([
    [{ dies: 'at start' }, 1, 'agent a1 cannot be started: agent process exited with code 9'],
    [{ version: 2 }, 1, 'it speaks version 2 of ACP'],
  ])('of an agent that is %j › ends', async (is, code, words) => {
    const program = attach(daemon, is);
    expect(await program.exit).toMatchObject({ code });
    expect(program.err).toContain(words);
  });

  it('ends where no daemon is, and where it is refused or replaced', async () => {
    const none = attach({ home: temporaryDirectory() });
    expect(await none.exit).toMatchObject({ code: 3 });
    const refused = attach(daemon, {}, ['--host-token', 'wrong']);
    expect(await refused.exit).toMatchObject({ code: 1 });
    const first = attach(daemon);
    await first.shows('agent a1 is attached');
    await attach(daemon).shows('agent a1 is attached');
    expect(await first.exit).toMatchObject({ code: 1 });
    expect(first.err).toContain('attached by another program');
  });
});

describe('serve --attach', () => {
  const file = (agents: object[]) => {
    const path = join(temporaryDirectory(), 'agents.json');
    writeFileSync(path, JSON.stringify({ agents }));
    return path;
  };

  it('runs agents itself, says how they stand, tries those again that do not start, and takes all along', async () => {
    const bad = { id: 'a2', acp: ['/no/such/program'] };
    const daemon = await startDaemon({
      flags: ['--attach', file([{ id: 'a1', ...scripted({ modes: ['auto'], isStubborn: true }) }, bad])],
      mayFail: true,
    });
    await daemon.program.shows('agent a1 is ready');
    const pids = await processesOf(daemon);
    const host = await hostOf(daemon);
    const refusal = await host
      .chat('a2', 'x')
      .text()
      .catch((error: unknown) => JSON.stringify(error));
    expect(refusal).toContain('agent a2 cannot be started');
    // How they stand is told once a second at most.
    const told = async () => (await run([CLI, 'agents', '--home', daemon.home])).out;
    await expect.poll(told).toMatch(/a1 .*Scripted 1\.2\.3; mode auto; \d process/);
    await expect.poll(told).toMatch(/a2 .*failed; .*no such program/);
    await daemon.program.kill('SIGKILL');
    await Promise.all(pids.map(gone));
  });

  it.each([
    ['[]', 'takes a file that holds {"agents": […]}'],
    ['{\n  "agents": oops', 'takes a JSON file, and this is none from line 2 on'],
    [{ agents: [{ id: 'x' }] }, 'agents[0] needs one of agents[0].acp, agents[0].openai, agents[0].a2a: "'],
    [{ agents: [{ id: 'x', acp: ['y'], spare: 'z' }] }, 'agents[0].spare takes an integer from 0 to 16, not "z": "'],
    [
      { agents: [{ id: 'x', acp: ['y'], env: { SWITCHBOARD_A: 's3cret' } }] },
      'agents[0].env takes NAME=VALUE, and no NAME',
    ],
    [
      {
        agents: [
          { id: 'x', acp: ['y'] },
          { id: 'x', acp: ['y'] },
        ],
      },
      'agents[1].id is that of agents[0]: "',
    ],
  ])('of %j › refuses to start, in one line', async (content, words) => {
    const path = join(temporaryDirectory(), 'agents.json');
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    const program = new Program([MAIN, '--attach', path, '--home', temporaryDirectory()], {});
    expect(await program.exit).toMatchObject({ code: 2 });
    expect(program.err).toContain(words);
    expect(program.err.trim().split('\n').length).toBe(1);
  });
});
