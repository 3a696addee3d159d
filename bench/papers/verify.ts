import { openBundle } from '../../collector/records/attestation/bundle.ts';
import { sha256Digest } from '../../collector/records/registry/digest.ts';
import type { Judging } from '../../collector/records/signature/judge.ts';
import { trustOf } from '../../collector/records/trust/trust.ts';
import { createBundle, generateSigningKey, type KeyKind, signStatement } from '../../test/support/sign.ts';
import { githubIssuer, startSigstore, workflow } from '../../test/support/sigstore.ts';
import { printTable } from '../lib/table.ts';

const measuredMs = 2_000;

/** Verifications of a signature bundle a second on one core, from its bytes to the verdict. */
export async function benchVerify(): Promise<void> {
  const image = Buffer.from('{"schemaVersion":2,"layers":[]}');
  const digest = sha256Digest(image);
  const sigstore = await startSigstore('acme');
  const identity = {
    name: 'release',
    root: undefined,
    issuer: githubIssuer,
    isSubject: (subject: string) => subject === workflow,
    subjectText: workflow,
    sourceRepository: undefined,
    images: undefined,
  };
  const repository = 'registry.acme.io/app';
  const rows: string[][] = [];
  const measure = (what: string, bytes: Buffer, judging: Judging): void => {
    const verify = (): void => {
      const [evidence] = openBundle(bytes, image, judging, { attachedTo: digest, source: 'bench' }, undefined);
      if (evidence?.kind !== 'signature' || evidence.record.outcome !== 'verified')
        throw new Error(`${what} was not verified`);
    };
    for (let warming = 0; warming < 50; warming++) verify();
    let count = 0;
    const started = performance.now();
    while (performance.now() - started < measuredMs) {
      verify();
      count++;
    }
    const spentMs = performance.now() - started;
    rows.push([what, ((count / spentMs) * 1000).toFixed(0), (spentMs / count).toFixed(2)]);
  };
  for (const log of ['rekor1', 'rekor2', 'none'] as const) {
    const bundle = await sigstore.mint({ content: { statement: signStatement(digest) }, log });
    const trust = trustOf({
      roots: [sigstore.root({ tlogThreshold: log === 'none' ? 0 : 1 })],
      identities: [identity],
    });
    const what = {
      rekor1: 'Rekor v1: promise and proof',
      rekor2: 'Rekor v2: proof and time stamp',
      none: 'time stamp only',
    }[log];
    measure(`keyless, ${what}`, Buffer.from(JSON.stringify(bundle)), { trust, repository });
  }
  for (const kind of ['p256', 'p384', 'rsa', 'ed25519'] satisfies KeyKind[]) {
    const key = generateSigningKey(kind);
    const trust = trustOf({ keys: [{ name: 'ops', fingerprint: key.fingerprint, key: key.publicKey }] });
    measure(`keyed, ${kind}`, createBundle(key, signStatement(digest)), { trust, repository });
  }
  printTable(['signature', 'a second', 'ms each'], rows);
}
