import { describe, expect, it } from 'vitest';
import { createLogger } from '../../daemon/log.ts';

async function collect(pretty: boolean) {
  const lines: string[] = [];
  return { lines, log: await createLogger('info', pretty, { write: (line) => void lines.push(line) }) };
}

describe('the log', () => {
  it.each([true, false])('never holds a secret (pretty: %s)', async (pretty) => {
    const { lines, log } = await collect(pretty);
    log.info({ token: 's3cret', params: { host_token: 's3cret', agent_id: 'a' } }, 'hello');
    log.info({ request: { headers: { authorization: 'Bearer s3cret' } }, tokens: { host: 's3cret' } }, 'hello');
    expect(lines).toHaveLength(2);
    expect(lines.join()).not.toContain('s3cret');
    expect(lines.join()).toContain('[redacted]');
    expect(lines[0]).toContain('agent_id');
  });

  it('for a person › writes out what cannot be seen, in the words, the fields and the stack; for a machine it is JSON', async () => {
    const evil = 'a\u001b[31mb\u202ec\u009bd\u200be\u007f\u{e0041}';
    const error = Object.assign(new Error(evil), { stack: `Error: ${evil}\n    at ${evil}` });
    const [machine, person] = [await collect(false), await collect(true)];
    for (const { log } of [machine, person]) {
      log.info({ agent: evil, [evil]: 1, nested: { ids: [evil] } }, evil);
      log.error({ err: error }, evil);
      log.error(error);
    }
    const text = person.lines.join('');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
    const colourless = text.replace(/\x1b\[\d+m/g, '');
    expect(colourless.replace(/\n/g, '')).not.toMatch(/\p{C}/u);
    expect(text).not.toContain('\u001b[31mb');
    expect(text).toContain('a\\u001b[31mb\\u202ec\\u009bd\\u200be\\u007f\\udb40\\udc41');
    expect(text).toMatch(/\n {4,}at a\\u001b/);
    expect(JSON.parse(machine.lines[0] ?? '')).toMatchObject({ agent: evil, msg: evil });
  });

  it('is JSON for a machine, and coloured text for a person', async () => {
    const [machine, person] = [await collect(false), await collect(true)];
    machine.log.info({ url: 'ws://x' }, 'listening');
    person.log.info({ url: 'ws://x' }, 'listening');
    expect(JSON.parse(machine.lines[0] ?? '')).toMatchObject({ level: 30, url: 'ws://x', msg: 'listening' });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
    expect(person.lines[0]).toMatch(/\x1b\[\d+mlistening/);
  });

  it('has every line out when the call returns, and leaves out what is below its level', async () => {
    const { lines, log } = await collect(true);
    log.debug('not this');
    log.fatal('this');
    expect(lines).toHaveLength(1);
  });
});
