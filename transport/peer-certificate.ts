import type { PeerCertificate, TLSSocket } from 'node:tls';
import type { ClientCertificate } from '../protocol/client-certificate.ts';
import { agentId } from '../protocol/ids.ts';

/**
 * What a client's certificate says; undefined where it has none, or none that the listener's authorities vouch for.
 * @param agentSan what the URIs begin with that bind an agent; undefined: none does.
 */
export function certificateOf(socket: TLSSocket, agentSan: string | undefined): ClientCertificate | undefined {
  if (!socket.authorized) return undefined;
  // Without a subject it has none here, whatever its type says.
  const { subject, subjectaltname } = socket.getPeerCertificate() as Partial<PeerCertificate>;
  const all = urisOf(subjectaltname ?? '');
  const binds = (uri: string) => agentSan !== undefined && uri.startsWith(agentSan);
  return {
    // Of several Node makes an array.
    commonName: typeof subject?.CN === 'string' ? subject.CN : undefined,
    uris: all.filter((uri) => !binds(uri)),
    agentIds: all
      .filter(binds)
      .map((uri) => uri.slice(agentSan?.length))
      .filter((id) => agentId.safeParse(id).success),
  };
}

/** One alternative name as Node writes it: a value that could be taken for more than one is a JSON string. */
const NAME = /([A-Za-z0-9 ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;

/** The URIs of a list of alternative names. One that cannot be read to its end has none: who wrote it may have meant to cheat. */
export function urisOf(names: string): string[] {
  const uris: string[] = [];
  let at = 0;
  while (at < names.length) {
    NAME.lastIndex = at;
    const [whole = '', kind, value = ''] = NAME.exec(names) ?? [];
    if (whole === '') return [];
    at += whole.length;
    if (kind !== 'URI') continue;
    const text = value.startsWith('"') ? parsed(value) : value;
    if (text === undefined) return [];
    uris.push(text);
  }
  return uris;
}

function parsed(json: string): string | undefined {
  try {
    return String(JSON.parse(json));
  } catch {
    return undefined;
  }
}
