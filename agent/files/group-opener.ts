import type { ContainerRoot } from './container-root.ts';
import { Fan, FanotifyGroup } from './fanotify.ts';
import { NameWatch } from './name-watch.ts';
import { identityOf } from './syscalls.ts';
import { SystemError } from './system-error.ts';

/** Errors of kernels and file systems that have no identities to tell. Node calls EOPNOTSUPP, the same number, ENOTSUP. */
const withoutIdentities = ['ENOTSUP', 'ENODEV', 'EXDEV', 'EINVAL'];

/** A group that suits a container's root file system: telling identities and names, else descriptors. @throws {SystemError} */
export function openGroup(root: ContainerRoot): FanotifyGroup {
  return root.use((directory) => openGroupFor(directory));
}

/** The same for a descriptor of any directory. @throws {SystemError} */
export function openGroupFor(directory: number): FanotifyGroup {
  let tried: FanotifyGroup | undefined;
  try {
    tried = new FanotifyGroup('identities');
    identityOf(directory);
    tried.mark(directory, Fan.create, true);
    tried.unmark(directory, Fan.create);
    return tried;
  } catch (error) {
    tried?.close();
    if (!(error instanceof SystemError) || !withoutIdentities.includes(error.code)) throw error;
    return new FanotifyGroup('descriptors');
  }
}

/** Beside a group that cannot tell of names; without it they are not seen, and `failures` says why. */
export function openNameWatch(failures: Map<string, string>): NameWatch | undefined {
  try {
    return new NameWatch();
  } catch (error) {
    failures.set('inotify', String(error));
    return undefined;
  }
}
