import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configHelp, configSchema, readConfig } from '../../daemon/config.ts';
import { ConfigError } from '../../daemon/errors.ts';
import { DEFAULT_FRONTS } from '../../fronts/list.ts';
import { temporaryDirectory } from './temporary.ts';

function file(content: unknown): string {
  const path = join(temporaryDirectory(), 'config.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const settings = (argv: string[], env: NodeJS.ProcessEnv = {}) => readConfig(argv, env).settings;

function refusal(argv: string[], env: NodeJS.ProcessEnv = {}): string {
  try {
    readConfig(argv, env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    const { message } = error as ConfigError;
    expect(message).not.toContain('\n');
    return message;
  }
  throw new Error('was accepted');
}

describe('the settings', () => {
  it('have the defaults of the contract', () => {
    expect(settings([])).toEqual({
      host: '127.0.0.1',
      port: 9100,
      'no-socket': false,
      durable: 'process',
      'journal-max': 512 * 1024 * 1024,
      'journal-repair': false,
      record: 'memory',
      'record-turns': 1_000,
      'record-bytes': 64 * 1024 * 1024,
      'record-hours': 24,
      'otlp-interval': 60_000,
      'trace-sample': 1,
      workers: 1,
      'cluster-nats': [],
      'peer-flush-ms': 2,
      'allow-origin': [],
      'allow-host': [],
      'agent-wait': 2_000,
      'agent-window': 60_000,
      'tls-client-auth': 'none',
      'metrics-auth': false,
      'metrics-tenant': [],
      'no-auth': false,
      'no-approvals': false,
      approve: [],
      'audit-required': false,
      front: [...DEFAULT_FRONTS],
      'park-timeout': 600_000,
      'front-approval-timeout': 300_000,
      'openai-approvals': 'wait',
      'openai-show-tools': false,
      'approval-timeout': 60_000,
      'stale-after': 900_000,
      'max-message-bytes': 16 * 1024 * 1024,
      'max-connections': 10_000,
      'max-turns-per-connection': 1_000,
      limit: [],
      'resume-window': 600_000,
      'max-all-log-bytes': 256 * 1024 * 1024,
      'drain-timeout': 10_000,
      home: join(homedir(), '.switchboard'),
      inspect: false,
      'inspector-url': 'https://stately.ai/inspect',
      demo: false,
      'log-level': 'info',
    });
  });

  it('come from flags, with a space or an equals sign', () => {
    const read = settings(['--host', '::1', '--port=0', '--demo', '--log-level', 'debug', '--home=/tmp/a=b']);
    expect(read).toMatchObject({ host: '::1', port: 0, demo: true, 'log-level': 'debug', home: '/tmp/a=b' });
  });

  it('come from variables', () => {
    const env = { SWITCHBOARD_MAX_CONNECTIONS: '7', SWITCHBOARD_NO_AUTH: 'true', SWITCHBOARD_DEMO: '0', PORT: '1' };
    expect(settings([], env)).toMatchObject({ 'max-connections': 7, 'no-auth': true, demo: false, port: 9100 });
  });

  it('come from a file', () => {
    const path = file({ port: 1, 'no-auth': true, 'allow-origin': ['https://a.example'], home: '/tmp/h' });
    const read = settings(['--config', path]);
    expect(read).toMatchObject({ port: 1, 'no-auth': true, 'allow-origin': ['https://a.example'], home: '/tmp/h' });
    expect(settings([], { SWITCHBOARD_CONFIG: path })).toEqual(read);
  });

  it('let a flag beat a variable beat the file', () => {
    const argv = ['--config', file({ port: 1, host: 'localhost', demo: true, 'stale-after': 5 })];
    const env = { SWITCHBOARD_PORT: '2', SWITCHBOARD_HOST: '::1' };
    expect(settings(argv)).toMatchObject({ port: 1, host: 'localhost', demo: true, 'stale-after': 5 });
    expect(settings(argv, env)).toMatchObject({ port: 2, host: '::1', demo: true, 'stale-after': 5 });
    expect(settings([...argv, '--port', '3'], env)).toMatchObject({ port: 3, host: '::1', 'stale-after': 5 });
    expect(settings([...argv, '--demo=false'], env)).toMatchObject({ demo: false });
  });

  it('take lists from repeated flags, comma-separated variables and arrays, the strongest whole', () => {
    const argv = ['--approve', 'a.b', '--approve=tools.execute:x'];
    expect(settings(argv).approve).toEqual(['a.b', 'tools.execute:x']);
    const env = { SWITCHBOARD_APPROVE: 'c.d, e.f' };
    expect(settings([], env).approve).toEqual(['c.d', 'e.f']);
    expect(settings(argv, env).approve).toEqual(['a.b', 'tools.execute:x']);
  });

  it('take shared limits by name', () => {
    expect(settings(['--limit', 'identity.chats=5', '--limit=tenant.bytes=1000']).limit).toEqual([
      'identity.chats=5',
      'tenant.bytes=1000',
    ]);
    expect(settings([], { SWITCHBOARD_LIMIT: 'agent.deltas=7' }).limit).toEqual(['agent.deltas=7']);
    for (const bad of ['identity.chats', 'chats=5', 'identity.chats=0', 'identity.chats=x', 'agent.connections=1'])
      expect(refusal(['--limit', bad])).toMatch(/^--limit takes NAME=N, .*identity\.chats, .*, not "/);
  });

  it('count an empty variable as unset', () => {
    expect(settings([], { SWITCHBOARD_PORT: '', SWITCHBOARD_NO_SUCH: '', SWITCHBOARD_HOST: '' }).port).toBe(9100);
    expect(readConfig([], { SWITCHBOARD_AUTH_TOKEN: '' }).tokens).toEqual({});
  });

  it('take the last of a repeated flag', () => {
    expect(settings(['--port', '1', '--port', '2']).port).toBe(2);
  });

  it('tell what was given explicitly, and where', () => {
    const { given } = readConfig(['--inspect'], { SWITCHBOARD_APPROVE: 'a' });
    expect([...given]).toEqual([
      ['approve', 'SWITCHBOARD_APPROVE'],
      ['inspect', '--inspect'],
    ]);
  });

  it('make the socket path absolute, and let the stronger of --socket and --no-socket decide', () => {
    const none = ['--config', file({ 'no-socket': true })];
    expect(settings(['--socket', 's']).socket).toBe(join(process.cwd(), 's'));
    expect(settings([...none, '--socket', '/s'])).toMatchObject({ socket: '/s', 'no-socket': false });
    expect(settings([...none, '--no-socket=false'])).toMatchObject({ 'no-socket': false });
    const read = settings(['--no-socket'], { SWITCHBOARD_SOCKET: '/s' });
    expect(read['no-socket']).toBe(true);
    expect(read.socket).toBeUndefined();
  });
});

describe('the tokens', () => {
  it('come from variables, and the SDK’s own variables are nobody’s error', () => {
    const env = { SWITCHBOARD_AUTH_TOKEN: 'a', SWITCHBOARD_HOST_TOKEN: 'h' };
    expect(readConfig([], { ...env, SWITCHBOARD_URL: 'ws://x', SWITCHBOARD_AGENT_TOKEN: 't' }).tokens).toEqual({
      daemon: 'a',
      host: 'h',
    });
  });

  it('are no flags and no keys', () => {
    expect(refusal(['--auth-token', 'x'])).toBe('unknown flag "--auth-token"; see --help');
    expect(refusal(['--config', file({ 'host-token': 'x' })])).toContain('unknown key "host-token"');
  });

  it('are never shown, not even a bad one', () => {
    const message = refusal([], { SWITCHBOARD_AUTH_TOKEN: 'se cret' });
    expect(message).toBe('SWITCHBOARD_AUTH_TOKEN takes printable ASCII without spaces');
  });
});

describe('a bad setting', () => {
  it.each([
    ['--port', '70000', '--port takes an integer from 0 to 65535, not 70000'],
    ['--port', '-1', '--port takes an integer from 0 to 65535, not -1'],
    ['--port', '80x', '--port takes an integer from 0 to 65535, not "80x"'],
    ['--port', '1e3', '--port takes an integer from 0 to 65535, not "1e3"'],
    ['--resume-window', '-1', '--resume-window takes milliseconds, an integer from 0 to 2147483647, not -1'],
    ['--stale-after', '0', '--stale-after takes milliseconds, an integer from 1 to 2147483647, not 0'],
    ['--drain-timeout', '2147483648', 'takes milliseconds, an integer from 1 to 2147483647, not 2147483648'],
    ['--max-connections', '1.5', '--max-connections takes an integer from 1 to 1000000, not "1.5"'],
    ['--home', 'relative', '--home takes an absolute path, not "relative"'],
    ['--home', '~/x', '--home takes an absolute path, not "~/x"'],
    ['--host', '[::1]', '--host takes a host name or an IP address, IPv6 without brackets, not "[::1]"'],
    ['--log-level', 'loud', '--log-level takes one of trace, debug, info, warn, error, fatal, silent, not "loud"'],
    [
      '--allow-host',
      'chat.example:80',
      'takes host names such as chat.example, without scheme, port or path, not "chat.example:80"',
    ],
    ['--allow-origin', 'https://a/b', 'takes origins such as https://app.example, without a path, not "https://a/b"'],
    ['--public-url', 'agents.example', '--public-url takes an http(s) URL without a query, not "agents.example"'],
    ['--public-url', 'https://agents.example/?key=1', '--public-url takes an http(s) URL'],
    ['--a2a-root', 'echo', '--a2a-root needs the front a2a: --front a2a'],
    ['--a2a-root', 'no such/agent', "--a2a-root takes an agent's id"],
    ['--inspector-url', 'stately.ai/inspect', '--inspector-url takes an http(s) URL, not "stately.ai/inspect"'],
    ['--inspector-url', 'javascript:alert(1)', '--inspector-url takes an http(s) URL'],
    ['--approve', 'session.auth', '--approve takes method names'],
    ['--socket', `/${'x'.repeat(120)}`, '--socket takes a path of at most 107 bytes'],
  ])('%s %s is refused with what it takes', (flag, value, message) => {
    expect(refusal([flag, value])).toContain(message);
  });

  it.each(['--jwks-url', '--otlp', '--inspector-url', '--allow-origin'])('shows no secret of a URL in %s', (flag) => {
    const message = refusal([flag, 'ftp://me:SECRET@idp.example/jwks?key=SECRET']);
    expect(message).toMatch(/, not "ftp:\/\/…@idp\.example\/jwks\?…"$/);
    expect(message).not.toContain('SECRET');
  });

  it('names the variable that it came from', () => {
    expect(refusal([], { SWITCHBOARD_PORT: 'x' })).toBe('SWITCHBOARD_PORT takes an integer from 0 to 65535, not "x"');
    expect(refusal([], { SWITCHBOARD_DEMO: 'yes' })).toBe('SWITCHBOARD_DEMO takes true or false, not "yes"');
  });

  it('names the key and the file that it came from', () => {
    const path = file({ port: '9100' });
    expect(refusal(['--config', path])).toBe(`"port" in ${path} takes an integer from 0 to 65535, not "9100"`);
    expect(refusal(['--config', file({ demo: 1 })])).toContain('takes true or false, not 1');
    expect(refusal(['--config', file({ approve: 'a' })])).toContain('takes method names');
  });

  it('names the item of a list', () => {
    expect(refusal([], { SWITCHBOARD_ALLOW_ORIGIN: 'https://a,b' })).toMatch(/^SWITCHBOARD_ALLOW_ORIGIN .* not "b"$/);
  });

  it('stays one line, whatever it holds', () => {
    expect(refusal(['--host', 'a\nb'])).toContain('not "a\\nb"');
    expect(refusal(['--x\ny'])).toContain('unknown flag "--x\\ny"');
    expect(refusal(['--log-level', 'x'.repeat(5_000)]).length).toBeLessThan(400);
  });

  it.each([
    [['--nope'], 'unknown flag "--nope"'],
    [['--__proto__', 'x'], 'unknown flag "--__proto__"'],
    [['chat'], 'unexpected argument "chat"'],
    [['-p', '1'], 'unexpected argument "-p"'],
    [['--'], 'unexpected argument "--"'],
    [['--port'], '--port needs a value'],
    [['--host', '--port', '1'], '--host needs a value'],
    [['--demo=maybe'], '--demo takes true or false, not "maybe"'],
    [['--home='], '--home takes an absolute path, not ""'],
    [['--socket', '/a', '--no-socket'], '--socket and --no-socket exclude each other'],
  ])('%j is refused', (argv, message) => {
    expect(refusal(argv)).toContain(message);
  });

  it('in an unknown variable or key is refused', () => {
    expect(refusal([], { SWITCHBOARD_PROT: '1' })).toContain('unknown variable SWITCHBOARD_PROT');
    expect(refusal(['--config', file({ prot: 1 })])).toContain('unknown key "prot"');
    expect(refusal(['--config', file('{"__proto__": 1}')])).toContain('unknown key "__proto__"');
    expect(refusal(['--config', file({ config: '/x' })])).toContain('unknown key "config"');
  });

  it('in a file that is missing, no file, no JSON or no object is refused', () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'd'));
    expect(refusal(['--config', join(directory, 'none')])).toMatch(/^--config takes a JSON file, .*ENOENT$/);
    expect(refusal([], { SWITCHBOARD_CONFIG: join(directory, 'd') })).toMatch(/^SWITCHBOARD_CONFIG .*EISDIR$/);
    expect(refusal(['--config', file('{"port": 1,}')])).toContain('holds one JSON object');
    expect(refusal(['--config', file([])])).toContain('holds one JSON object');
    expect(refusal(['--config', file('')])).toContain('holds one JSON object');
  });
});

describe('--no-auth', () => {
  it.each(['127.0.0.1', '127.8.9.1', '::1', 'localhost', '::ffff:127.0.0.1'])('is taken on %s', (host) => {
    expect(settings(['--no-auth', '--host', host])['no-auth']).toBe(true);
  });

  it.each(['0.0.0.0', '::', '192.168.1.2', 'example.org', '127.0.0.1.example.org'])('is refused on %s', (host) => {
    expect(refusal(['--no-auth', '--host', host])).toBe(
      `--no-auth with --host takes a loopback host (127.0.0.1, ::1 or localhost), not "${host}"`,
    );
  });
});

describe('the help text', () => {
  it('shows every flag with its variable and its default', () => {
    const lines = configHelp().split('\n');
    for (const name of Object.keys(configSchema.shape)) {
      const line = lines.find((text) => text.trimStart().startsWith(`--${name} `));
      expect(line).toContain(` SWITCHBOARD_${name.toUpperCase().replaceAll('-', '_')} `);
    }
    expect(lines.find((line) => line.includes('--port'))).toContain('[9100]');
    expect(configHelp()).toContain('SWITCHBOARD_AUTH_TOKEN');
  });
});

describe('the settings for JWTs', () => {
  const whose = ['--jwt-issuer', 'https://idp.example', '--jwt-audience', 'https://broker.example/'];

  it('are an issuer, an audience, and where its keys are', () => {
    expect(settings([...whose, '--jwks-url', 'https://idp.example/jwks', '--jwt-tenant-claim', 'org'])).toMatchObject({
      'jwt-issuer': 'https://idp.example',
      'jwt-audience': 'https://broker.example/',
      'jwks-url': 'https://idp.example/jwks',
      'jwt-tenant-claim': 'org',
    });
    expect(settings([...whose, '--jwks-file', '/etc/jwks.json'])['jwks-file']).toBe('/etc/jwks.json');
  });

  it.each([
    [['--jwks-file', 'x'], '--jwks-file goes with --jwt-issuer, and that is not there'],
    [whose.slice(0, 2), '--jwt-issuer goes with --jwt-audience, and that is not there'],
    [whose, '--jwt-issuer goes with --jwks-url or --jwks-file, one of them'],
    [
      [...whose, '--jwks-url', 'https://idp.example/jwks', '--jwks-file', 'x'],
      '--jwt-issuer goes with --jwks-url or --jwks-file, one of them',
    ],
    [
      [...whose, '--jwks-url', 'http://idp.example/jwks'],
      '--jwks-url takes an https URL, or an http one on this machine, without a user, not "http://idp.example/jwks"',
    ],
    [[...whose, '--jwks-file', 'x', '--no-auth'], '--jwt-issuer and --no-auth exclude each other'],
    [['--metrics-auth', '--no-auth'], '--metrics-auth and --no-auth exclude each other'],
    [
      ['--record', 'off', '--record-turns', '5'],
      '--record-turns goes with --record memory or disk, not with --record off',
    ],
  ])('that do not go together are refused: %j', (argv, message) => {
    expect(refusal(argv)).toBe(message);
  });
});
