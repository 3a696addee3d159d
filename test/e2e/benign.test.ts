import { expect, it } from 'vitest';
import { falsePositives, reportOf } from '../benign/report.ts';
import { runBenignSuite } from '../benign/suite.ts';

/** Long enough for cron; `make benign` takes ten minutes. */
const seconds = 65;

it('ordinary servers under load wake nobody', async () => {
  const result = await runBenignSuite(seconds);
  console.log(reportOf(result, seconds));
  expect(result.problems).toEqual([]);
  expect(falsePositives(result).map(({ ruleId, summary }) => `${ruleId}: ${summary}`)).toEqual([]);
});
