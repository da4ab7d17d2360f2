import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { visibleLine } from '../protocol/visible.ts';
import type { Refusal } from './checks.ts';
import type { Page } from './page.ts';

/** Of what a stranger calls itself only so much is shown. */
const MAX_SHOWN = 256;
/** A name that may be copied into a command as it stands. */
const PLAIN_NAME = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])$/i;

/**
 * Takes a token out of the address, which nobody else does: the console is not here. And names the origin as the browser
 * does, which `Host` does not tell.
 */
const SCRIPT = `if (/#token=/.test(location.hash)) history.replaceState(null, '', location.pathname + location.search);
for (const place of document.querySelectorAll('[data-origin]')) place.textContent = location.origin;`;
const STYLE = `:root { color-scheme: light dark; }
body { max-width: 44rem; margin: 12vh auto 0; padding: 0 16px; font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.3rem; }
pre { padding: 8px 12px; border: 1px solid; border-radius: 5px; white-space: pre-wrap; }`;

/** How a policy names a script or style that stands in a page. */
export const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    `script-src ${hashOf(SCRIPT)}`,
    `style-src ${hashOf(STYLE)}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
};

/** Whether a person reads the answer: their browser asks for a page. */
export function isForPerson({ method, headers }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'HEAD') && /\btext\/html\b/i.test(headers.accept ?? '');
}

/**
 * What a person is told who was refused before anything else (`wire.md` section 1): a page that needs nothing but itself,
 * for its files would be refused as it was.
 */
export function refusedForPerson(refusal: Refusal): Page {
  const { status, message } = refusal;
  const body = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(message)} · Switchboard</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(message)}</h1>
${adviceFor(refusal)}
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
  return { status, type: 'text/html; charset=utf-8', body, headers: HEADERS };
}

function adviceFor({ reason, value = '' }: Refusal): string {
  if (reason === 'host') return adviceOnHost(value);
  if (reason === 'origin')
    return `<p>The Switchboard daemon takes nothing from pages of <code>${shown(value)}</code>. If they are yours, start it with</p>
<pre>switchboard serve --allow-origin ${PLAIN_ORIGIN.test(value) ? escapeHtml(value) : 'ORIGIN'}</pre>`;
  if (reason === 'site')
    return '<p>A page of another site has asked for this. Open the address itself, or follow a link to it.</p>';
  return '<p>The Switchboard daemon has refused this request. Its log may say more.</p>';
}

const PLAIN_ORIGIN = /^https?:\/\/[\w.:[\]-]+$/;

function adviceOnHost(host: string): string {
  const name = host.replace(/:\d*$/, '');
  const isPlain = PLAIN_NAME.test(name);
  return `<p>The Switchboard daemon was asked for <code>${shown(host)}</code>, which is none of its names. It answers to
<code>localhost</code>, <code>127.0.0.1</code> and <code>[::1]</code>, so that no web page can reach it by a name of its own.</p>
<p>If your proxy is at this address, start the daemon with</p>
<pre>switchboard serve --allow-host ${isPlain ? escapeHtml(name) : 'HOST'} --allow-origin <span data-origin>${isPlain ? `https://${escapeHtml(host)}` : 'ORIGIN'}</span></pre>
<p>or let the proxy send the daemon’s own address as <code>Host</code>: then <code>--allow-origin</code> is enough. The page
<code>docs/proxies.md</code> says what else a proxy has to do. Then open the link with the token again: a restarted daemon has a new one.</p>`;
}

const shown = (text: string) => escapeHtml(visibleLine(text.slice(0, MAX_SHOWN))) || 'no host';

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
