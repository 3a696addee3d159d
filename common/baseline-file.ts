import { isIP } from 'node:net';
import { stringify } from 'yaml';
import { z } from 'zod';
import type { BaselineKey } from '../proto/generated/tallyman/v1/baseline.ts';
import { type BaselineContent, baselineVersion, maxContentBytes, maxFacts, sortedContent } from './baseline-content.ts';
import type { FileProblem } from './file-problem.ts';
import { schemaProblems } from './schema-problems.ts';
import { YamlSource } from './yaml-source.ts';

/** A baseline as people keep it. */
export interface BaselineFile {
  key: BaselineKey;
  /** Of the baseline it was exported from; empty when the file does not say. */
  version: string;
  frozen: boolean;
  content: BaselineContent;
}

export const baselineFileKind = 'tallyman.baseline/v1';
export const maxBaselineFileBytes = 2 * 1024 * 1024;

const text = z.string().max(1_024, 'must have 1024 characters or less');
const path = text.min(1, 'must not be empty');
const program = text.default('');
const port = z.int().min(0).max(65_535);
const shape = z.string().min(1).max(512);
const digest = z.string().regex(/^[a-z0-9]+:[a-zA-Z0-9]{3,128}$/, 'must be a digest like sha256:9f3a…');

const destination = z
  .strictObject({
    transport: z.enum(['tcp', 'udp', 'icmp', 'other']),
    name: z.string().max(512).optional(),
    address: z.string().max(64).optional(),
    port,
    program,
  })
  .superRefine(({ name, address }, context) => {
    if ((name === undefined) === (address === undefined))
      context.addIssue({ code: 'custom', message: 'must have a name or an address, and not both' });
    if (name !== undefined && !isName(name))
      context.addIssue({
        code: 'custom',
        path: ['name'],
        message: 'must be a DNS name, or *.suffix for all below one',
      });
    if (address !== undefined && !isAddress(address))
      context.addIssue({
        code: 'custom',
        path: ['address'],
        message: 'must be an IP address, or a network like 10.0.0.0/8',
      });
  });

const schema = z.strictObject({
  kind: z.literal(baselineFileKind),
  repository: text,
  digest,
  workload: text,
  version: z
    .string()
    .regex(/^[0-9a-f]{16}$/, 'must be 16 hexadecimal digits')
    .optional(),
  frozen: z.boolean().default(false),
  executables: z
    .array(z.strictObject({ path, parent: text, arguments: z.array(shape).max(maxFacts.executable).default([]) }))
    .max(maxFacts.executable)
    .default([]),
  destinations: z.array(destination).max(maxFacts.destination).default([]),
  listens: z
    .array(z.strictObject({ transport: z.enum(['tcp', 'udp']), port, program }))
    .max(maxFacts.listen)
    .default([]),
  capabilities: z
    .array(
      z.strictObject({ name: z.string().regex(/^CAP_[A-Z0-9_]{1,40}$/, 'must be a name like CAP_NET_RAW'), program }),
    )
    .max(maxFacts.capability)
    .default([]),
});

type Parsed = z.output<typeof schema>;

/** Reads YAML (JSON is YAML too). All problems at once, each at its place. Never throws. */
export function parseBaselineFile(text: string, file: string): BaselineFile | { problems: FileProblem[] } {
  const start = { file, line: 1, column: 1, hint: undefined };
  if (Buffer.byteLength(text) > maxBaselineFileBytes)
    return { problems: [{ ...start, reason: `the file has more than ${maxBaselineFileBytes} bytes` }] };
  const yaml = new YamlSource(text);
  if (yaml.problems.length > 0)
    return { problems: yaml.problems.map((problem) => ({ file, hint: undefined, ...problem })) };
  const parsed = schema.safeParse(yaml.value, { reportInput: true });
  if (!parsed.success) return { problems: schemaProblems(file, yaml, schema, parsed.error.issues) };
  const found = toFile(parsed.data);
  const problem = sizeProblem(found.content);
  return problem === undefined ? found : { problems: [{ ...start, reason: problem }] };
}

/** The same text for the same baseline, whatever order it was learned in. */
export function formatBaselineFile({ key, frozen, content }: Omit<BaselineFile, 'version'>): string {
  const { executables, destinations, listens, capabilities } = sortedContent(content);
  const withProgram = (executablePath: string) => (executablePath === '' ? {} : { program: executablePath });
  const plain = {
    kind: baselineFileKind,
    ...{ repository: key.repository, digest: key.imageDigest, workload: key.workload },
    version: baselineVersion(content),
    frozen,
    executables: executables.map(({ path, parentPath, argumentShapes }) => ({
      ...{ path, parent: parentPath },
      ...(argumentShapes.length === 0 ? {} : { arguments: argumentShapes }),
    })),
    destinations: destinations.map(({ transport, name, address, port, executablePath }) => ({
      ...{ transport, ...(name === '' ? { address } : { name }), port },
      ...withProgram(executablePath),
    })),
    listens: listens.map(({ transport, port, executablePath }) => ({
      transport,
      port,
      ...withProgram(executablePath),
    })),
    capabilities: capabilities.map(({ capabilityName: name, executablePath }) => ({
      name,
      ...withProgram(executablePath),
    })),
  };
  // Every line on its own, never folded: differences stay small.
  return stringify(plain, { lineWidth: 0, version: '1.2' });
}

function toFile(parsed: Parsed): BaselineFile {
  const { repository, digest: imageDigest, workload, version = '', frozen } = parsed;
  const content = sortedContent({
    executables: parsed.executables.map((one) => ({
      ...{ path: one.path, parentPath: one.parent, argumentShapes: one.arguments },
    })),
    destinations: parsed.destinations.map(({ transport, name = '', address = '', port, program }) => ({
      ...{ transport, name: name.toLowerCase().replace(/\.$/, ''), address, port, executablePath: program },
    })),
    listens: parsed.listens.map(({ transport, port, program }) => ({ transport, port, executablePath: program })),
    capabilities: parsed.capabilities.map(({ name, program }) => ({ capabilityName: name, executablePath: program })),
  });
  return { key: { repository, imageDigest, workload }, version, frozen, content };
}

function sizeProblem(content: BaselineContent): string | undefined {
  const shapes = content.executables.reduce((sum, { argumentShapes }) => sum + Math.max(1, argumentShapes.length), 0);
  if (shapes > maxFacts.executable)
    return `there are ${shapes} executables with their arguments; ${maxFacts.executable} are possible`;
  const bytes = JSON.stringify(content).length;
  return bytes > maxContentBytes ? `its lines have ${bytes} bytes; ${maxContentBytes} are possible` : undefined;
}

function isName(name: string): boolean {
  const plain = name.startsWith('*.') ? name.slice(2) : name;
  return /^[!-~]{1,512}$/.test(plain) && !plain.includes('*');
}

function isAddress(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%') || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}
