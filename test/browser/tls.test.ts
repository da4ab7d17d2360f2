import { expect, test } from 'vitest';
import { startDaemon } from '../e2e/support/daemon.ts';
import { Authority } from '../support/certificates.ts';
import { chat, said, say } from './support/chatting.ts';
import { describeBrowser, openConsole } from './support/console.ts';

describeBrowser('the console of a daemon whose port speaks TLS', () => {
  test('is there by https, chats by wss, and complains of nothing', async () => {
    const { files } = new Authority().server();
    const daemon = await startDaemon({ flags: ['--demo', '--tls-cert', files.cert, '--tls-key', files.key] });
    // The browser knows no authority of a test's.
    const { page, url } = await openConsole({ daemon, place: 'chat', context: { ignoreHTTPSErrors: true } });
    expect(url).toMatch(/^https:/);
    await say(chat(page), 'hello there');
    await said(chat(page)).getByText('hello there').nth(1).waitFor();
  });
});
