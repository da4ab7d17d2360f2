import { join } from 'node:path';
import type { Packages } from './packages.ts';
import type { Scene } from './scene.ts';
import { type Check, must, type Trial } from './trial.ts';
import { Watcher } from './watcher.ts';

/** One thing that a library does, in a process of its own, and what it then says. */
interface Step {
  check: string;
  step: string;
  prompt: string;
  says: RegExp;
  /** Whether a person allows what is asked for meanwhile. */
  isAsked?: boolean;
}

/** A prompt that echo takes long for. */
const SLOW = '/slow';

/** Packages that want a newer Node than the oldest that the daemon runs on: they have one of npm's. */
export const LIBRARY_TRIALS: readonly Trial[] = [
  {
    name: 'openai',
    does: 'OpenAI’s package, version 7, on Node 24',
    packages: ['openai@7', 'node@24'],
    run: (scene, packages, check) =>
      tryOut(scene, packages, check, 'turn-by-openai', [
        { check: 'models', step: 'models', prompt: '', says: /\becho\b/ },
        { check: 'chat completion', step: 'create', prompt: 'good day', says: /^good day$/ },
        { check: 'chat completion, streamed', step: 'stream', prompt: 'good day to you', says: /^good day to you$/ },
        { check: 'response, streamed', step: 'responses', prompt: 'good day to you', says: /^good day to you$/ },
        { check: 'runTools', step: 'tools', prompt: '/tool clock', says: /^Your clock says: "?half past"?$/ },
        {
          check: 'an approval, given elsewhere',
          step: 'stream',
          prompt: '/approve tea',
          says: /approved/,
          isAsked: true,
        },
        { check: 'stop half way', step: 'stop', prompt: SLOW, says: /^stopped$/ },
      ]),
  },
  {
    name: 'ai',
    does: 'the AI SDK, version 7, with both of its providers for OpenAI’s API, on Node 24',
    packages: ['ai@7', '@ai-sdk/openai-compatible@3', '@ai-sdk/openai@4', 'node@24'],
    run: (scene, packages, check) =>
      tryOut(
        scene,
        packages,
        check,
        'turn-by-ai',
        ['compatible', 'openai'].flatMap((by) => [
          { check: `chat, by ${by}`, step: by, prompt: 'good day to you', says: /^good day to you$/ },
          { check: `its tool, by ${by}`, step: by, prompt: '/tool clock', says: /^Your clock says: "?half past"?$/ },
          { check: `an approval, by ${by}`, step: by, prompt: '/approve tea', says: /approved/, isAsked: true },
          { check: `stop half way, by ${by}`, step: `${by}-stop`, prompt: SLOW, says: /^stopped$/ },
        ]),
      ),
  },
];

async function tryOut(scene: Scene, { file }: Packages, check: Check, script: string, steps: Step[]): Promise<void> {
  const node = file('node', 'bin/node');
  const env = { OPENAI_BASE_URL: `${scene.url}/v1`, OPENAI_API_KEY: await scene.key() };
  const path = join(import.meta.dirname, 'clients', `${script}${import.meta.filename.slice(-3)}`);
  const folder = file('', '..');
  const watcher = await Watcher.of(scene);
  for (const { check: name, step, prompt, says, isAsked } of steps) {
    await check(name, async () => {
      const before = await watcher.cancelled();
      const program = scene.run([node, path, folder, step, prompt], env, { isHeld: true });
      if (isAsked) await watcher.approves();
      if (prompt === SLOW) {
        await program.shows(says);
        await watcher.stopped(before);
      }
      program.release();
      must((await program.ended()) === 0 && says.test(program.stdout), program.out);
    });
  }
}
