import { describe, expect, it } from 'vitest';
import { FakeModel, says } from '../attach/fake-model.ts';
import { startRemote } from '../support/a2a-remote.ts';
import { RealDaemon } from './real-daemon.ts';

/** Runs `attach` until the test is over with what it does meanwhile. */
async function attached(
  words: string[],
  env: Record<string, string>,
  meanwhile: (daemon: RealDaemon) => Promise<void>,
) {
  const daemon = await RealDaemon.start();
  const events = await daemon.manager.subscribe();
  const io = daemon.io();
  Object.assign(io.env, env);
  const running = io.run('attach', '--agent', 'far', '--log-level', 'silent', ...words);
  for await (const { kind, agent_id } of events) if (kind === 'agent.attached' && agent_id === 'far') break;
  await meanwhile(daemon);
  io.interrupt();
  return { code: await running, err: io.err };
}

describe('switchboard attach', () => {
  it('--openai › joins a model, which is chatted with like any agent', async () => {
    const model = await FakeModel.start(says('Hello', ' there'));
    const words = ['--openai', model.url, '--model', 'small', '--key-env', 'KEY', '--system', 'Be kind.'];
    const { code } = await attached(words, { KEY: 's3cret' }, async (daemon) => {
      const io = daemon.io();
      expect(await io.run('chat', 'far', 'hi', '--no-tools')).toBe(0);
      expect(io.out).toBe('Hello there\n');
    });
    expect(code).toBe(0);
    expect(model.asked[0]?.headers.authorization).toBe('Bearer s3cret');
    expect(model.asked[0]?.body.messages[0]).toEqual({ role: 'system', content: 'Be kind.' });
  });

  it('--a2a › joins a remote agent, which asks on the terminal', async () => {
    const far = await startRemote({
      play: (says, { text }) => {
        says.task();
        says.status(text === 'go' ? 'input-required' : 'completed', text === 'go' ? 'Really?' : `you said ${text}`);
      },
    });
    const { code } = await attached(['--a2a', far.url], {}, async (daemon) => {
      const io = daemon.io();
      expect(await io.run('chat', 'far', 'go', '--approve')).toBe(0);
      expect(io.out).toBe('you said yes\n');
    });
    expect(code).toBe(0);
  });

  it.each([
    ['no model', ['--openai', 'http://127.0.0.1:1/v1'], 2, '--model is missing'],
    ['no URL', ['--openai', 'ollama', '--model', 'x'], 2, '--openai takes the base URL'],
    [
      'a key in place of its name',
      ['--openai', 'http://127.0.0.1:1/v1', '--model', 'x', '--key-env', 'sk-12'],
      2,
      '--key-env takes',
    ],
    ['two kinds', ['--openai', 'http://127.0.0.1:1/v1', '--a2a', 'http://127.0.0.1:1/'], 2, 'exclude each other'],
    [
      'a key that is not there',
      ['--openai', 'http://127.0.0.1:1/v1', '--model', 'x', '--key-env', 'KEY'],
      1,
      'the variable KEY',
    ],
    ['a far endpoint', ['--a2a', 'https://example.org/'], 1, '--allow-untrusted-endpoint'],
  ])('with %s › ends with what is wrong', async (_what, words, code, says) => {
    const daemon = await RealDaemon.start();
    const io = daemon.io();
    expect(await io.run('attach', '--agent', 'far', '--log-level', 'silent', ...words)).toBe(code);
    expect(io.err).toContain(says);
    expect(io.err).not.toContain('sk-12');
  });
});
