import { describe, expect, it, test } from 'vitest';
import { MemberCount } from '../../attach/a2a/member-count.ts';
import { StartError } from '../../attach/join.ts';
import { readEntry, SettingError } from '../../attach/kinds.ts';
import type { ChatEvent } from '../../client/node.ts';
import { deferred, rejection } from '../client/real-broker.ts';
import { type RemoteOptions, startRemote } from '../support/a2a-remote.ts';
import { startServer } from '../support/a2a-server.ts';
import { label, stage } from './a2a-stage.ts';
import { read } from './unstamped.ts';

describe('a stream that is lost', () => {
  it('is taken up again', async () => {
    const seen = deferred();
    let posts = 0;
    const { far, chat } = await stage({
      before: ({ method }) => {
        if (method === 'POST' && ++posts === 2) seen.resolve();
        return false;
      },
      play: async (says) => {
        says.task();
        says.artifact('a', 'one');
        await seen.promise;
        says.artifact('a', ' two', true);
        says.status('completed');
      },
    });
    const running = chat('go');
    let text = '';
    for await (const event of running) {
      if (event.kind !== 'token') continue;
      text += event.delta;
      if (text !== 'one') continue;
      far.cut();
    }
    expect(text).toBe('one two');
    expect(far.heard.length).toBeGreaterThan(2);
  });

  it('when its agent is gone › ends in an error that may be tried again', async () => {
    let isGone = false;
    const { far, chat } = await stage({
      before: (_heard, response) => {
        if (isGone) response.destroy();
        return isGone;
      },
      play: async (says) => {
        says.task();
        says.artifact('a', 'one');
        await says.cancelled;
      },
    });
    const running = chat('go');
    const { events } = await (async () => {
      const events: ChatEvent[] = [];
      for await (const event of running) {
        events.push(event);
        if (event.kind !== 'token') continue;
        isGone = true;
        far.cut();
      }
      return { events };
    })();
    expect(events.at(-1)).toMatchObject({ kind: 'error', code: 'remote_unreachable', retryable: true });
  });
});

describe('what is refused', () => {
  const play = () => {};
  const start = async (remote: Partial<RemoteOptions>, settings: object = {}, env: Record<string, string> = {}) =>
    (await rejection(stage({ play, ...remote }, settings, env))) as Error;

  it('is a card that names no endpoint of its own origin', async () => {
    const card = () => ({
      supportedInterfaces: [
        { url: 'http://169.254.169.254/x', protocolBinding: 'JSONRPC', tenant: '', protocolVersion: '1.0' },
      ],
    });
    const error = await start({ card });
    expect(error).toBeInstanceOf(StartError);
    expect(error.message).toContain('no endpoint of it is of the card');
    expect(error.message).toContain('169.254.169.254');
  });

  it('is a redirect, of the card and of a message, and the credentials do not go along', async () => {
    const other = await startRemote({ play });
    const redirect =
      (url: string): RemoteOptions['before'] =>
      ({ url: asked }, response) => {
        if (!asked.startsWith(url)) return false;
        response.writeHead(307, { location: `${other.url}agent` }).end();
        return true;
      };
    const settings = { 'bearer-env': 'TOKEN' };
    const env = { TOKEN: 's3cret' };
    expect((await start({ before: redirect('/.well-known') }, settings, env)).message).toContain('redirect');
    const { ask, far } = await stage({ play, before: redirect('/agent') }, settings, env);
    const { events } = await ask('go');
    expect(events).toEqual([
      { kind: 'error', error: expect.stringContaining('redirect'), code: 'remote_failed', retryable: false },
    ]);
    expect(far.heard[0]?.headers.authorization).toBe('Bearer s3cret');
    expect(other.heard).toEqual([]);
  });

  test.each<[what: string, status: number, becomes: object]>([
    [
      'credentials',
      401,
      { kind: 'auth_required', reason: 'agent', message: 'the remote agent refused the credentials (401)' },
    ],
    ['a server that is busy', 503, { kind: 'error', code: 'remote_unreachable', retryable: true }],
    ['a server that knows of nothing', 404, { kind: 'error', code: 'remote_failed', retryable: false }],
  ])('is %s › and ends the turn so', async (_what, status, becomes) => {
    const before: RemoteOptions['before'] = ({ url }, response) => {
      if (!url.startsWith('/agent')) return false;
      response.writeHead(status).end();
      return true;
    };
    const { ask } = await stage({ play, before }, { 'header-env': 'X-Key=KEY' }, { KEY: 's3cret' });
    expect((await ask('go')).events).toMatchObject([becomes]);
  });

  test.each<[what: string, settings: object, says: string]>([
    [
      'another machine',
      { a2a: 'https://example.org/card.json' },
      'example.org is not this machine; --allow-untrusted-endpoint',
    ],
    ['a variable that is not set', { 'bearer-env': 'TOKEN' }, 'the variable TOKEN'],
  ])('is %s › when it starts', async (_what, settings, says) => {
    const error = await start({}, settings);
    expect(error).toBeInstanceOf(StartError);
    expect(error.message).toContain(says);
  });

  it('is a server that nobody runs, and a card that is none', async () => {
    const gone = await startServer(() => {});
    await gone.close();
    expect((await start({}, { a2a: gone.url })).message).toContain('cannot be reached (ECONNREFUSED)');
    const before: RemoteOptions['before'] = (_heard, response) => {
      response.setHeader('content-type', 'application/json').end('{"name":');
      return true;
    };
    expect((await start({ before })).message).toContain('its card cannot be used');
  });

  it('is a message that the agent has no use for, without asking for ever', async () => {
    const { chat } = await stage({
      play: (says, { text }) => {
        if (text !== 'go') return says.status('working');
        says.task();
        says.status('input-required', 'sure?');
      },
    });
    const running = chat('go');
    const { events } = await read(running, (event) => running.approve(event.approval_id, true));
    expect(events.at(-1)).toMatchObject({ kind: 'error', code: 'remote_failed' });
  });

  it('is a card without an end', async () => {
    const before: RemoteOptions['before'] = (_heard, response) => {
      response.setHeader('content-type', 'application/json');
      const more = () => response.write(' '.repeat(1024 * 1024), (error) => error || more());
      more();
      return true;
    };
    expect((await start({ before })).message).toContain('more than');
  });

  it.each(['null', '[]', '5'])('is a card that is %s', async (text) => {
    const before: RemoteOptions['before'] = (_heard, response) => {
      response.setHeader('content-type', 'application/json').end(text);
      return true;
    };
    expect((await start({ before })).message).toContain('its card cannot be used: it is no agent card');
  });

  it('is a card of more parts than anybody would read', async () => {
    const before: RemoteOptions['before'] = (_heard, response) => {
      response.setHeader('content-type', 'application/json').end(`{"name":[${'0,'.repeat(200_000)}0]}`);
      return true;
    };
    expect((await start({ before })).message).toContain('more than 100000 members and elements in one answer');
  });

  test.each([
    [{ a2a: 'far.example' }, '--a2a takes the URL of an agent card'],
    [{ a2a: 'http://u:p@127.0.0.1/' }, '--a2a takes the URL of an agent card'],
    [{ 'bearer-env': 'eyJhbGciOi.x' }, '--bearer-env takes the name of an environment variable'],
    [{ 'header-env': 'X-Key: s3cret' }, "--header-env takes 'Name=VAR'"],
    [{ model: 'x' }, '--model is no setting of such an agent'],
  ])('are settings like %j', (settings, says) => {
    const read = () => readEntry({ id: 'r', a2a: 'http://127.0.0.1:1/', ...settings }, label);
    expect(read).toThrow(SettingError);
    expect(read).toThrow(says);
    expect(read).not.toThrow(/s3cret|eyJ|u:p/);
  });
});

describe('members and elements that arrive', () => {
  const most = (isStream: boolean, text: string, size: number) => {
    const count = new MemberCount(isStream);
    const bytes = Buffer.from(text);
    let found = 0;
    for (let at = 0; at < bytes.length; at += size) found = Math.max(found, count.add(bytes.subarray(at, at + size)));
    return found;
  };

  it('are counted of one event at a time, and not in its texts, however they arrive', () => {
    const event = 'data: {"a":[1,2],\ndata: "b":"x,\\",,,[é"}';
    const text = `${event}\n\n${event}\r\n\r\n: ,,,,,,\n\n${event}`;
    for (const size of [1, 2, 7, 1_000]) {
      expect(most(true, text, size)).toBe(6);
      expect(most(false, '{"a":[1,\n\n2]}', size)).toBe(3);
    }
  });
});
