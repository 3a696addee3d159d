/**
 * Servers from Debian packages under load, with what operators do around them, watched by the whole agent with all rules.
 * Fails when anything of medium severity or higher is found beside posture.
 * Usage: node test/benign/benign.ts [MINUTES]
 */
import { falsePositives, reportOf } from './report.ts';
import { runBenignSuite } from './suite.ts';

const minutes = Number(process.argv[2] ?? 10);
if (!(minutes > 0)) throw new Error(`MINUTES must be a positive number, not ${process.argv[2]}`);

const result = await runBenignSuite(minutes * 60);
console.log(reportOf(result, minutes * 60));
const alarms = falsePositives(result);
for (const { ruleId, container, summary } of alarms) console.error(`FAIL  ${ruleId} ${container?.name}: ${summary}`);
for (const problem of result.problems) console.error(`FAIL  ${problem}`);
for (const failure of new Set(result.operator.failures)) console.error(`note  ${failure}`);
process.exitCode = alarms.length + result.problems.length === 0 ? 0 : 1;
