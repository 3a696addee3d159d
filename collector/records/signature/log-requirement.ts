import type { TrustRoot } from '../trust/trust-root.ts';
import { invalid, type SignedBytes, untrusted, type Verdict } from './judge.ts';
import { type Verification, verifyLogEntries } from './sigstore.ts';

/** Whether the log that a key's signatures have to be in has this one. A missing entry is no fraud: untrusted. */
export function verifyLogged(item: SignedBytes, root: TrustRoot): Verification {
  const { bundle } = item.material;
  if (bundle === undefined || bundle.verificationMaterial.tlogEntries.length === 0) {
    const problem = item.material.problem;
    const failure: Verdict =
      problem === undefined
        ? untrusted(`the key’s signatures have to be in the log of ${root.name}, found no entry`, 'log', undefined)
        : invalid(problem, 'log');
    return { failure };
  }
  return verifyLogEntries(item, root);
}
