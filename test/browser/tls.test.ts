import { expect, test } from 'vitest';
import { startDaemon } from '../e2e/support/daemon.ts';
import { Authority } from '../support/certificates.ts';
import { describeBrowser, openConsole } from './support/console.ts';

describeBrowser('the console of a daemon whose port speaks TLS', () => {
  test('is there by https, chats by wss, and complains of nothing', async () => {
    const { files } = new Authority().server();
    const daemon = await startDaemon({ flags: ['--demo', '--tls-cert', files.cert, '--tls-key', files.key] });
    // The browser knows no authority of a test's.
    const { page, url } = await openConsole({ daemon, place: 'chat', context: { ignoreHTTPSErrors: true } });
    expect(url).toMatch(/^https:/);
    await page.getByRole('textbox', { name: /message|prompt/i }).fill('hello there');
    await page.keyboard.press('Enter');
    await page.getByText('hello there').nth(1).waitFor();
  });
});
