import type { ComponentChildren } from 'preact';
import type { ResultOf } from '../../protocol/methods.ts';
import { Asking, useAsked } from '../asked.tsx';
import { Ago, PageHead } from '../detail.tsx';
import { count } from '../format.ts';
import { Id } from '../id.tsx';
import { link } from '../route.ts';
import { ofSession } from '../sign-out.ts';
import { type Column, Free, Table } from '../table.tsx';

const POLL_MS = 2_000;
/** Rows of each table that are drawn. */
const MAX_ROWS = 200;

type Provider = ResultOf<'voice.providers.list'>[number];
type Transcription = ResultOf<'voice.sessions.list'>[number];
type Speech = ResultOf<'voice.tts_stream.list'>['streams'][number];

const voice = ofSession<
  { providers: readonly Provider[]; transcriptions: readonly Transcription[]; speech: readonly Speech[] } | undefined
>(undefined);

/** Who transcribes and speaks, and what they work on now. */
export function Voice() {
  const problem = useAsked(POLL_MS, async (host) => {
    const [providers, transcriptions, { streams }] = await Promise.all([
      host.request('voice.providers.list', {}),
      host.request('voice.sessions.list', {}),
      host.request('voice.tts_stream.list', {}),
    ]);
    voice.value = { providers, transcriptions, speech: streams };
  });
  const { value } = voice;
  return (
    <div class="voice">
      <PageHead>
        <h1>Voice</h1>
      </PageHead>
      <Asking words={problem} isThere={value !== undefined} />
      {value === undefined ? null : (
        <>
          <Part id="providers" title="Providers" count={value.providers.length}>
            <Table
              label="Providers"
              columns={PROVIDERS}
              rows={value.providers}
              most={MAX_ROWS}
              keyOf={({ id, kind }) => `${kind} ${id}`}
              empty={
                <>
                  None. An attached agent with the capability <code>voice.transcribe</code> or <code>voice.speak</code>{' '}
                  is one.
                </>
              }
            />
          </Part>
          <Part id="transcriptions" title="Transcriptions" count={value.transcriptions.length}>
            <Table
              label="Transcriptions"
              columns={TRANSCRIPTIONS}
              rows={value.transcriptions}
              most={MAX_ROWS}
              keyOf={({ session_id, client_id }) => `${client_id} ${session_id}`}
              empty="None runs."
            />
          </Part>
          <Part id="speech" title="Speech" count={value.speech.length}>
            <Table
              label="Speech"
              columns={SPEECH}
              rows={value.speech}
              most={MAX_ROWS}
              keyOf={({ stream_id, client_id }) => `${client_id} ${stream_id}`}
              empty="Nobody is spoken to."
            />
          </Part>
        </>
      )}
    </div>
  );
}

function Part(props: { id: string; title: string; count: number; children: ComponentChildren }) {
  return (
    <section class="detail-part" aria-labelledby={props.id}>
      <h2 id={props.id}>
        {props.title} <span class="soft">{count(props.count)}</span>
      </h2>
      {props.children}
    </section>
  );
}

/** What a provider does, in words. */
function doesWhat({ kind }: Provider): string {
  return kind === 'stt' ? 'transcribes' : 'speaks';
}

const PROVIDERS: readonly Column<Provider>[] = [
  {
    title: 'Provider',
    isHeading: true,
    by: ({ id }) => id,
    cell: ({ id }) => (
      <a href={link('agents', id)}>
        <Free text={id} isCode />
      </a>
    ),
  },
  { title: 'Kind', by: doesWhat, cell: doesWhat },
  { title: 'Streams', isNumber: true, by: ({ streams }) => streams, cell: ({ streams }) => count(streams) },
  {
    title: 'Description',
    by: ({ description }) => description,
    cell: ({ description }) => <Free text={description} />,
  },
];

/** What every stream has: by whom, for whom, where it stands. */
const STREAM: readonly Column<Transcription | Speech>[] = [
  { title: 'Provider', by: ({ provider }) => provider, cell: ({ provider }) => <Free text={provider} isCode /> },
  { title: 'Status', by: ({ status }) => status, cell: ({ status }) => status },
  {
    title: 'For',
    by: ({ client_id }) => client_id,
    cell: ({ client_id }) => (
      <a href={link('connections', client_id)}>
        <Id id={client_id} />
      </a>
    ),
  },
];

const TRANSCRIPTIONS: readonly Column<Transcription>[] = [
  {
    title: 'Session',
    isHeading: true,
    by: ({ session_id }) => session_id,
    cell: ({ session_id }) => <Id id={session_id} />,
  },
  ...STREAM,
  { title: 'Audio', cell: ({ sample_rate, channels }) => `${count(sample_rate)} Hz × ${channels}` },
  { title: 'Finals', isNumber: true, by: ({ segments }) => segments, cell: ({ segments }) => count(segments) },
  {
    title: 'Began',
    by: ({ created_at }) => created_at,
    cell: ({ created_at }) => <Ago at={created_at * 1_000} />,
  },
];

const SPEECH: readonly Column<Speech>[] = [
  {
    title: 'Stream',
    isHeading: true,
    by: ({ stream_id }) => stream_id,
    cell: ({ stream_id }) => <Id id={stream_id} />,
  },
  ...STREAM,
  { title: 'Audio', cell: ({ binary_frames }) => (binary_frames ? 'binary frames' : 'events') },
  { title: 'Began', by: ({ created_at }) => Date.parse(created_at), cell: ({ created_at }) => <Ago at={created_at} /> },
];
