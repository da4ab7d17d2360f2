import { VersionNotSupportedError } from '@a2a-js/sdk/errors';
import type { Exchange } from '../core/exchange.ts';

/**
 * Which A2A somebody speaks, by the header, else, as the specification has it for those who can send none, by the address.
 * Who says nothing speaks 0.3, which had no way to say it.
 */
const versionOf = (exchange: Exchange): string =>
  exchange.header('a2a-version') ?? (exchange.query.get('A2A-Version') || '0.3');

const LEGACY = /^0\.3(?:\.\d+)?$/;
const CURRENT = /^1\.0(?:\.\d+)?$/;

/** Whether what somebody asks for is written as of 0.3. */
export const isLegacy = (exchange: Exchange): boolean => LEGACY.test(versionOf(exchange));

/** @throws {VersionNotSupportedError} */
export function checkVersion(exchange: Exchange): void {
  if (isLegacy(exchange) || CURRENT.test(versionOf(exchange))) return;
  throw new VersionNotSupportedError('A2A 1.0 and 0.3 are spoken here');
}
