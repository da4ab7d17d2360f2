import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codexConfig, opencodeEnv, put } from './agents.ts';
import type { Packages } from './packages.ts';
import type { Program } from './processes.ts';
import type { Scene } from './scene.ts';
import { type Check, must, type Trial } from './trial.ts';
import { Watcher } from './watcher.ts';

/** A program that chats with echo by the front for OpenAI's clients, as if it were a model. */
interface Client {
  /** Starts it with a prompt. */
  ask(prompt: string): Program;
  /** What echo is told to have a tool of the program's print these words. */
  shell(words: string): string;
  /** What it said, once it has ended. */
  said(program: Program): string;
}

/** `codex exec` and `opencode run` with the daemon as their model. */
export const PROGRAM_TRIALS: readonly Trial[] = [
  {
    name: 'codex-exec',
    does: 'codex exec with its base URL at the daemon',
    packages: ['@openai/codex@0.171.0'],
    run: (scene, packages, check) => tryOut(scene, check, codexExec(scene, packages)),
  },
  {
    name: 'opencode-run',
    does: 'opencode run with its base URL at the daemon',
    packages: ['opencode-ai@1.18.33'],
    run: (scene, packages, check) => tryOut(scene, check, opencodeRun(scene, packages)),
  },
];

function codexExec(scene: Scene, { file }: Packages): (key: string) => Client {
  const answer = join(scene.cwd, 'answer');
  const flags = [
    '--skip-git-repo-check',
    '--dangerously-bypass-approvals-and-sandbox',
    '--output-last-message',
    answer,
  ];
  put(scene, '.codex/config.toml', codexConfig(`${scene.url}/v1`, 'SWITCHBOARD_KEY', 'echo'));
  return (key) => ({
    ask: (prompt) =>
      scene.run([process.execPath, file('@openai/codex', 'bin/codex.js'), 'exec', ...flags, prompt], {
        SWITCHBOARD_KEY: key,
      }),
    shell: (words) => `/tool exec_command ${JSON.stringify({ cmd: `echo ${words}` })}`,
    said: () => readFileSync(answer, 'utf8').trim(),
  });
}

function opencodeRun(scene: Scene, { file }: Packages): (key: string) => Client {
  return (key) => ({
    ask: (prompt) =>
      // A word each: what has spaces it puts between quotes.
      scene.run([file('opencode-ai', 'bin/opencode.exe'), 'run', '--auto', '--title', 'trial', ...prompt.split(' ')], {
        ...opencodeEnv(`${scene.url}/v1`, key, 'echo'),
      }),
    shell: (words) => `/tool bash ${JSON.stringify({ command: `echo ${words}`, description: 'says it' })}`,
    said: ({ stdout }) => stdout.trim(),
  });
}

async function tryOut(scene: Scene, check: Check, clientOf: (key: string) => Client): Promise<void> {
  const client = clientOf(await scene.key());
  const watcher = await Watcher.of(scene);
  const answered = async (program: Program) => {
    must((await program.ended()) === 0, program.out.slice(-2000));
    return client.said(program);
  };
  await check('chat', async () => {
    const said = await answered(client.ask('good day to you'));
    must(said === 'good day to you', said);
  });
  await check('its own tool, called by the agent', async () => {
    const said = await answered(client.ask(client.shell('from-a-shell')));
    must(said.includes('says: ') && /says: [\s\S]*from-a-shell/.test(said), said);
  });
  await check('an approval, given elsewhere', async () => {
    const program = client.ask('/approve make coffee');
    await watcher.approves();
    const said = await answered(program);
    must(said.includes('It was approved.'), said);
  });
  await check('stop half way', async () => {
    const before = await watcher.cancelled();
    const program = client.ask('/slow');
    await watcher.begun();
    program.signal('SIGINT');
    await watcher.stopped(before);
    await program.ended();
  });
}
