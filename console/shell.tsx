import type { ComponentChildren } from 'preact';
import { useEffect, useErrorBoundary, useRef, useState } from 'preact/hooks';
import type { Tab } from './app.tsx';
import { pending } from './approval-rows.ts';
import { now } from './clock.ts';
import { age } from './format.ts';
import { findHindrance, type Hindrance } from './hindrance.ts';
import { Mark } from './mark.tsx';
import { More } from './reach/more.tsx';
import { PaletteButton } from './reach/palette-button.tsx';
import { link } from './route.ts';
import { retryNow, session, signOut } from './session.ts';

/** How long "Connected again" is said. Milliseconds. */
const AGAIN_MS = 6_000;

interface ShellProps {
  tabs: readonly Tab[];
  current: Tab;
  children: ComponentChildren;
}

/** What stands around every page: the tabs, and how the connection is. */
export function Shell({ tabs, current, children }: ShellProps) {
  const waiting = pending.value.length;
  useEffect(() => {
    document.title = `${waiting > 0 ? `(${waiting}) ` : ''}${current.title} · Switchboard`;
  }, [waiting, current]);
  const main = useRef<HTMLElement>(null);
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the page
      </button>
      <header class="bar">
        <span class="brand">
          <Mark /> Switchboard
        </span>
        <nav aria-label="Console">
          {tabs
            .filter(({ isMore }) => !isMore)
            .map((tab) => (
              <a key={tab.path} href={link(tab.path)} aria-current={tab === current ? 'page' : undefined}>
                {tab.title}
                {tab.path === 'approvals' && waiting > 0 ? <Waiting count={waiting} /> : null}
              </a>
            ))}
          <More tabs={tabs.filter(({ isMore }) => isMore)} current={current} />
        </nav>
        <PaletteButton tabs={tabs} />
        <Connection />
        <button type="button" class="quiet" onClick={signOut}>
          Sign out
        </button>
      </header>
      <Lost />
      <main ref={main} id="main" tabIndex={-1}>
        <Guard key={current.path}>{children}</Guard>
      </main>
    </>
  );
}

/** A fault of one page leaves the others alone. */
function Guard({ children }: { children: ComponentChildren }) {
  const [error, retry] = useErrorBoundary();
  if (!error) return <>{children}</>;
  return (
    <div role="alert">
      <p>This page has failed: {String(error)}. The others still work.</p>
      <button type="button" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

function Waiting({ count }: { count: number }) {
  return (
    <>
      {' '}
      <span class="waiting" aria-hidden="true">
        {count}
      </span>
      <span class="hidden">, {count} waiting</span>
    </>
  );
}

/** One or two words, which a screen reader says when they change. */
function Connection() {
  const { value } = session;
  const [isAgain, setAgain] = useState(false);
  const again = value.kind === 'connected' && value.again;
  useEffect(() => {
    setAgain(again);
    if (!again) return;
    const timer = setTimeout(() => setAgain(false), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [value]);
  const connected = isAgain ? 'Connected again' : 'Connected';
  const said = { 'signed-out': 'Signed out', connecting: 'Connecting …', connected, lost: 'Connection lost' };
  return (
    <p class="connection" role="status" aria-label="Connection" data-kind={value.kind}>
      {said[value.kind]}
    </p>
  );
}

/** While the connection is lost: since when, and when it is tried again. What the page shows is of before. */
function Lost() {
  const { value } = session;
  return value.kind === 'lost' ? <LostSince since={value.since} retryAt={value.retryAt} /> : null;
}

function LostSince({ since, retryAt }: { since: number; retryAt: number }) {
  const at = now.value;
  const left = retryAt - at;
  const hindrance = useHindrance(retryAt);
  return (
    <div class="lost">
      <p>
        No connection to the daemon for {age(at - since)}. What is shown is from before.{' '}
        {left > 0 ? `Trying again in ${age(left + 999)}.` : 'Trying again now.'}
      </p>
      <button type="button" onClick={retryNow}>
        Try now
      </button>
      {hindrance ? <p class="hindrance">{HINDRANCES[hindrance]()}</p> : null}
    </div>
  );
}

const HINDRANCES: Readonly<Record<Hindrance, () => ComponentChildren>> = {
  origin: () => (
    <>
      The daemon does not let pages of {location.origin} connect: start it with{' '}
      <code>--allow-origin {location.origin}</code>.
    </>
  ),
  upgrade: () => (
    <>
      The daemon answers, but no WebSocket gets through: a proxy has to pass <code>Upgrade</code> on (docs/proxies.md).
      Or it takes no more connections; its log says so.
    </>
  ),
};

/** Why there is no connection, as far as it can be found out; asked again before each try but the first. */
function useHindrance(retryAt: number): Hindrance | undefined {
  const [found, setFound] = useState<Hindrance>();
  const tries = useRef(0);
  useEffect(() => {
    tries.current += 1;
    if (tries.current === 1) return;
    let isOver = false;
    void findHindrance().then((now) => {
      if (!isOver) setFound(now);
    });
    return () => {
      isOver = true;
    };
  }, [retryAt]);
  return found;
}
