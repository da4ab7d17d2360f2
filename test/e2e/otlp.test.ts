import { describe, expect, it } from 'vitest';
import { startCollector } from '../support/collector.ts';
import { temporaryDirectory } from './support/cleanup.ts';
import { startDaemon } from './support/daemon.ts';
import { MAIN, Program } from './support/program.ts';

const HEADERS = { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20the-secret,x-team=a' };

describe('a daemon with --otlp', () => {
  it('tells the collector of a turn, and of its metrics, when it stops at the latest', async () => {
    const collector = await startCollector();
    const daemon = await startDaemon({ flags: ['--otlp', collector.url, '--demo'], env: HEADERS });
    const host = await daemon.host();
    const { turn_id } = await host.ok('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's' });
    await host.terminal(turn_id);
    await daemon.stop();
    expect(collector.span('agents.chat').attributes).toMatchObject({ 'switchboard.ending': 'done' });
    expect(collector.span('invoke_agent echo').parentSpanId).toBe(collector.span('agents.chat').spanId);
    expect(collector.reports.at(-1)?.find(({ name }) => name === 'switchboard_turns_total')?.points).toEqual([
      { attributes: {}, value: 1 },
    ]);
    expect(collector.headers.every((one) => one.authorization === 'Bearer the-secret' && one['x-team'] === 'a')).toBe(
      true,
    );
    expect(daemon.program.out + daemon.program.err).not.toContain('the-secret');
  });

  it('whose collector is away works, says so, and stops', async () => {
    const collector = await startCollector();
    await collector.close();
    const daemon = await startDaemon({ flags: ['--otlp', collector.url, '--demo'], env: HEADERS });
    const host = await daemon.host();
    const { turn_id } = await host.ok('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's' });
    await host.terminal(turn_id);
    await daemon.stop();
    expect(daemon.program.out + daemon.program.err).not.toContain('the-secret');
  });

  it.each([
    [['--otlp', 'http://a:the-secret@127.0.0.1'], {}, '--otlp takes a URL without credentials'],
    [
      ['--otlp', 'http://127.0.0.1:1'],
      { OTEL_EXPORTER_OTLP_HEADERS: 'the-secret' },
      'OTEL_EXPORTER_OTLP_HEADERS takes name=value pairs',
    ],
    [
      ['--otlp', 'http://127.0.0.1:1'],
      { OTEL_EXPORTER_OTLP_HEADERS: 'a=the-secret%0A' },
      'OTEL_EXPORTER_OTLP_HEADERS takes name=value pairs',
    ],
    [['--trace-sample', '0.5'], {}, '--trace-sample goes with --otlp URL'],
    [['--otlp', 'http://127.0.0.1:1', '--trace-sample', '2'], {}, '--trace-sample takes a number from 0 to 1'],
    [
      ['--otlp', 'http://127.0.0.1:1', '--otlp-interval', '5'],
      {},
      '--otlp-interval takes milliseconds, an integer from 1000',
    ],
  ])('%j %j is refused, in one line', async (flags, env, why) => {
    const program = new Program([MAIN, '--port', '0', '--no-socket', ...flags], {
      SWITCHBOARD_HOME: temporaryDirectory(),
      ...env,
    });
    expect((await program.exit).code).toBe(2);
    expect(program.err.trim().split('\n')).toEqual([expect.stringContaining(why)]);
    expect(program.err).not.toContain('the-secret');
  });
});
