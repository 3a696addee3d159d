/** Longer ones are not read: what they hold is unknown then. A specification of a pod with hundreds of mounts has 100 KiB. */
export const maxInfoLength = 2 * 1024 * 1024;

/**
 * The JSON that runtimes put under "info" into verbose answers. Its shape is the runtime's own and follows no
 * specification; undefined when it is not there, too long or no JSON.
 */
export function parseInfo(info: Record<string, string>): unknown {
  const text = info.info;
  if (text === undefined || text.length > maxInfoLength) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
