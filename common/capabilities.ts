/**
 * Capability numbers of linux/capability.h, up to Linux 6.18.
 * @see https://man7.org/linux/man-pages/man7/capabilities.7.html
 */
const names = [
  'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL', 'CAP_SETGID',
  'CAP_SETUID', 'CAP_SETPCAP', 'CAP_LINUX_IMMUTABLE', 'CAP_NET_BIND_SERVICE', 'CAP_NET_BROADCAST', 'CAP_NET_ADMIN',
  'CAP_NET_RAW', 'CAP_IPC_LOCK', 'CAP_IPC_OWNER', 'CAP_SYS_MODULE', 'CAP_SYS_RAWIO', 'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE', 'CAP_SYS_PACCT', 'CAP_SYS_ADMIN', 'CAP_SYS_BOOT', 'CAP_SYS_NICE', 'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME', 'CAP_SYS_TTY_CONFIG', 'CAP_MKNOD', 'CAP_LEASE', 'CAP_AUDIT_WRITE', 'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP', 'CAP_MAC_OVERRIDE', 'CAP_MAC_ADMIN', 'CAP_SYSLOG', 'CAP_WAKE_ALARM', 'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ', 'CAP_PERFMON', 'CAP_BPF', 'CAP_CHECKPOINT_RESTORE',
] as const; // biome-ignore format: a table of numbers reads better in rows

const maxCapabilities = 64;

export type CapabilityName = (typeof names)[number];

/** "CAP_SYS_ADMIN"; "CAP_99" for a number this version does not know. */
export function capabilityName(number: number): string {
  return names[number] ?? `CAP_${number}`;
}

/** The number of a name that is in the table. */
export function capabilityNumber(name: CapabilityName): number {
  return names.indexOf(name);
}

/** The capabilities of a mask, in ascending order of number. */
export function capabilityNamesOf(mask: bigint): string[] {
  const names: string[] = [];
  for (let number = 0; number < maxCapabilities; number++) {
    if (((mask >> BigInt(number)) & 1n) === 1n) names.push(capabilityName(number));
  }
  return names;
}
