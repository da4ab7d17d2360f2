import { join } from 'node:path';
import type { Command } from 'commander';
import type { ClientTlsOptions } from '../client/node.ts';
import { CliError, EXIT_HELP, Exit } from './exit.ts';
import { type Io, tell } from './io.ts';
import { hasDesktop, openSecretLink } from './open-browser.ts';
import { Output } from './output.ts';
import { readTlsFlags } from './tls-flags.ts';
import { isCertificateFault } from './unreachable.ts';
import { type ConnectionFlags, connectionFlags, withHost } from './with-host.ts';

interface ConsoleFlags extends ConnectionFlags {
  open: boolean;
}

/** `switchboard console`: the way into the web page. */
export function addConsole(program: Command, io: Io): void {
  connectionFlags(program.command('console'), true)
    .description('print a link that signs in to the console, the web page of the daemon, and open it')
    .option('--no-open', 'print it, and leave the browser alone')
    .addHelpText('after', EXIT_HELP)
    .action((flags: ConsoleFlags) => show(io, flags));
}

async function show(io: Io, { open, ...flags }: ConsoleFlags): Promise<void> {
  const { findHome, findToken, findUrl } = await import('../client/node.ts');
  const found = { ...flags, env: io.env };
  const url = flags.url ?? findUrl(found, 'tcp');
  const page = pageOf(url);
  const token = flags.hostToken ?? findToken('host', { ...found, url }) ?? '';
  // A link that does not sign in would be found out about only in the browser.
  await withHost(io, { ...flags, management: true }, async () => {});
  const isKnown = await checkPage(page, readTlsFlags(flags));
  if (!isKnown)
    tell(io, `this does not know who has signed the certificate of ${page}; the browser has to (--ca FILE)`);
  const link = `${page}#token=${encodeURIComponent(token)}`;
  await new Output(io.stdout).write(`${link}\n`);
  const isOpened = open && hasDesktop(io.env) && (await openSecretLink(link, join(findHome(found), 'run'), io.env));
  tell(io, isOpened ? 'opening it in the browser; whoever has the link can manage the daemon' : BY_HAND);
}

const BY_HAND = 'open it in a browser on this machine; whoever has it can manage the daemon';

/** The page beside a WebSocket. @throws {CliError} where there is none, or that is no URL. */
function pageOf(url: string): string {
  if (url.startsWith('ws+unix:')) {
    throw new CliError(
      Exit.Usage,
      `no browser reaches ${url}, which is a socket; name the daemon's TCP address with --url ws://…`,
    );
  }
  if (!/^wss?:\/\//i.test(url) || !URL.canParse(url)) throw new CliError(Exit.Usage, `--url takes ws://…, not ${url}`);
  const page = new URL('.', url);
  page.protocol = page.protocol === 'wss:' ? 'https:' : 'http:';
  page.search = '';
  page.hash = '';
  return page.href;
}

/** How long the page may take. Milliseconds. */
const PAGE_TIMEOUT_MS = 10_000;

/**
 * @returns whether its certificate is one that is believed here. What a browser believes is its own business.
 * @throws {CliError} where the daemon serves no console.
 */
async function checkPage(page: string, tls: ClientTlsOptions | undefined): Promise<boolean> {
  const { statusOf } = await import('./page-status.ts');
  const status = await statusOf(page, tls, PAGE_TIMEOUT_MS).catch((error: NodeJS.ErrnoException) => {
    if (isCertificateFault(error.code)) return undefined;
    throw new CliError(Exit.NoDaemon, `nothing answers at ${page}`);
  });
  if (status === undefined) return false;
  if (status >= 200 && status < 400) return true;
  const why = WHY[status] ?? 'it has none';
  throw new CliError(Exit.Failed, `the daemon serves no console at ${page} (HTTP ${status}): ${why}`);
}

const WHY: Readonly<Record<number, string>> = {
  403: 'it refuses who asks; its log says why',
  501: 'its console is not built; run `npm run build` in its directory',
};
