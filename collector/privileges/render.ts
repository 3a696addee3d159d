import type { Advice, Mount } from './advice.ts';

/** Arguments of `docker run`, one word each, unquoted. Empty where advice is withheld. */
export function dockerFlags(advice: Advice): string[] {
  if (advice.withheld.length > 0) return [];
  const flags = ['--cap-drop', 'ALL'];
  for (const name of advice.addCapabilities) flags.push('--cap-add', short(name));
  if (advice.noNewPrivileges.advised) flags.push('--security-opt', 'no-new-privileges');
  if (advice.user !== undefined) flags.push('--user', advice.user.given);
  if (advice.readOnlyRoot.advised) flags.push('--read-only');
  for (const mount of advice.mounts) flags.push(...dockerMount(mount));
  return flags;
}

/** Memory for little; a volume, which begins with what the image has there, for much. */
function dockerMount({ path, uid, gid, mode, large }: Mount): string[] {
  if (large) return ['--mount', `type=volume,destination=${path}`];
  // As the directory was: what ran from there before still does.
  return ['--tmpfs', `${path}:rw,exec,uid=${uid},gid=${gid},mode=${mode.toString(8).padStart(4, '0')}`];
}

export interface ContainerFields {
  securityContext: Record<string, unknown>;
  volumeMounts?: { name: string; mountPath: string }[];
}

/**
 * Fields of a container in a pod, and the pod's volumes for it. Undefined where advice is withheld.
 * @see https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#security-context-1
 */
export function kubernetesFields(advice: Advice): { container: ContainerFields; volumes: unknown[] } | undefined {
  if (advice.withheld.length > 0) return undefined;
  const { addCapabilities, user, noNewPrivileges, readOnlyRoot, mounts } = advice;
  const add = addCapabilities.length === 0 ? {} : { add: addCapabilities.map(short) };
  const named = mounts.map(({ path }, index) => ({ name: `writable-${index}`, mountPath: path }));
  return {
    container: {
      securityContext: {
        capabilities: { drop: ['ALL'], ...add },
        ...(noNewPrivileges.advised ? { allowPrivilegeEscalation: false } : {}),
        ...(user === undefined ? {} : { runAsNonRoot: true, runAsUser: user.uid }),
        ...(user?.gid === undefined ? {} : { runAsGroup: user.gid }),
        ...(readOnlyRoot.advised ? { readOnlyRootFilesystem: true } : {}),
      },
      ...(named.length === 0 ? {} : { volumeMounts: named }),
    },
    volumes: named.map(({ name }) => ({ name, emptyDir: {} })),
  };
}

function short(name: string): string {
  return name.replace(/^CAP_/, '');
}
