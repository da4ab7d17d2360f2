import { checkCluster } from './cluster-flags.ts';
import type { Settings } from './config.ts';
import { ConfigError } from './errors.ts';
import { checkA2a, checkFronts } from './front-flags.ts';
import { checkJournal } from './journal-flags.ts';
import { checkRecord } from './record-flags.ts';
import type { Source } from './sources.ts';
import { checkTelemetry } from './telemetry-flags.ts';
import { checkWorkers } from './workers/flags.ts';

/**
 * Checks which settings go together.
 *
 * @throws ConfigError naming both.
 */
export function checkTogether(settings: Settings, given: Source): void {
  const label = (name: keyof Settings) => given.get(name)?.label ?? `--${name}`;
  for (const name of ['audit-key-file', 'audit-required'] as const) {
    if (settings[name] && settings.audit === undefined) throw new ConfigError(`${label(name)} goes with --audit FILE`);
  }
  checkTls(settings, label);
  checkWorkers(settings, given);
  checkCluster(settings, given);
  checkJwt(settings, label);
  checkJournal(settings.durable, given);
  checkRecord(settings.record, given);
  checkTelemetry(settings.otlp, given);
  checkFronts(settings.front, given.get('front'));
  checkA2a(settings, given.get('a2a-root'));
}

type Label = (name: keyof Settings) => string;

/** Which of the settings for JWTs go together. */
function checkJwt(settings: Settings, label: Label): void {
  for (const name of ['jwt-audience', 'jwks-url', 'jwks-file', 'jwt-tenant-claim'] as const) {
    if (settings[name] !== undefined && settings['jwt-issuer'] === undefined)
      throw new ConfigError(`${label(name)} goes with --jwt-issuer, and that is not there`);
  }
  for (const name of ['jwt-issuer', 'metrics-auth'] as const) {
    if (settings[name] && settings['no-auth'])
      throw new ConfigError(`${label(name)} and ${label('no-auth')} exclude each other`);
  }
  if (settings['jwt-issuer'] === undefined) return;
  if (settings['jwt-audience'] === undefined)
    throw new ConfigError(`${label('jwt-issuer')} goes with --jwt-audience, and that is not there`);
  if ((settings['jwks-url'] === undefined) === (settings['jwks-file'] === undefined))
    throw new ConfigError(`${label('jwt-issuer')} goes with --jwks-url or --jwks-file, one of them`);
}

/** Which of the settings for TLS go together. */
function checkTls(settings: Settings, label: Label): void {
  const needs = (name: keyof Settings, other: keyof Settings, what = `--${other}`) => {
    if (settings[name] !== undefined && settings[other] === undefined)
      throw new ConfigError(`${label(name)} goes with ${what}, and that is not there`);
  };
  needs('tls-cert', 'tls-key');
  needs('tls-key', 'tls-cert');
  needs('tls-ca', 'tls-cert');
  const asks = settings['tls-client-auth'] !== 'none';
  if (asks && settings['tls-ca'] === undefined)
    throw new ConfigError(`${label('tls-client-auth')} goes with --tls-ca, and that is not there`);
  for (const name of ['tls-ca', 'tls-agent-san'] as const) {
    if (settings[name] !== undefined && !asks)
      throw new ConfigError(`${label(name)} goes with --tls-client-auth request or require, and that is not there`);
  }
}
