import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that run for more than fifteen seconds beside two others on two cores, longest first. Started last, one of them would run
 * while the other core has nothing to do any more. The order of the others matters little.
 */
const LONGEST = [
  'nats/directory-faults',
  'proof/heap.alone',
  'proof/restart',
  'browser/playground',
  'proof/network',
  'e2e/workers',
  'browser/clear',
  'e2e/journal',
  'e2e/nats-daemons',
  'proof/garbage-frames',
  'proof/charts-turn',
  'browser/keys',
  'e2e/voice',
  'e2e/daemon',
  'e2e/attach',
  'nats/carrier',
  'proof/death',
  'attach/acp-door',
  'e2e/cli',
  'daemon/run',
  'browser/approvals',
  'browser/resume',
  'e2e/endings-processes',
  'transport/away',
  'browser/sign-in',
  'e2e/tls',
  'e2e/cli-approvals',
  'proof/garbage-bytes',
  'proof/kills',
  'e2e/tools-endings',
  'browser/charts',
  'fronts/openai/responses',
  'e2e/restart',
  'attach/a2a',
  'e2e/slow-reader',
  'e2e/memory',
  'e2e/abuse',
];

/** A worker goes on with the next file where that is of the same project: another one needs a new process. */
const PROJECTS = ['alone', 'built', 'rooms', 'measured'];

/** Of each project the longest files first. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files);
    const rank = ({ moduleId, project }: TestSpecification) => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return PROJECTS.indexOf(project.name) * 1_000 + (at === -1 ? LONGEST.length : at);
    };
    return others.sort((a, b) => rank(a) - rank(b));
  }
}
