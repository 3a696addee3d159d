import type { Baselines } from '../baseline/baseline-store.ts';
import type { BaselineAnswers } from '../baseline/compiled-baseline.ts';
import type { BaselineExample } from './rule-example.ts';

/** The baseline that an example describes, the same for all containers: none where nothing is given. */
export function baselinesOfExample(example: BaselineExample | undefined): Baselines {
  const answers = example === undefined ? undefined : answersOf(example);
  return { of: () => answers };
}

function answersOf(example: BaselineExample): BaselineAnswers {
  const { state = 'ready', version = 'b5e1a7c02d94', frozen = false } = example;
  return {
    ...{ state, version, frozen, isReady: state === 'ready' },
    executable: () => example.executable ?? 'expected',
    arguments: () => example.arguments ?? 'expected',
    destination: () => example.destination ?? 'expected',
    listen: () => example.listen ?? 'expected',
    capability: () => example.capability ?? 'expected',
  };
}
