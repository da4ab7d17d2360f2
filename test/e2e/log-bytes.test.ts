import { expect, it } from 'vitest';
import { openChat } from './support/chat.ts';
import { startDaemon } from './support/daemon.ts';

it('a daemon with little room for the logs of turns › says to whoever comes back that not all is there', async () => {
  for (const [flags, isAllThere] of [
    [['--max-all-log-bytes', '4000'], false],
    [[], true],
  ] as const) {
    const daemon = await startDaemon({ flags: [...flags] });
    const [host, agent] = [await daemon.host(), await daemon.agent('long')];
    const chat = await openChat(host, agent, { agent_id: 'long', resume_window_ms: 60_000 });
    for (let i = 0; i < 100; i += 1)
      agent.emit(chat.sessionId, { turn_id: chat.turnId, kind: 'token', delta: `${i} `.repeat(20) });
    await agent.settled();
    const back = await host.ok('agents.chat.subscribe', { session_id: chat.sessionId, after: 0 });
    expect(back.recovered).toBe(isAllThere);
  }
});
