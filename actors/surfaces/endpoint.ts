import { type Issue, WireError } from '../../protocol/errors.ts';

/** 127.0.0.0/8 as a URL has it: whatever way it was written, its parser has made four decimal numbers of it. */
const LOOPBACK_V4 = /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;

/**
 * An A2A endpoint as it is kept. Off loopback it has to be allowed; of names only `localhost` counts as loopback, for
 * any other may mean another machine the next time.
 * @throws {WireError} `-32602`
 */
export function checkEndpoint(text: string, isUntrustedAllowed: boolean): string {
  const refuse = (message: string, path = 'endpoint'): never => {
    const issues: Issue[] = [{ path, message }];
    throw WireError.invalidParams(issues);
  };
  if (!URL.canParse(text)) return refuse('is no URL');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return refuse('is neither http: nor https:');
  if (url.username !== '' || url.password !== '') return refuse('has credentials in it: they belong into routeAuth');
  if (url.hash !== '') return refuse('has a fragment');
  if (!isUntrustedAllowed && !isLoopback(url.hostname)) {
    return refuse('has to be true for an endpoint off loopback', 'allowUntrustedEndpoint');
  }
  return url.href;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || LOOPBACK_V4.test(hostname);
}

/** An endpoint as anybody may see it: a query may have a key in it. */
export function publicEndpoint(endpoint: string): string {
  const { origin, pathname } = new URL(endpoint);
  return `${origin}${pathname}`;
}
