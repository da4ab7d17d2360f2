import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { connectHost, exactJson } from '../../client/node.ts';
import { deferred } from '../client/real-broker.ts';
import { RealDaemon } from './real-daemon.ts';
import type { TestIo } from './test-io.ts';

const UNSEEN = /[\p{C}\p{Variation_Selector}]/u;

let daemon: RealDaemon;
let io: TestIo;
beforeEach(async () => {
  daemon = await RealDaemon.start({ approvals: { methods: ['tools.execute:clock'] } });
  io = daemon.io();
});

/** A chat that waits for an approval. */
async function parked() {
  const host = await daemon.real.host();
  const chat = host.chat('echo', '/approve paint\u001b[2J it red');
  return { chat, id: (await daemon.pending()).id };
}

describe('switchboard approvals', () => {
  it('when nothing waits › says so, and prints nothing', async () => {
    expect(await io.run('approvals')).toBe(0);
    expect(io.out).toBe('');
    expect(io.err).toBe('nothing waits for an approval\n');
  });

  it('lists what waits, with what cannot be seen written out, and with --all what has been decided', async () => {
    const { id } = await parked();
    const { id: other } = await daemon.manager.requestApproval({ action: 'launch', details: { where: 'here' } });
    await daemon.manager.resolveApproval(other, 'deny');
    expect(await io.run('approvals')).toBe(0);
    const [head, ...rows] = io.out.trimEnd().split('\n');
    expect(head?.split(/ {2,}/)).toEqual(['ID', 'STATUS', 'AGENT', 'AGE', 'ACTION', 'DETAILS']);
    expect(rows.map((row) => row.split(/ {2,}/))).toEqual([
      [id, 'pending', 'echo', expect.stringMatching(/^\ds$/), 'paint\\u001b[2J it red'],
    ]);
    const all = daemon.io();
    expect(await all.run('approvals', '--all')).toBe(0);
    expect(all.out).toMatch(new RegExp(`${other} +denied +- +\\ds +launch +{"where":"here"}\n`));
  });

  it('shows what a gated tool would be given', async () => {
    const chat = daemon.io();
    const running = chat.run('chat', 'echo', '/tool', 'clock', '{"time_zone": "UTC"}');
    const { id } = await daemon.pending();
    expect(await io.run('approvals')).toBe(0);
    expect(io.out).toContain('ws.method:tools.execute  clock({"time_zone":"UTC"})');
    expect(await daemon.io().run('deny', id)).toBe(0);
    expect(await running).toBe(0);
    expect(chat.out).toBe('I was not allowed to use clock: it was denied.\n');
  });

  it('shows a long integer digit for digit, with --json too', async () => {
    const { url, broker } = daemon.real;
    const host = await connectHost({ url, token: broker.tokens.daemon, env: {}, json: exactJson });
    onTestFinished(() => host.close());
    await host.requestApproval({ action: 'pay', details: { to: 12345678901234567890n } });
    expect(await io.run('approvals')).toBe(0);
    expect(io.out).toContain('{"to":12345678901234567890}');
    const script = daemon.io();
    expect(await script.run('approvals', '--json')).toBe(0);
    expect(script.out).toContain('"details":{"to":12345678901234567890}');
  });

  it('--json prints the rows as they are', async () => {
    const { id } = await parked();
    expect(await io.run('approvals', '--json')).toBe(0);
    expect(JSON.parse(io.out)).toMatchObject([{ id, status: 'pending', details: { source: 'chat' } }]);
  });
});

describe('switchboard approvals › of what a client asked for', () => {
  it('hides nothing, however it is dressed up', async () => {
    const details = { source: 'chat', method: 'DELETE', params_preview: '"nothing"', command: 'rm -rf /' };
    await daemon.manager.requestApproval({ action: 'ws.method:mail.send', details });
    expect(await io.run('approvals')).toBe(0);
    for (const part of ['DELETE', 'rm -rf /']) expect(io.out).toContain(part);
  });

  it('shows what is unseen, in what it would do, to what, and in the words that settle it', async () => {
    const details = { 'pa\u200bth': 'a\u009b\u007f\u2066b  c', '❤\ufe0f': 'x\u{e0041}\ny' };
    const action = 'delete \u202egpj.tac\u202c\nnow';
    const { id } = await daemon.manager.requestApproval({ action, details });
    expect(await io.run('approvals')).toBe(0);
    expect(io.out).toContain('delete \\u202egpj.tac\\u202c\\nnow');
    expect(io.out).toContain('{"pa\\u200bth":"a\\u009b\\u007f\\u2066b  c","❤\\ufe0f":"x\\udb40\\udc41\\ny"}');
    expect(io.out.replaceAll('\n', '')).not.toMatch(UNSEEN);
    const json = daemon.io();
    expect(await json.run('approvals', '--json')).toBe(0);
    expect(json.out.trimEnd()).not.toMatch(UNSEEN);
    expect(JSON.parse(json.out)).toMatchObject([{ action, details }]);
    const decided = daemon.io();
    expect(await decided.run('approve', id)).toBe(0);
    expect(decided.err).toBe('approved: delete \\u202egpj.tac\\u202c\\nnow\n');
  });
});

describe('switchboard approve and deny', () => {
  it.each([
    ['approve', 'approved', 'It was approved.'],
    ['deny', 'denied', 'It was denied.'],
  ])('%s settles a chat’s, in the management role', async (command, status, words) => {
    const { id, chat } = await parked();
    expect(await io.run(command, id)).toBe(0);
    expect(io.err).toBe(`${status}: paint\\u001b[2J it red of echo\n`);
    expect(io.out).toBe('');
    expect(await chat.text()).toContain(words);
  });

  it('--json prints the row', async () => {
    const { id } = await parked();
    expect(await io.run('approve', id, '--json')).toBe(0);
    expect(JSON.parse(io.out)).toMatchObject({ id, status: 'approved' });
  });

  it('when it is decided already › ends with 6 and says how', async () => {
    const { id } = await daemon.manager.requestApproval({ action: 'launch' });
    await daemon.manager.resolveApproval(id, 'deny');
    expect(await io.run('approve', id)).toBe(6);
    expect(io.err).toBe(`switchboard: approval ${id} is not pending any more: denied\n`);
  });

  it('when there is none of that id › ends with 6 and says where to look', async () => {
    expect(await io.run('approve', 'no\u001bne')).toBe(6);
    expect(io.err).toContain(
      'there is no pending approval no\\u001bne, or somebody is answering it; switchboard approvals',
    );
  });

  it('when the daemon token may not answer it › ends with 4 and says which one may', async () => {
    const { id } = await parked();
    expect(await io.run('approve', id, '--token', daemon.real.broker.tokens.daemon)).toBe(4);
    expect(io.err).toContain(`approval ${id} is somebody else's to answer; the host token may`);
    expect(await daemon.manager.approvals()).toMatchObject([{ id, status: 'pending' }]);
  });

  it('when the agent does not take the answer › ends with 1, and it still waits', async () => {
    const taken = deferred();
    const agent = await daemon.real.agent(async (turn) => {
      // By hand, so that the SDK does not know of it, and answers that nothing is waited for.
      turn.event({ kind: 'approval_pending', approval_id: 'a', action: 'odd' });
      await taken.promise;
    });
    const chat = (await daemon.real.host()).chat(agent.agentId, 'go');
    const { id } = await daemon.pending();
    expect(await io.run('approve', id)).toBe(1);
    expect(io.err).toBe('switchboard: the agent did not take the answer; odd of echo still waits for one\n');
    taken.resolve();
    await chat.text();
  });

  it('with a wrong host token › ends with 4', async () => {
    expect(await io.run('approve', 'x', '--host-token', 'bad')).toBe(4);
    expect(io.err).toContain('refused the host token');
  });
});
