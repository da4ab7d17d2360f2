import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page, PageRequest } from './page.ts';
import { chooseEncoding, PageFiles } from './page-files.ts';
import { hashOf } from './refused-page.ts';

/** What a {@link ConsolePages} serves. */
export interface ConsoleOptions {
  /** Where the built console lies. Default: `dist/console` of this package. */
  directory?: string | undefined;
  /** Whether live statecharts are on; without them there is nothing for Stately's inspector to show. */
  inspect: boolean;
  /** Where Stately's inspector is: `http(s)`. Default {@link DEFAULT_INSPECTOR_URL}. */
  inspectorUrl?: string | undefined;
}

/** Where Stately's hosted inspector is. */
export const DEFAULT_INSPECTOR_URL = 'https://stately.ai/inspect';

/** What Vite puts beside a page: one name, with a hash of the content in it, so that it never changes. */
const ASSET = /^\/assets\/([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.([a-z0-9]+))$/;
const TYPES: ReadonlyMap<string | undefined, string> = new Map([
  ['js', 'text/javascript; charset=utf-8'],
  ['css', 'text/css; charset=utf-8'],
  ['svg', 'image/svg+xml'],
  ['png', 'image/png'],
  ['woff2', 'font/woff2'],
  ['json', 'application/json'],
  ['wasm', 'application/wasm'],
]);
const HTML = 'text/html; charset=utf-8';
/** A host that can stand in a header of ours: a name or an address, and a port. */
const PLAIN_HOST = /^([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d+)?$/i;

/** The console, its files, and the page around Stately's inspector (`wire.md` section 1). */
export class ConsolePages {
  readonly #options: Required<{ [K in keyof ConsoleOptions]: NonNullable<ConsoleOptions[K]> }>;
  readonly #files = new PageFiles();

  /** @throws {TypeError} where the inspector's address is none. */
  constructor({ inspect, directory = builtConsole(), inspectorUrl = DEFAULT_INSPECTOR_URL }: ConsoleOptions) {
    if (!/^https?:$/.test(new URL(inspectorUrl).protocol)) {
      throw new TypeError(`inspectorUrl takes an http(s) URL, not ${inspectorUrl}`);
    }
    this.#options = { inspect, directory, inspectorUrl };
  }

  /** The console itself. */
  index(request: PageRequest): Promise<Page> {
    return this.#html('index.html', request, contentPolicy(request.host));
  }

  /** The page around Stately's inspector. */
  async stately(request: PageRequest): Promise<Page> {
    const { inspect, inspectorUrl } = this.#options;
    // What it shows goes to a page of somebody else's: only where the person sits before the daemon's own machine.
    if (!request.isLocal) return { status: 403, body: 'the Stately inspector is for the daemon’s own machine alone\n' };
    if (!inspect) {
      return { status: 404, body: 'live statecharts are off; start the daemon with --inspect to see them here\n' };
    }
    const meta = `<meta name="inspector-url" content="${escapeAttribute(inspectorUrl)}">`;
    const policy = contentPolicy(request.host, `frame-src ${new URL(inspectorUrl).origin}`);
    return this.#html('inspect/stately.html', request, policy, (html) =>
      html.replace('</head>', () => `${meta}</head>`),
    );
  }

  /** A page by its name: never kept by the browser, for the names of its files change with each build. */
  async #html(name: string, { path }: PageRequest, policy: string, edit = (html: string) => html): Promise<Page> {
    const body = await this.#files.read(join(this.#options.directory, name), 'identity');
    if (body === undefined) {
      return { status: 501, body: `${path} is not built; \`npm run build\` makes it, in dist/console\n` };
    }
    const html = edit(body.toString());
    return { status: 200, type: HTML, body: html, headers: pageHeaders(withScriptsOf(html, policy)) };
  }

  /** A file of theirs, by its path; undefined where there is none. */
  async asset({ path, acceptEncoding }: PageRequest): Promise<Page | undefined> {
    const [, name, extension] = ASSET.exec(path) ?? [];
    const type = TYPES.get(extension);
    if (name === undefined || type === undefined) return undefined;
    const encoding = chooseEncoding(acceptEncoding);
    const body = await this.#files.read(join(this.#options.directory, 'assets', name), encoding);
    if (body === undefined) return undefined;
    return {
      status: 200,
      type,
      body,
      headers: {
        'cache-control': 'public, max-age=31536000, immutable',
        vary: 'accept-encoding',
        'cross-origin-resource-policy': 'same-origin',
        ...(encoding === 'identity' ? {} : { 'content-encoding': encoding }),
      },
    };
  }
}

/** Scripts, styles and pictures from the daemon alone, and its own WebSocket. */
function contentPolicy(host: string | undefined, ...more: string[]): string {
  // `'self'` means the WebSocket too, but not to every browser.
  const sockets = host !== undefined && PLAIN_HOST.test(host) ? ` ws://${host} wss://${host}` : '';
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "worker-src 'self'",
    `connect-src 'self'${sockets}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    ...more,
  ].join('; ');
}

/** What stands in the page itself, and says what is wrong when none of its files comes. No other script may be inline. */
const INLINE = /<script>([\s\S]*?)<\/script>/g;

function withScriptsOf(html: string, policy: string): string {
  const hashes = [...html.matchAll(INLINE)].map(([, text = '']) => hashOf(text));
  return hashes.length === 0 ? policy : policy.replace("script-src 'self'", `script-src 'self' ${hashes.join(' ')}`);
}

function pageHeaders(policy: string): Record<string, string> {
  return {
    'content-security-policy': policy,
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
    'referrer-policy': 'no-referrer',
    'x-frame-options': 'DENY',
  };
}

function escapeAttribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}

/** Asked for by the package's name, because the sources and the built files lie at different depths. */
function builtConsole(): string {
  return join(createRequire(import.meta.url).resolve('switchboard/package.json'), '../dist/console');
}
