import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

const labels = z.record(z.string(), z.string());

const container = z.object({
  name: z.string(),
  image: z.string(),
  args: z.array(z.string()),
  env: z
    .array(z.object({ name: z.string(), value: z.string().optional(), valueFrom: z.unknown().optional() }))
    .default([]),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  securityContext: z.object({
    privileged: z.boolean().optional(),
    runAsUser: z.number().optional(),
    allowPrivilegeEscalation: z.boolean(),
    readOnlyRootFilesystem: z.boolean(),
    capabilities: z.object({ drop: z.array(z.string()), add: z.array(z.string()).default([]) }),
  }),
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().default(false) })),
});

const volume = z.object({
  name: z.string(),
  hostPath: z.object({ path: z.string(), type: z.string() }).optional(),
  emptyDir: z.unknown().optional(),
  configMap: z.object({ name: z.string() }).optional(),
  persistentVolumeClaim: z.object({ claimName: z.string() }).optional(),
});

const podSpec = z.object({
  serviceAccountName: z.string(),
  automountServiceAccountToken: z.boolean(),
  priorityClassName: z.string().optional(),
  hostPID: z.boolean().default(false),
  hostNetwork: z.boolean().default(false),
  containers: z.array(container).length(1),
  volumes: z.array(volume),
});

const workloadSchema = z.object({
  kind: z.enum(['DaemonSet', 'Deployment']),
  metadata: z.object({ name: z.string(), namespace: z.string(), labels }),
  spec: z.object({
    selector: z.object({ matchLabels: labels }),
    template: z.object({ metadata: z.object({ labels }), spec: podSpec }),
  }),
});

/** What Tallyman's own manifests say of a DaemonSet or Deployment; only the fields that are read here. */
export type Workload = z.infer<typeof workloadSchema>;

export interface Manifest {
  kind: string;
  name: string;
  /** The whole document. */
  document: Record<string, unknown>;
}

const manifestSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
});

/** All documents below deploy/kubernetes, in the order of file names. Throws for anything that is not Kubernetes YAML. */
export function readManifests(folder = join(import.meta.dirname, 'kubernetes')): Manifest[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  return files.sort().flatMap((file) =>
    parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => {
      if (document.errors.length > 0) throw new Error(`${file}: ${document.errors.join('; ')}`);
      const parsed = manifestSchema.parse(document.toJS());
      return { kind: parsed.kind, name: parsed.metadata.name, document: parsed };
    }),
  );
}

/** @throws when there is no such workload, or it lacks something that the deployment depends on. */
export function readWorkload(kind: Workload['kind'], name: string): Workload {
  const found = readManifests().find((manifest) => manifest.kind === kind && manifest.name === name);
  if (found === undefined) throw new Error(`deploy/kubernetes has no ${kind} ${name}`);
  return workloadSchema.parse(found.document);
}
