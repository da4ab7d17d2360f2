import { render } from 'preact';
import { App } from './app.tsx';
import { startBrokerClock } from './broker-clock.ts';
import { startKeeping } from './chat/keeping.ts';
import { startFeed } from './host-feed.ts';
import { startSession } from './session.ts';
import { showTexts } from './shown-texts.ts';
import './styles/tokens.css';
import './styles/base.css';
import './styles/table.css';
import './styles/outside.css';
import './styles/shell.css';
import './styles/forced.css';

const root = document.getElementById('app');
if (root) {
  showTexts();
  startSession();
  startBrokerClock();
  startFeed();
  void startKeeping();
  render(<App />, root);
}
