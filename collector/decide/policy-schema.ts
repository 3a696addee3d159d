import { z } from 'zod';
import { imagesSchema } from '../records/expectation/schema.ts';
import { trustSchema } from '../records/trust/trust-schema.ts';

const points = z.int().min(-100).max(100);
const severityWord = z.enum(['info', 'low', 'medium', 'high', 'critical']);
const outcomePoints = z.strictObject({
  verified: points,
  untrusted: points,
  invalid: points,
  absent: points,
  unknown: points,
});
const threshold = z.int().min(1).max(100);

const severitySchema = z.strictObject({
  base: z.strictObject({
    info: z.int().min(0).max(100),
    low: z.int().min(0).max(100),
    medium: z.int().min(0).max(100),
    high: z.int().min(0).max(100),
    critical: z.int().min(0).max(100),
  }),
  thresholds: z.strictObject({ low: threshold, medium: threshold, high: threshold, critical: threshold }),
  maxStepsDown: z.int().min(0).max(4),
});

const pointsSchema = z.strictObject({
  signature: outcomePoints,
  sbom: outcomePoints,
  provenance: outcomePoints,
  process: z.strictObject({
    owned: points,
    unowned: points,
    noOwnershipData: points,
    notInImage: points,
    notInVerifiedImage: points,
  }),
  vulnerability: z.strictObject({ knownExploited: points, likelyExploited: points, critical: points }),
  posture: z.strictObject({ privileged: points, elevated: points, unknown: points }),
  image: z.strictObject({ registryNotAllowed: points, notPinned: points, baseNotApproved: points }),
  data: z.strictObject({ attributionPartial: points, incomplete: points }),
});

/** Letters a pattern may have; `*` stands for any run of characters, and the whole text has to match. */
const pattern = z.string().min(1).max(300);

const ruleSchema = z
  .strictObject({
    rule: pattern,
    match: z
      .strictObject({
        namespace: pattern.optional(),
        image: pattern.optional(),
        sbom: z
          .array(z.enum(['verified', 'untrusted', 'invalid', 'absent', 'unknown']))
          .min(1)
          .optional(),
      })
      .optional(),
    severity: severityWord.optional(),
    atLeast: severityWord.optional(),
    action: z.enum(['alert', 'record', 'ignore']).optional(),
    reason: z.string().trim().min(1).max(500),
  })
  .superRefine((rule, context) => {
    if (rule.severity !== undefined && rule.atLeast !== undefined)
      context.addIssue({ code: 'custom', path: ['atLeast'], message: 'severity and atLeast exclude each other' });
    if (rule.severity === undefined && rule.atLeast === undefined && rule.action === undefined)
      context.addIssue({ code: 'custom', message: 'expected severity, atLeast or action' });
  });

/** A policy that is complete: the shipped one, and every file after it has been laid over the shipped one. */
export const policySchema = z
  .strictObject({
    version: z.literal(1),
    name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'expected lower-case letters, digits, ".", "_", "-"'),
    severity: severitySchema,
    points: pointsSchema,
    images: imagesSchema,
    rules: z.array(ruleSchema).max(1000),
    trust: trustSchema.optional(),
  })
  .superRefine((policy, context) => {
    const { low, medium, high, critical } = policy.severity.thresholds;
    if (!(low < medium && medium < high && high < critical))
      context.addIssue({
        code: 'custom',
        path: ['severity', 'thresholds'],
        message: 'expected low < medium < high < critical',
      });
  });

export type PolicyDocument = z.infer<typeof policySchema>;
export type PolicyRule = z.infer<typeof ruleSchema>;
