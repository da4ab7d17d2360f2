import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that run for more than ten seconds, longest first. Started last, one of them would run while the other cores have
 * nothing to do any more. The order of the others matters little.
 */
const LONGEST = [
  'soak/soak',
  'proof/garbage-frames',
  'browser/playground',
  'proof/heap.alone',
  'proof/names.alone',
  'proof/charts-turn',
  'e2e/start-refused',
  'e2e/installed',
  'e2e/attach',
  'browser/charts',
  'browser/restart',
  'e2e/voice',
  'e2e/examples',
  'browser/resume',
  'browser/examples',
  'proof/restart',
  'e2e/restart',
  'proof/kills',
  'proof/death',
  'proof/network',
  'e2e/memory',
  'browser/surfaces-parts',
  'e2e/slow-reader',
  'e2e/cli-approvals',
  'proof/garbage-bytes',
  'e2e/abuse',
  'e2e/slow-flood',
  'e2e/resume-clients',
  'proof/histories',
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
