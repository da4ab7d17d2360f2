import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Packages } from './packages.ts';
import type { Scene } from './scene.ts';

/** An agent that people have, as `switchboard attach` is told of it. */
export interface AgentKind {
  name: string;
  packages: readonly string[];
  /** What comes after `--`. */
  command(packages: Packages): string[];
  /** Its variables, for a model at `url`. */
  env(url: string, packages: Packages): Record<string, string>;
  /** Further flags of `attach`. */
  flags?: readonly string[];
  /** Files that it wants to find in its home. */
  prepare?(scene: Scene): void;
  /** Whether it asks before it calls a host's tool. */
  asksForTools: boolean;
  /** Whether a session can be taken up again only when the minute is over in which it began. */
  resumesNextMinute?: boolean;
}

const node = process.execPath;

export const AGENTS: readonly AgentKind[] = [
  {
    name: 'gemini',
    packages: ['@google/gemini-cli@0.61.0'],
    command: ({ file }) => [node, file('@google/gemini-cli', 'bundle/gemini.js'), '--acp', '--skip-trust'],
    env: (url) => ({ GEMINI_API_KEY: 'x', GOOGLE_GEMINI_BASE_URL: url, GEMINI_CLI_NO_RELAUNCH: 'true' }),
    asksForTools: true,
    // What it loads it goes on with in a file whose name has the minute, which it empties first: within the same minute that
    // is the file that it would read.
    resumesNextMinute: true,
  },
  {
    name: 'claude',
    packages: ['@agentclientprotocol/claude-agent-acp@0.101.0'],
    command: ({ file }) => [node, file('@agentclientprotocol/claude-agent-acp', 'dist/index.js')],
    env: (url) => ({
      ANTHROPIC_API_KEY: 'x',
      ANTHROPIC_BASE_URL: url,
      ENABLE_TOOL_SEARCH: 'false',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    }),
    flags: ['--mode', 'default'],
    // Root may not bypass permissions, and it does not start where that is on offer.
    prepare: (scene) =>
      put(scene, '.claude/settings.json', '{"permissions": {"disableBypassPermissionsMode": "disable"}}'),
    asksForTools: true,
  },
  {
    name: 'codex',
    packages: ['@agentclientprotocol/codex-acp@2.6.0', '@openai/codex@0.171.0'],
    command: ({ file }) => [node, file('@agentclientprotocol/codex-acp', 'dist/index.js')],
    env: (_, { file }) => ({
      OPENAI_API_KEY: 'x',
      CODEX_PATH: file('@openai/codex', 'bin/codex.js'),
      INITIAL_AGENT_MODE: 'read-only',
    }),
    prepare: (scene) =>
      put(scene, '.codex/config.toml', codexConfig(`${scene.model.url}/v1`, 'OPENAI_API_KEY', 'gpt-5')),
    asksForTools: true,
  },
  {
    name: 'opencode',
    packages: ['opencode-ai@1.18.33'],
    command: ({ file }) => [file('opencode-ai', 'bin/opencode.exe'), 'acp'],
    env: (url) => opencodeEnv(`${url}/v1`, 'x', 'fake'),
    asksForTools: false,
  },
];

/** codex's settings for a model at a base URL. */
export function codexConfig(baseUrl: string, keyVariable: string, model: string): string {
  return `model = "${model}"
model_provider = "trial"
[model_providers.trial]
name = "trial"
base_url = "${baseUrl}"
env_key = "${keyVariable}"
wire_api = "responses"
`;
}

/** opencode's settings for a model at a base URL. */
export function opencodeEnv(baseURL: string, apiKey: string, model: string): Record<string, string> {
  const provider = { npm: '@ai-sdk/openai-compatible', options: { baseURL, apiKey }, models: { [model]: {} } };
  const config = {
    provider: { trial: provider },
    model: `trial/${model}`,
    small_model: `trial/${model}`,
    permission: { edit: 'ask', bash: 'ask' },
  };
  return {
    OPENCODE_CONFIG_CONTENT: JSON.stringify(config),
    OPENCODE_DISABLE_MODELS_FETCH: '1',
    OPENCODE_DISABLE_AUTOUPDATE: '1',
  };
}

/** Writes a file in the scene's home. */
export function put({ home }: Scene, path: string, text: string): void {
  mkdirSync(join(home, path, '..'), { recursive: true });
  writeFileSync(join(home, path), text);
}
