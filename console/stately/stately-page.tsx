import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { ErrorCode, type Host, RpcError } from '../../client/browser.ts';
import { count } from '../format.ts';
import { session } from '../session.ts';
import { SignIn } from '../sign-in.tsx';
import { bridgeTo } from './frame-bridge.ts';
import { Inspection } from './inspection.ts';

/** So long a hosted inspector may take to load before the page says that it does not. Milliseconds. */
const LOAD_MS = 10_000;

/** All live actors are told to an inspector that says it is new no more often than this. Milliseconds. */
const RETELL_MS = 1_000;

/** How it stands between the broker, this page and the inspector in its frame. */
type Standing = { kind: 'loading' | 'silent' | 'ready' | 'watching' } | { kind: 'failed'; problem: string };

/** Stately's inspector in a frame, with the broker's actors in it. */
export function StatelyPage({ url }: { url: string }) {
  const { value } = session;
  const hosts = useRef({ host: undefined as Host | undefined, count: 0 });
  if (value.kind === 'signed-out' || (value.kind === 'connecting' && value.typed)) return <SignIn />;
  if (value.kind !== 'connected') {
    return (
      <Bar url={url}>
        {value.kind === 'lost' ? 'The connection to the daemon is lost; it is being tried again.' : ''}
      </Bar>
    );
  }
  if (hosts.current.host !== value.host) hosts.current = { host: value.host, count: hosts.current.count + 1 };
  // A daemon that was started anew counts its actors anew: the inspector must not take them for the old ones.
  return <Inspector key={hosts.current.count} url={url} host={value.host} />;
}

function Inspector({ url, host }: { url: string; host: Host }) {
  const frame = useRef<HTMLIFrameElement>(null);
  const standing = useSignal<Standing>({ kind: 'loading' });
  const sent = useSignal(0);
  // Before the frame can have loaded: it may be quick to say that it is there.
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    return watchFrame(element, url, host, {
      standing: (next) => {
        standing.value = next;
      },
      sent: (count) => {
        sent.value += count;
      },
    });
  }, [url, host, standing, sent]);
  return (
    <>
      <Bar url={url} sent={sent.value}>
        {words(standing.value, url)}
      </Bar>
      {/* Sandboxed: it may run and keep its own things, and cannot lead this tab elsewhere. */}
      <iframe
        ref={frame}
        title="Stately inspector"
        sandbox="allow-scripts allow-same-origin allow-forms allow-popups"
        referrerpolicy="no-referrer"
        src={url}
      />
    </>
  );
}

/** Hands the feed to the inspector in a frame from the moment it listens. @returns what stops it. */
function watchFrame(
  frame: HTMLIFrameElement,
  url: string,
  host: Host,
  tell: { standing(next: Standing): void; sent(count: number): void },
): () => void {
  let inspection: Inspection | undefined;
  const timer = setTimeout(() => tell.standing({ kind: 'silent' }), LOAD_MS);
  const send = (events: ReturnType<Inspection['actors']>) => {
    bridge.send(events);
    tell.sent(events.length);
  };
  // What stands in the frame is not ours: however often it asks, all actors go to it once in a while.
  let told = Number.NEGATIVE_INFINITY;
  let again: ReturnType<typeof setTimeout> | undefined;
  const tellAll = () => {
    if (again !== undefined) return;
    again = setTimeout(
      () => {
        again = undefined;
        told = performance.now();
        if (inspection) send(inspection.actors());
      },
      Math.max(0, told + RETELL_MS - performance.now()),
    );
  };
  const bridge = bridgeTo(frame, url, () => {
    clearTimeout(timer);
    // It was loaded again, and knows nothing any more.
    if (inspection) return tellAll();
    tell.standing({ kind: 'ready' });
    // Only now: the broker's actors are watched while somebody looks.
    const watching = new Inspection(host, {
      started: () => {
        tell.standing({ kind: 'watching' });
        send(watching.actors());
      },
      events: send,
      failed: (error) => tell.standing({ kind: 'failed', problem: problemOf(error) }),
    });
    inspection = watching;
  });
  return () => {
    clearTimeout(timer);
    clearTimeout(again);
    bridge.close();
    inspection?.stop();
  };
}

function problemOf(error: unknown): string {
  if (error instanceof RpcError && error.code === ErrorCode.MethodNotFound) {
    return 'Live statecharts are off. Start the daemon with --inspect.';
  }
  return error instanceof Error ? error.message : String(error);
}

function words(standing: Standing, url: string): string {
  const { host } = new URL(url);
  switch (standing.kind) {
    case 'loading':
      return `Loading the inspector from ${host}.`;
    case 'silent':
      return `The inspector has not answered. It is loaded from ${host}, which needs the internet; the console’s own charts need none.`;
    case 'ready':
      return 'The inspector is loaded; asking the broker for its actors.';
    case 'watching':
      return 'The inspector is connected.';
    case 'failed':
      return standing.problem;
  }
}

function Bar({ url, sent, children }: { url: string; sent?: number; children: string }) {
  return (
    <header class="stately-bar">
      <h1>Stately inspector</h1>
      <p class="stately-about">
        Shows the broker’s live actors in the inspector of <code>{new URL(url).host}</code>: that page is handed what
        they know and hear, prompts and answers too. Secrets are masked.
      </p>
      <p class="stately-standing" role="status" aria-label="Inspector">
        {children}
      </p>
      {sent ? <span class="soft stately-count">{count(sent)} events handed over</span> : null}
      <a href="../#/charts">The console’s own charts</a>
    </header>
  );
}
