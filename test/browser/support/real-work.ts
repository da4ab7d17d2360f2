import { openChat } from '../../e2e/support/chat.ts';
import type { Daemon } from '../../e2e/support/daemon.ts';
import { components, create, text } from '../../support/surfaces.ts';

/** Turned around, of no width, markup, long without a space: what other programs may write. */
export const HOSTILE = 'delete \u202egpj.tac\u202c n\u200bow <img src=x onerror=alert(1)> & "so on"';
const LONG = 'a-very-long-name-without-a-space-in-it-'.repeat(6);
const ARABIC = 'مرحبا بالعالم، هذا نص من اليمين إلى اليسار ❤\ufe0f';
const MARKDOWN = `# What I found\n\nThe **answer** with \`code\`, [a link](https://example.com) and a list:\n\n- one\n- two\n\n\`\`\`ts\nconst answer = 42;\n\`\`\`\n\n${ARABIC}\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n`;

/**
 * Work as a daemon has it in the middle of a day, so that each page of its console has something to show: turns that are done,
 * failed, cancelled, that stream, wait for a person or have a tool under way; approvals, agents, keys, a surface, facts.
 */
export async function doRealWork(daemon: Daemon): Promise<void> {
  const [host, manager] = [await daemon.host(), await daemon.manager()];
  await host.ok('tools.register', [
    { name: 'clock', description: 'What time it is' },
    { name: 'grep', description: LONG },
  ]);
  const coder = await daemon.agent('coder');
  const far = await daemon.agent('far.reader');
  await manager.ok('agents.upsert', {
    id: 'not-here',
    name: HOSTILE,
    capabilities: ['chat', 'code review', 'right-to-left', LONG.slice(0, 120)],
  });
  for (let n = 1; n <= 8; n += 1) await manager.ok('agents.upsert', { id: `spare-${n}` });
  await coder.ok('host.register_agent', { id: 'coder', name: ARABIC, kind: 'acp' });
  await coder.ok('host.set_status', { agent_id: 'coder', status: 'errored', current_task: `${HOSTILE} ${LONG}` });
  const turn = (prompt: string) => openChat(host, coder, { agent_id: 'coder', prompt });
  const done = await turn('What is in this folder?');
  done.emit({ kind: 'thinking', note: 'I look into it.' });
  done.emit({ kind: 'tool_call', tool: 'grep', params: { pattern: 'TODO', path: 'src/' } });
  done.emit({ kind: 'tool_result', tool: 'grep', ok: true, excerpt: '3 matches' });
  for (const delta of MARKDOWN.match(/[\s\S]{1,40}/g) ?? []) done.emit({ kind: 'token', delta });
  done.emit({ kind: 'done', finish_reason: 'stop' });
  const failed = await turn(`${HOSTILE}\n${ARABIC}`);
  failed.emit({ kind: 'tool_call', tool: 'grep', params: { pattern: HOSTILE } });
  failed.emit({ kind: 'tool_result', tool: 'grep', ok: false, excerpt: `no match ${HOSTILE}` });
  failed.emit({ kind: 'error', code: 'upstream', error: `line one\nline two ${HOSTILE}` });
  const nowhere = await turn('');
  nowhere.emit({ kind: 'token', delta: 'too late ' });
  await host.ok('agents.chat.cancel', { session_id: nowhere.sessionId });
  nowhere.emit({ kind: 'done', finish_reason: 'cancelled' });
  const streaming = await turn(ARABIC);
  streaming.emit({ kind: 'token', delta: `${ARABIC} ` });
  streaming.emit({ kind: 'token', delta: 7 });
  const parked = await openChat(host, far, { agent_id: 'far.reader', prompt: LONG });
  parked.emit({
    kind: 'approval_pending',
    approval_id: 'a1',
    tool: 'shell',
    params: { command: `rm -rf ./${LONG} # ${HOSTILE}` },
  });
  const calling = await turn('What time is it?');
  coder.post('tools.execute', { session_id: calling.sessionId, tool: 'clock', parameters: { zone: 'Europe/Zürich' } });
  coder.emit('nowhere', { kind: 'token', delta: 'x' });
  for (const action of ['Deploy to production', HOSTILE, LONG, ARABIC])
    await host.ok('host.request_approval', {
      action,
      details: {
        [LONG.slice(0, 60)]: LONG,
        command: 'npm run deploy -- --now',
        diff: '--- a\n+++ b\n@@ -1 +1 @@\n-old\n+new',
      },
      options: ['approve', 'deny', HOSTILE.slice(0, 60)],
    });
  const approvals = (await manager.ok('host.approvals', {})).approvals as { id: string; action: string }[];
  const first = approvals.find(({ action }) => action === ARABIC);
  if (first) await manager.ok('host.resolve_approval', { approval_id: first.id, resolution: 'approve' });
  for (const name of ['ci', 'phone', LONG.slice(0, 64)])
    await manager.ok('keys.add', { name, scopes: ['chat'], agents: ['coder'], limits: { turns: 2 } });
  await coder.ok('a2ui.apply', { envelope: create('booking') });
  await coder.ok('a2ui.apply', {
    envelope: components(
      'booking',
      { id: 'root', component: 'Column', children: ['title', 'more'] },
      text('title', `A room for tonight ${HOSTILE}`),
      text('more', ARABIC),
    ),
  });
  await coder.ok('memory.add_fact', { subject: HOSTILE, body: ARABIC });
  // What was sent without an answer has been taken.
  await coder.settled();
  await host.settled();
}
