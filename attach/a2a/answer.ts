import type { Artifact, Message, Part } from '@a2a-js/sdk';
import type { AgentEvent } from '../../client/node.ts';

/** How many parts that are no text are remembered, so that none is sent twice. */
const MAX_SEEN = 10_000;
/** Text that is kept of an artifact, to tell what of a replacement is new. UTF-16 units. */
const MAX_KEPT = 4 * 1024 * 1024;
const MAX_ARTIFACTS = 1_000;

/** What has come of one turn's answer, and so what of the next piece is new. */
export class Answer {
  /** Text that was sent, by artifact. */
  readonly #sent = new Map<string, string>();
  readonly #seen = new Set<string>();
  readonly #noticed = new Set<string>();
  #hasText = false;

  /** Whether the person has been told anything. */
  get isEmpty(): boolean {
    return !this.#hasText && this.#seen.size === 0;
  }

  /** A piece of an artifact; or, where it does not append, the whole of it as it is now. */
  *artifact({ artifactId, parts }: Artifact, append: boolean): Generator<AgentEvent> {
    const text = textOf(parts);
    const before = this.#sent.get(artifactId) ?? '';
    if (append) yield* this.#say(text, before === '' && this.#hasText);
    else if (text.startsWith(before)) yield* this.#say(text.slice(before.length), before === '' && this.#hasText);
    else yield* this.#say(text, true);
    if (this.#sent.has(artifactId) || this.#sent.size < MAX_ARTIFACTS)
      this.#sent.set(artifactId, (append ? before + text : text).slice(0, MAX_KEPT));
    yield* this.#contents(artifactId, parts, append);
  }

  /** A message that is the answer. */
  *message({ parts, messageId }: Message): Generator<AgentEvent> {
    yield* this.#say(textOf(parts), this.#hasText);
    yield* this.#contents(messageId, parts, true);
  }

  /** What it says while it works, once. */
  *notice(message: Message | undefined): Generator<AgentEvent> {
    const title = message ? textOf(message.parts) : '';
    const key = `${message?.messageId} ${title}`.slice(0, 1_000);
    if (title === '' || this.#noticed.has(key)) return;
    if (this.#noticed.size < MAX_SEEN) this.#noticed.add(key);
    yield { kind: 'notice', severity: 'info', title };
  }

  *#say(text: string, isApart: boolean): Generator<AgentEvent> {
    if (text === '') return;
    this.#hasText = true;
    yield { kind: 'token', delta: isApart ? `\n\n${text}` : text };
  }

  *#contents(of: string, parts: readonly Part[], append: boolean): Generator<AgentEvent> {
    for (const [at, part] of parts.entries()) {
      const content = contentOf(part);
      if (!content) continue;
      // A whole that comes again has the same parts in the same places.
      const key = append ? `${of} + ${this.#seen.size}` : `${of} ${at} ${JSON.stringify(content).slice(0, 200)}`;
      if (this.#seen.has(key) || this.#seen.size >= MAX_SEEN) continue;
      this.#seen.add(key);
      yield { kind: 'content', content };
    }
  }
}

/** The words in it. */
export const textOf = (parts: readonly Part[]): string =>
  parts.flatMap(({ content }) => (content?.$case === 'text' ? [content.value] : [])).join('');

/** What is no text, as an ACP ContentBlock, or as data. */
function contentOf({ content, mediaType, filename }: Part): object | undefined {
  const named = { ...(mediaType === '' ? {} : { mimeType: mediaType }) };
  switch (content?.$case) {
    case 'data':
      return { type: 'data', data: content.value };
    case 'url':
      return { type: 'resource_link', uri: content.value, name: filename || content.value, ...named };
    case 'raw': {
      const data = Buffer.from(content.value).toString('base64');
      const [kind] = mediaType.split('/');
      if (kind === 'image' || kind === 'audio') return { type: kind, data, mimeType: mediaType };
      return { type: 'resource', resource: { uri: `a2a:${filename}`, blob: data, ...named } };
    }
    default:
      return undefined;
  }
}
