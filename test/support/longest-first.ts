import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that run for more than ten seconds, longest first. Started last, one of them would run while the other cores have
 * nothing to do any more. The order of the others matters little.
 */
const LONGEST = [
  'proof/garbage-frames',
  'soak/soak',
  'browser/playground',
  'proof/death',
  'broker/turns/laws-heap',
  'browser/charts',
  'browser/restart',
  'e2e/voice',
  'browser/resume',
  'proof/charts-turn',
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

/** Runs the longest files first, and whatever is alone, in a process of its own, before all that share theirs. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files);
    const rank = ({ moduleId, project }: TestSpecification) => {
      if (project.name === 'alone') return -1;
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return at === -1 ? LONGEST.length : at;
    };
    return others.sort((a, b) => rank(a) - rank(b));
  }
}
