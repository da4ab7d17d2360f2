import { CLI } from './scene.ts';
import { must, type Trial } from './trial.ts';
import { Watcher } from './watcher.ts';

/** A client of the Agent Client Protocol, which starts `switchboard acp`. It wants a newer Node than the oldest that we run on. */
export const ACPX_TRIAL: Trial = {
  name: 'acpx',
  does: 'acpx, which runs switchboard acp, on Node 24',
  packages: ['acpx@0.19.1', 'node@24'],
  async run(scene, { file }, check) {
    const agent = [process.execPath, CLI, 'acp', '--agent', 'echo'].join(' ');
    const program = [file('node', 'bin/node'), file('acpx', 'dist/cli.js'), '--agent', agent, '--format', 'quiet'];
    const ask = (prompt: string, ...flags: string[]) => scene.run([...program, ...flags, 'exec', prompt]);
    const says = async (words: string, prompt: string, ...flags: string[]) => {
      const asked = ask(prompt, ...flags);
      await asked.ended();
      must(asked.stdout.includes(words), asked.out.slice(-2000));
    };
    await check('chat', () => says('good day to you', 'good day to you'));
    await check('approval allowed', () => says('It was approved.', '/approve make tea', '--approve-all'));
    await check('approval denied', () => says('It was denied.', '/approve make tea', '--deny-all'));
    await check('stop half way', async () => {
      const watcher = await Watcher.of(scene);
      const before = await watcher.cancelled();
      const asked = ask('/slow');
      await watcher.begun();
      asked.signal('SIGINT');
      await watcher.stopped(before);
      await asked.ended();
    });
  },
};
