import { isObject, type JsonObject } from '../../protocol/json.ts';
import { writeJson } from '../../protocol/write-json.ts';

/** Words that a key of a secret has among its own: `refreshToken`, `X-Auth-Token-a`, `client_secret_value`. */
const SECRET_WORDS: ReadonlySet<string> = new Set(
  (
    'token tokens secret secrets password passwords passwd passphrase pwd authorization cookie cookies bearer ' +
    'credential credentials jwt apikey accesskey privatekey secretkey routeauth'
  ).split(' '),
);
/** And what two words in a row may say. */
const SECRET_PAIR = /\b(api|access|private|secret|auth|functions|signing|encryption) keys?\b|\broute auth\b/;
/** Of a longer key only so much is looked at. */
const MAX_KEY = 256;
/**
 * What looks like a secret wherever it stands in a text; and what is at least in a text that has one. Looking behind each
 * place takes tens of times as long as looking ahead: that is done where there is a sign.
 */
export const SECRET_TEXT: readonly { secret: RegExp; sign: RegExp }[] = [
  { secret: /\b(Bearer|Basic)\s+[\w.~+/=-]{6,}/gi, sign: /(?:Bearer|Basic)\s/i },
  { secret: /\beyJ[\w-]+\.[\w-]+(\.[\w-]*)?/g, sign: /eyJ/ },
  {
    secret: /\b(sk|pk|rk|sbk|sbt|ghp|gho|ghu|ghs|ghr|github_pat|glpat|xox[a-z])[-_][\w-]{8,}/g,
    sign: /(?:[srp]k|bk|sbt|gh[opusr]|pat|xox[a-z])[-_]/,
  },
  { secret: /\bAKIA[A-Z0-9]{12,}/g, sign: /AKIA/ },
  { secret: /(?<=:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/g, sign: /:\/\// },
  {
    secret: /(?<=[?&;][\w-]*(?:token|secret|password|key|signature|sig|code)=)[^&#\s]+/gi,
    sign: /(?:token|secret|password|key|signature|sig|code)=/i,
  },
  {
    secret:
      /(?<=\b[\w-]*(?:token|secret|passw\w{0,8}|api[-_]?key|access[-_]?key|authorization)["']?\s?[=:]\s?["']?)[^\s"',;&]{4,}/gi,
    sign: /(?:token|secret|passw\w{0,8}|api[-_]?key|access[-_]?key|authorization)["']?\s?[=:]/i,
  },
];
/** What stands where a secret was. */
export const MASK = '[redacted]';
const MAX_STRING = 200;
/** How many values of one request are looked at; a preview has no room for more. */
const MAX_VALUES = 300;
const MAX_BYTES = 2048;

/**
 * What a person is shown of a request before approving it: JSON text of 2 KiB at most (`wire.md` section 5). What
 * looks like a token or a password is masked, long strings are cut.
 */
export function preview(params: unknown): string {
  const text = writeJson(mask(params, { left: MAX_VALUES })) ?? 'null';
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_BYTES) return text;
  // The cut may split a character; what is left of it decodes to replacement characters, which go too.
  return `${bytes
    .subarray(0, MAX_BYTES - 3)
    .toString()
    .replace(/\uFFFD+$/, '')}…`;
}

/** Whether what stands under this key is not to be shown. */
export function isSecretKey(key: string): boolean {
  const known = judged.get(key);
  if (known !== undefined) return known;
  const isSecret = judge(key);
  if (key.length > MAX_JUDGED_KEY) return isSecret;
  if (judged.size >= MAX_JUDGED) judged.clear();
  judged.set(key, isSecret);
  return isSecret;
}

/** The same keys come again and again: what was found of short ones is remembered. */
const judged = new Map<string, boolean>();
const MAX_JUDGED = 4_096;
const MAX_JUDGED_KEY = 64;

function judge(key: string): boolean {
  const words = key
    .slice(0, MAX_KEY)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return words.some((word) => SECRET_WORDS.has(word)) || SECRET_PAIR.test(words.join(' '));
}

/** Whether this field of an object is not to be shown. Of `{name, value}`, a header or a variable, the key is in a value. */
export function isSecretField(of: JsonObject, key: string): boolean {
  const value = of[key];
  // `max_tokens` is a number, and of tokens of another kind.
  if (typeof value === 'number' && /tokens/i.test(key)) return false;
  if (isSecretKey(key)) return true;
  if (key !== 'value') return false;
  return (
    of.type === 'header' || [of.name, of.key, of.header].some((name) => typeof name === 'string' && isSecretKey(name))
  );
}

/** Whether of a pair, `['Authorization', '…']`, the second is not to be shown. */
export function isSecretPair(list: readonly unknown[]): boolean {
  const [name] = list;
  return list.length === 2 && typeof name === 'string' && name.length <= MAX_KEY && isSecretKey(name);
}

/** A text as it may be shown: what looks like a secret is masked, the rest cut after `most` characters, 200 by default. */
export function maskText(value: string, most = MAX_STRING): string {
  // Cut before it is searched: a preview has no room for more, and a search takes as long as its text.
  const head = value.length > most ? value.slice(0, most * 2) : value;
  let masked = head;
  for (const { secret, sign } of SECRET_TEXT) if (sign.test(masked)) masked = masked.replace(secret, MASK);
  return masked.length > most ? `${masked.slice(0, most)}…` : masked;
}

function mask(value: unknown, budget: { left: number }): unknown {
  budget.left -= 1;
  if (budget.left < 0) return '…';
  if (typeof value === 'string') return maskText(value);
  if (Array.isArray(value)) {
    if (isSecretPair(value)) return [value[0], MASK];
    return value.slice(0, Math.max(0, budget.left)).map((item) => mask(item, budget));
  }
  if (!isObject(value)) return value;
  const masked: [string, unknown][] = [];
  for (const key in value) {
    if (budget.left <= 0) break;
    const shown = key.length > MAX_STRING ? `${key.slice(0, MAX_STRING)}…` : key;
    masked.push([shown, isSecretField(value, key) ? MASK : mask(value[key], budget)]);
  }
  // Own properties whatever their name: `__proto__` is an ordinary key here.
  return Object.fromEntries(masked);
}
