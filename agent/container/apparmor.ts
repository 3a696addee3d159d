import { readFileSync } from 'node:fs';

const switchFile = '/sys/module/apparmor/parameters/enabled';

/** Whether the kernel confines by AppArmor; undefined when that may not be read. */
export function readApparmorEnabled(): boolean | undefined {
  try {
    return readFileSync(switchFile, 'utf8').trim() === 'Y';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? false : undefined;
  }
}
