// Makes docs/console.png anew: a turn's chart after an approval. `npm run build` first; it takes a chromium, which it
// looks for in CHROMIUM, else at /usr/bin/chromium.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';
import { connectHost } from '../dist/client/node.js';

const out = process.argv[2] ?? 'docs/console.png';
const colorScheme = process.argv[3] ?? 'light';
const home = await mkdtemp(join(tmpdir(), 'switchboard-'));
const daemon = spawn(process.execPath, ['dist/main.js', '--demo', '--inspect', '--port', '0'], {
  env: { ...process.env, SWITCHBOARD_HOME: home },
  stdio: ['ignore', 'pipe', 'pipe'],
});
try {
  const url = await addressOf(daemon);
  const hostToken = (await readFile(join(home, 'run', 'host-token'), 'utf8')).trim();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  try {
    const page = await browser.newPage({ colorScheme, viewport: { width: 1300, height: 860 } });
    await page.goto(`${url.replace(/^ws/, 'http')}/#token=${encodeURIComponent(hostToken)}`);
    await page.getByRole('status', { name: 'Connection' }).filter({ hasText: 'Connected' }).waitFor();
    await page.getByRole('link', { name: 'Charts' }).click();
    await page.getByLabel('show each new turn').check();
    await page.getByRole('treeitem').filter({ hasText: 'echo' }).first().waitFor();
    const host = await connectHost({ url, hostToken });
    for await (const event of host.chat('echo', '/approve the deployment of version 2')) {
      if (event.kind !== 'approval_pending') continue;
      await page.getByRole('button', { name: /^parked, active/ }).waitFor();
      await host.resolveApproval((await host.approvals())[0]?.id ?? event.approval_id, 'approve');
    }
    await page.getByRole('button', { name: /^done, where it ended/ }).waitFor();
    await page.locator('.chart-flashes path').first().waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Fit' }).click();
    await page.mouse.move(0, 0);
    await page.screenshot({ path: out });
    await host.close();
  } finally {
    await browser.close();
  }
} finally {
  daemon.kill();
  await once(daemon, 'exit');
  await rm(home, { recursive: true });
}

/** The address that a daemon announces. */
async function addressOf({ stdout }) {
  for await (const line of createInterface({ input: stdout })) {
    const [url] = /wss?:\/\/[^\s"]+/.exec(line) ?? [];
    if (url) return url;
  }
  throw new Error('the daemon has announced no address');
}
