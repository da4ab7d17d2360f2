/** A token of JSON, with the white space before it. */
const TOKEN =
  /\s*(?:(?<mark>[{}[\],:])|(?<text>"(?:[^"\\\n\r\t]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(?<value>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))/y;

type Wanted = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end' | 'nothing';

/**
 * In which line a text stops being JSON, for a person who has written it; the last one where only its end is missing. What the
 * parser itself says is not the same in any two versions, and quotes what may be secret.
 */
export function lineOfFault(text: string): number {
  const open: string[] = [];
  let wanted: Wanted = 'value';
  let at = 0;
  for (;;) {
    TOKEN.lastIndex = at;
    const { mark = '', text: string, value } = TOKEN.exec(text)?.groups ?? {};
    const isNone = mark === '' && string === undefined && value === undefined;
    const next: Wanted | undefined = isNone
      ? undefined
      : after(wanted, mark || (string === undefined ? 'value' : 'text'), open);
    if (next === undefined) break;
    wanted = next;
    at = TOKEN.lastIndex;
  }
  // The fault is what comes next, if anything does.
  const fault = at + (/^\s*(?=\S)/.exec(text.slice(at))?.[0].length ?? 0);
  return text.slice(0, fault).split('\n').length;
}

/** What has to follow a token; undefined where it may not stand there itself. */
function after(wanted: Wanted, token: string, open: string[]): Wanted | undefined {
  const isEnd = token === open.at(-1);
  if (isEnd && (wanted === ', or end' || wanted === `key or ${token}` || wanted === `value or ${token}`)) {
    open.pop();
    return open.length > 0 ? ', or end' : 'nothing';
  }
  switch (wanted) {
    case 'key':
    case 'key or }':
      return token === 'text' ? ':' : undefined;
    case ':':
      return token === ':' ? 'value' : undefined;
    case ', or end':
      if (token !== ',') return undefined;
      return open.at(-1) === '}' ? 'key' : 'value';
    case 'value':
    case 'value or ]':
      return begun(token, open);
    default:
      return undefined;
  }
}

function begun(token: string, open: string[]): Wanted | undefined {
  if (token === '{' || token === '[') {
    open.push(token === '{' ? '}' : ']');
    return token === '{' ? 'key or }' : 'value or ]';
  }
  if (token !== 'text' && token !== 'value') return undefined;
  return open.length > 0 ? ', or end' : 'nothing';
}
