export interface ContainerInPath {
  id: string;
  /**
   * False for an id in a place that no runtime uses by default (docker run --cgroup-parent, ECS): a container only if a
   * runtime knows it.
   */
  certain: boolean;
}

/** What the path of a cgroup tells about the containers it belongs to. */
export interface CgroupIdentity {
  /** Outermost first: more than one where a container runs containers (kind, dind). */
  readonly containers: readonly ContainerInPath[];
  /** Pod of the innermost container; empty outside Kubernetes. A static pod's is a hash of 32 hexadecimal digits. */
  readonly podUid: string;
}

const maxSegments = 64;
const shortestIdLength = 28;
const hexId = /^[0-9a-f]{64}$/;
const gardenId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){4}$/;
const prefixes = ['docker-', 'crio-', 'cri-containerd-', 'nerdctl-', 'libpod-payload-', 'libpod-'];
/** cgroups of the monitor process that CRI-O and podman put beside each container. */
const conmonPrefixes = ['crio-conmon-', 'libpod-conmon-'];
/** "slice:runtime:id", a systemd cgroupsPath that a cgroupfs driver took for a name. */
const colonForm = /^.*:(?:cri-containerd|crio|docker|libpod):([^:]+)$/;
/** containerd takes other ids than those it makes up; a systemd scope or the colon form shows them for what they are. */
const customId = /(?:^cri-containerd-|:cri-containerd:)([A-Za-z0-9][A-Za-z0-9_.-]{0,75})$/;
const podSegment = /(?:^|-)pod([0-9a-f_-]{32,36})(?:\.slice)?$/;
const podUidForm = /^(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** Parses a cgroup path (relative to the root of the hierarchy) of any runtime and cgroup driver; never throws. */
export function parseCgroupPath(path: string): CgroupIdentity {
  const containers: ContainerInPath[] = [];
  let podUid = '';
  let parent = '';
  for (const segment of path.split('/', maxSegments)) {
    if (segment === '') continue;
    podUid = parsePodUid(segment) ?? podUid;
    const id = parseContainerId(segment);
    if (id !== undefined && !containers.some((known) => known.id === id)) {
      const certain = id !== segment || gardenId.test(id) || isContainerParent(parent);
      containers.push({ id, certain });
    }
    parent = segment;
  }
  return { containers, podUid };
}

function parseContainerId(segment: string): string | undefined {
  if (segment.length < shortestIdLength) return customIdIn(segment);
  if (conmonPrefixes.some((prefix) => segment.startsWith(prefix))) return undefined;
  let name = segment.endsWith('.scope') ? segment.slice(0, -'.scope'.length) : segment;
  const prefix = prefixes.find((candidate) => name.startsWith(candidate));
  if (prefix !== undefined) name = name.slice(prefix.length);
  else name = colonForm.exec(name)?.[1] ?? name;
  return hexId.test(name) || gardenId.test(name) ? name : customIdIn(segment);
}

function customIdIn(segment: string): string | undefined {
  const isScope = segment.endsWith('.scope');
  if (!isScope && !segment.includes(':')) return undefined;
  return customId.exec(isScope ? segment.slice(0, -'.scope'.length) : segment)?.[1];
}

/** Directories in which cgroupfs drivers put containers under their bare id. */
function isContainerParent(segment: string): boolean {
  return segment === 'docker' || segment === 'actions_job' || parsePodUid(segment) !== undefined;
}

function parsePodUid(segment: string): string | undefined {
  const colon = segment.indexOf(':');
  const written = podSegment.exec(colon < 0 ? segment : segment.slice(0, colon))?.[1];
  if (written === undefined) return undefined;
  const uid = written.replaceAll('_', '-');
  return podUidForm.test(uid) ? uid : undefined;
}
