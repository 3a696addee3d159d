import { invalid, type Verdict } from '../signature/judge.ts';
import { isScanReport } from '../vulnerability/formats/report.ts';
import { parseObject } from '../vulnerability/json.ts';
import { isVex } from '../vulnerability/vex/parse.ts';
import type { Evidence, Origin } from './evidence.ts';

/**
 * What an unsigned document that hangs on the image as `subject` says is, by its content: a scan report, VEX, or nothing
 * known. One that cannot be read may have been either.
 */
export function openReport(bytes: Uint8Array, digest: string, subject: string | undefined, origin: Origin): Evidence[] {
  const reject = (reason: string): Evidence[] => [
    { kind: 'rejected', paper: 'vulnerabilities', verdict: invalid(reason), origin },
  ];
  if (subject !== origin.attachedTo)
    return reject(`it is about another image: expected ${origin.attachedTo}, found ${subject ?? 'no subject'}`);
  const verdict: Verdict = { outcome: 'untrusted', reason: 'the document carries no signature', signer: undefined };
  try {
    const json = parseObject(bytes, 'the document');
    if (isScanReport(json)) return [{ kind: 'report', bytes, digest, verdict, origin }];
    return isVex(json) ? [{ kind: 'vex', bytes, digest, verdict, origin }] : [];
  } catch (error) {
    return reject(error instanceof Error ? error.message : String(error));
  }
}
