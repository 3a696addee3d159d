import { z } from 'zod';

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'expected letters, digits, ".", "_", "-"');
const file = z.string().min(1).max(4096);
const text = z.string().min(1).max(2048);
/** Repositories with registry host; `*` stands for any run of characters, and the whole text has to match. */
const images = z.array(z.string().min(1).max(300)).min(1).max(256).optional();
const threshold = z.int().min(0).max(8).default(1);

const rootSchema = z.strictObject({
  name,
  /** TrustedRoot as JSON: https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_trustroot.proto */
  file,
  tlogThreshold: threshold,
  /** Certificates live for minutes: without a trusted time none can be judged, so never 0. */
  timestampThreshold: z.int().min(1).max(8).default(1),
  ctlogThreshold: threshold,
});

const identitySchema = z
  .strictObject({
    name,
    /** Name of the root whose certificates may carry it; any root when left out. */
    root: name.optional(),
    issuer: text,
    subject: text.optional(),
    /** RE2 that the whole subject has to match. */
    subjectPattern: text.optional(),
    sourceRepository: text.optional(),
    images,
  })
  .refine(({ subject, subjectPattern }) => (subject === undefined) !== (subjectPattern === undefined), {
    message: 'expected either subject or subjectPattern',
  });

const keySchema = z.strictObject({
  /** Shown as signer; the file's name when left out. */
  name: name.optional(),
  file,
  images,
  /** Name of the root in whose transparency log each signature of the key has to be. */
  log: name.optional(),
});

const notationSchema = z.strictObject({
  name,
  /** PEM files with the certificates of the trusted authorities. */
  caFiles: z.array(file).min(1).max(64),
  /** "x509.subject: C=US, O=Acme": every attribute has to be in the certificate's subject. "*" takes any. */
  identities: z.array(text).min(1).max(256),
  images,
});

/** Section `trust` of the policy: who may sign which images. */
export const trustSchema = z
  .strictObject({
    roots: z.array(rootSchema).max(16).default([]),
    identities: z.array(identitySchema).max(1000).default([]),
    keys: z.array(keySchema).max(1000).default([]),
    notation: z.array(notationSchema).max(64).default([]),
  })
  .superRefine((trust, context) => {
    const known = new Set(trust.roots.map((root) => root.name));
    const refuse = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    trust.roots.forEach((root, index) => {
      if (trust.roots.findIndex((other) => other.name === root.name) !== index)
        refuse(['roots', index, 'name'], `another root is called ${root.name}`);
    });
    trust.identities.forEach(({ root }, index) => {
      if (root !== undefined && !known.has(root)) refuse(['identities', index, 'root'], `no root is called ${root}`);
    });
    trust.keys.forEach(({ log }, index) => {
      if (log !== undefined && !known.has(log)) refuse(['keys', index, 'log'], `no root is called ${log}`);
    });
    if (trust.identities.length > 0 && trust.roots.length === 0)
      refuse(['identities'], 'identities are in certificates, and no root says whose certificates hold');
  });

export type TrustDocument = z.infer<typeof trustSchema>;
