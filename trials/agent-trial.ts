import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../client/node.ts';
import type { AgentKind } from './agents.ts';
import type { Packages } from './packages.ts';
import { PATIENCE_MS, type Program, within } from './processes.ts';
import { CLI, type Scene } from './scene.ts';
import { type Check, must, type Trial } from './trial.ts';
import { play, type Turn } from './turn.ts';

/** A trial of an agent that `switchboard attach` joins. */
export function trialOf(kind: AgentKind): Trial {
  const { name, packages } = kind;
  return {
    name,
    does: `switchboard attach with ${packages.join(' and ')}`,
    packages,
    async run(scene, installed, check) {
      kind.prepare?.(scene);
      const program = attach(kind, scene, installed);
      let isAttached = false;
      await check('joins', async () => {
        await program.shows(`agent ${name} is attached`);
        isAttached = true;
        return /begins in mode [^"\n]*/.exec(program.out)?.[0];
      });
      if (isAttached) await tryOut(kind, scene, program, check);
    },
  };
}

function attach(kind: AgentKind, scene: Scene, packages: Packages): Program {
  const env = Object.entries(kind.env(scene.model.url, packages)).flatMap(([key, value]) => [
    '--env',
    `${key}=${value}`,
  ]);
  const flags = ['--agent', kind.name, '--cwd', scene.cwd, '--log-level', 'debug', ...env, ...(kind.flags ?? [])];
  return scene.run([process.execPath, CLI, 'attach', ...flags, '--', ...kind.command(packages)]);
}

async function tryOut(kind: AgentKind, scene: Scene, program: Program, check: Check): Promise<void> {
  const { name } = kind;
  const host = await scene.host();
  const calls = { first: 0, second: 0 };
  const clock = { description: 'Tells the time', parameters: { type: 'object', properties: {} } };
  await host.tool('clock', clock, () => `five ${++calls.first}`);
  let told: ((what: 'called' | 'cancelled') => void) | undefined;
  await host.tool(
    'wait',
    { description: 'Waits until it is cancelled', parameters: clock.parameters },
    (_, { signal }) => {
      told?.('called');
      return new Promise((_, fail) => {
        signal.addEventListener('abort', () => {
          told?.('cancelled');
          fail(signal.reason);
        });
      });
    },
  );
  const say = (prompt: string, sessionId: string, from: Host = host) => from.chat(name, prompt, { sessionId });

  await check('chat', async () => {
    const turn = await play(say('[[say hello there]]', 'one'));
    must(turn.text === 'hello there' && turn.end === 'done stop', turn);
  });
  const begun = new Date();
  await check('the terminal', async () => {
    const said = await scene.cli('chat', name, '[[say from a terminal]]');
    must(said.includes('from a terminal'), said);
  });
  await check('an OpenAI client', async () => {
    const said = await complete(scene, name, '[[say by HTTP]]');
    must(said === 'by HTTP', said);
  });
  await check('the host’s tool', async () => {
    const turn = await play(say('[[call clock {}]]', 'two'));
    must(turn.text.includes('five 1') && calls.first === 1, turn);
    must(turn.asked.length > 0 === kind.asksForTools, turn);
    return turn.asked.length > 0 ? 'it asked first' : 'it did not ask';
  });
  const file = join(scene.cwd, 'made.txt');
  const write = `[[write ${file} well made]]`;
  await check('approval denied', async () => {
    const turn = await play(say(write, 'one'), { allows: false });
    must(turn.asked.length === 1 && !existsSync(file), turn);
    return `asked for ${turn.asked}; ${turn.end}`;
  });
  await check('approval allowed', async () => {
    const turn = await play(say(write, 'one'));
    must(turn.asked.length === 1 && existsSync(file), turn);
    must(readFileSync(file, 'utf8').trim() === 'well made', readFileSync(file, 'utf8'));
    must(turn.end === 'done stop', turn);
  });
  await check('cancel in the middle', async () => {
    let tokens = 0;
    const chat = say('[[slow]]', 'one');
    const turn = await play(chat, { at: ({ kind }) => kind === 'token' && ++tokens === 3 && chat.cancel() });
    must(turn.end === 'done cancelled', turn);
    const next = await play(say('[[say on we go]]', 'one'));
    must(next.text === 'on we go' && next.end === 'done stop', next);
  });
  await check('cancel while it asks', async () => {
    const chat = say(`[[write ${file}.not no]]`, 'one');
    const turn = await play(chat, { at: ({ kind }) => kind === 'approval_pending' && chat.cancel() });
    must(turn.end === 'done cancelled' && !existsSync(`${file}.not`), turn);
    const next = await play(say('[[say and on]]', 'one'));
    must(next.text === 'and on', next);
  });
  await check('cancel while the host’s tool runs', async () => {
    const chat = say('[[call wait {}]]', 'two');
    let isCancelled = false;
    told = (what) => {
      if (what === 'called') void chat.cancel();
      else isCancelled = true;
    };
    const turn = await play(chat);
    must(turn.end === 'done cancelled' && isCancelled, turn);
    const next = await play(say('[[say go on]]', 'two'));
    must(next.text === 'go on' && next.end === 'done stop', next);
  });
  await check('two sessions at once, with two hosts’ tools', async () => {
    const other = await scene.host();
    await other.tool('clock', clock, () => `seven ${++calls.second}`);
    const before = calls.first;
    const [mine, theirs] = await Promise.all([
      play(say('[[call clock {}]]', 'three')),
      play(say('[[call clock {}]]', 'four', other)),
    ]);
    must(mine.text.includes('five') && theirs.text.includes('seven'), [mine, theirs]);
    must(calls.first === before + 1 && calls.second === 1, calls);
  });
  await check('resume after its process was killed', async () => {
    if (kind.resumesNextMinute) await nextMinute(begun);
    const killed = await processesOf(host, name);
    for (const pid of killed) process.kill(pid, 'SIGKILL');
    const turn = await again(() => play(say('[[recall]]', 'one')));
    must(turn.end === 'done stop' && /^earlier: .*hello there/.test(turn.text), [turn, reasonsIn(program)]);
    must(!killed.some(isThere), 'not all of them had been killed');
    return turn.text;
  });
  await check('no process is left when attach is killed', async () => {
    const pids = await processesOf(host, name);
    must(pids.length > 0, 'there was none before');
    program.signal('SIGKILL');
    await within(
      'they did not end',
      () => String(pids.filter(isThere)),
      (settle) => {
        const timer = setInterval(() => !pids.some(isThere) && settle(undefined), 100);
        return () => clearInterval(timer);
      },
    );
  });
  if (scene.model.unknown.length > 0) console.log(`     it also asked the model for ${scene.model.unknown.join(', ')}`);
}

/** Runs a turn until it does not end in an error that says that it may be tried again. */
async function again(turn: () => Promise<Turn>): Promise<Turn> {
  for (const until = Date.now() + PATIENCE_MS; ; await sleep(1000)) {
    try {
      const played = await turn();
      const isOver = !played.events.some((event) => event.kind === 'error' && event.retryable === true);
      if (isOver || Date.now() > until) return played;
    } catch (error) {
      // Refused for a while, after so many processes have died.
      if (Date.now() > until) throw error;
    }
  }
}

/** Ids of an attached agent's processes. */
async function processesOf(host: Host, name: string): Promise<number[]> {
  const row = (await host.hostAgents()).find(({ id }) => id === name);
  return (row?.metadata?.attached as { processes?: number[] } | undefined)?.processes ?? [];
}

/** Waits until the minute of a time is over. */
async function nextMinute(of: Date): Promise<void> {
  const minute = (at: Date) => Math.floor(at.getTime() / 60_000);
  while (minute(new Date()) <= minute(of)) await sleep(200);
}

/** What `attach` says of sessions that were not taken up again. */
function reasonsIn({ out }: Program): string[] {
  return out.split('\n').filter((line) => line.includes('does not take a session up again'));
}

/** Whether a process runs; one that nobody has waited for has ended. */
function isThere(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

/** What an agent answers by the front for OpenAI's clients. */
async function complete(scene: Scene, model: string, content: string): Promise<string> {
  const answer = await fetch(`${scene.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await scene.key()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content }] }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const body = (await answer.json()) as { choices?: { message: { content: string } }[] };
  return body.choices?.[0]?.message.content ?? JSON.stringify(body);
}
