import type { ComponentChildren } from 'preact';
import type { BrokerStatus } from '../../protocol/status.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { age, bytes, count, short } from '../format.ts';
import { link, linkWith } from '../route.ts';
import { usePoll } from '../use-poll.ts';
import { Agents } from './agents.tsx';
import { Connections } from './connections.tsx';
import { Counts } from './counts.tsx';
import { EventFaults } from './event-faults.tsx';
import { note, status } from './history.ts';
import { Plot } from './plot.tsx';
import { Turns } from './turns.tsx';
import './overview.css';

const POLL_MS = 1_000;
const CONNECTIONS = 50;

/** How the daemon is, each second. */
export function Overview() {
  usePoll(POLL_MS, async (host) => {
    note(await host.request('broker.status', { connections_limit: CONNECTIONS }));
  });
  const { value } = status;
  return (
    <div class="overview">
      <h1 class="hidden">Overview</h1>
      {value ? <Facts status={value} /> : <p class="empty">Asking the daemon …</p>}
      <div class="plots">
        <Plot title="Events/s" of={(one) => one.eventsPerSecond} show={short} least={10} />
        <Plot title="Tokens/s" of={(one) => one.tokensPerSecond} show={short} least={10} />
        <Plot title="Routing p99" of={(one) => one.routingMs} show={(ms) => `${short(ms)} ms`} least={1} />
        <Plot title="Waiting to be sent" of={(one) => one.queueBytes} show={bytes} least={1_024} />
        <Plot title="Event loop p99" of={(one) => one.loopDelayMs} show={(ms) => `${short(ms)} ms`} least={20} />
      </div>
      <Turns />
      <div class="columns">
        <Agents />
        <Connections />
      </div>
      {value ? <EventFaults rows={value.event_faults} /> : null}
      {value ? (
        <div class="columns three">
          <Counts
            id="endings"
            title="Turns ended"
            counts={value.endings}
            empty="No turn has ended yet."
            to={(ending) => linkWith(['runs'], { q: `state:${ending}` })}
          />
          <Counts id="events" title="Events sent" counts={value.events} empty="Nothing has been streamed yet." />
          <Counts
            id="drops"
            title="Frames dropped"
            counts={value.drops}
            empty="None: everything has reached somebody."
          />
        </div>
      ) : null}
      {value && Object.keys(value.limited).length > 0 ? (
        <Counts id="limited" title="Limits reached" counts={value.limited} empty="None of those that are set." />
      ) : null}
    </div>
  );
}

function Facts({ status: value }: { status: BrokerStatus }) {
  const live = Object.values(value.turns).reduce((sum, one) => sum + one, 0);
  return (
    <dl class="facts">
      <Fact name="Daemon">
        <span class="state" data-tone={value.state === 'accepting' ? 'good' : 'warn'}>
          {value.state}
        </span>
      </Fact>
      {value.cluster ? (
        <Fact name="Broker">
          <a href={link('brokers')}>
            {visibleLine(value.cluster.id)}, one of {count(value.cluster.brokers.length + 1)}
          </a>
        </Fact>
      ) : null}
      <Fact name="Up">{age(value.uptime_ms)}</Fact>
      <Fact name="Connections">
        <a href={link('connections')}>{count(value.connections.total)}</a>
      </Fact>
      <Fact name="Agents attached">
        <a href={link('agents')}>
          {count(value.agents.attached)} of {count(value.agents.known)}
        </a>
      </Fact>
      <Fact name="Live turns">
        <a href={linkWith(['runs'], { q: 'state:live' })}>{count(live)}</a>
      </Fact>
      <Fact name="Tool calls pending">{count(value.callbacks_pending)}</Fact>
      <Fact name="Approvals pending">
        {value.approvals_pending > 0 ? (
          <a href={link('approvals')}>{count(value.approvals_pending)}</a>
        ) : (
          count(value.approvals_pending)
        )}
      </Fact>
      <Fact name="Memory">{bytes(value.memory.rss)}</Fact>
      <Fact name="Version">{value.version}</Fact>
      <Fact name="Process">{value.pid}</Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
