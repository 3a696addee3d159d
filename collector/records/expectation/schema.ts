import { z } from 'zod';

/** `*` stands for any run of characters, and the whole text has to match. */
const patterns = z.array(z.string().min(1).max(500)).max(200);

/** What is expected of images: section `images` of the policy, docs/policy.md. */
export const imageExpectationSchema = z.strictObject({
  /** Of the image's repository, "registry.acme.io/shop/*". */
  match: z.string().min(1).max(300),
  builders: patterns.optional(),
  buildTypes: patterns.optional(),
  sources: patterns.optional(),
  refs: patterns.optional(),
  workflows: patterns.optional(),
  runnerEnvironments: patterns.optional(),
  /** Registries or repositories that images may come from. */
  registries: patterns.optional(),
  requireDigestPin: z.boolean().optional(),
  baseImages: z
    .strictObject({ approved: patterns.optional(), maxAgeDays: z.number().positive().max(36_500).optional() })
    .optional(),
});

export const imagesSchema = z.array(imageExpectationSchema).max(1000);

export type ImageExpectation = z.infer<typeof imageExpectationSchema>;
