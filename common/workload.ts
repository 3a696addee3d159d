import type { Container } from '../proto/generated/tallyman/v1/container.ts';

/** What Kubernetes draws random suffixes from: no vowels, no digits that look like them. */
const podSuffix = /-[bcdfghjklmnpqrstvwxz2456789]{5}$/;
const replicaSetSuffix = /-[bcdfghjklmnpqrstvwxz2456789]{6,10}$/;
/** Minutes since 1970, which a CronJob puts behind the names of its Jobs. */
const cronSuffix = /-\d{8,10}$/;
const ordinalSuffix = /-\d{1,5}$/;
/** "hopeful_lamarr", "hopeful_lamarr3": what Docker and podman call a container that nobody named. */
const inventedName = /^[a-z]+_[a-z]+\d?$/;
const hexadecimalName = /^[0-9a-f]{12}([0-9a-f]{52})?$/;

/**
 * What stays the same when a container is replaced: "namespace/owner/container" in Kubernetes, "project/service" in compose, a
 * swarm service, else the container's name. Empty where the name says nothing: one the runtime made up, a one-off run.
 */
export function workloadOf({ name, namespace, podName, labels }: Container): string {
  if (podName !== '') return `${namespace}/${podOwner(podName, labels)}/${name}`;
  const project = labels['com.docker.compose.project'];
  const service = labels['com.docker.compose.service'];
  if (project !== undefined && service !== undefined) {
    return labels['com.docker.compose.oneoff']?.toLowerCase() === 'true' ? '' : `${project}/${service}`;
  }
  const swarmService = labels['com.docker.swarm.service.name'];
  if (swarmService !== undefined) return swarmService;
  return inventedName.test(name) || hexadecimalName.test(name) ? '' : name;
}

/** The pod's name without what its controller put behind its own; by labels, which are exact, else by the shape of the name. */
function podOwner(podName: string, labels: Readonly<Record<string, string>>): string {
  const jobName = labels['batch.kubernetes.io/job-name'] ?? labels['job-name'];
  if (jobName !== undefined) return jobName.replace(cronSuffix, '');
  if (labels['statefulset.kubernetes.io/pod-name'] === podName) return podName.replace(ordinalSuffix, '');
  const templateHash = labels['pod-template-hash'];
  const base = podName.replace(podSuffix, '');
  if (templateHash !== undefined && base.endsWith(`-${templateHash}`)) return base.slice(0, -templateHash.length - 1);
  // A DaemonSet's pod.
  if (labels['controller-revision-hash'] !== undefined) return base;
  if (base === podName) return podName.replace(ordinalSuffix, '');
  return base.replace(cronSuffix, '').replace(replicaSetSuffix, '');
}
