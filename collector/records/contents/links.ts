/** As the kernel follows at most: https://man7.org/linux/man-pages/man7/path_resolution.7.html */
const maxHops = 40;

/**
 * The path after links, part by part; ".." and absolute targets stay inside the image. `path` is absolute. Undefined when
 * links go round in circles.
 */
export function followLinks(
  path: string,
  linkAt: (path: string) => string | undefined,
  followsLast: boolean,
): string | undefined {
  const ahead = path.split('/').reverse();
  const done: string[] = [];
  let hops = 0;
  while (ahead.length > 0) {
    const part = ahead.pop() ?? '';
    if (part === '' || part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    done.push(part);
    if (ahead.length === 0 && !followsLast) break;
    const target = linkAt(`/${done.join('/')}`);
    if (target === undefined) continue;
    if (++hops > maxHops) return undefined;
    if (target.startsWith('/')) done.length = 0;
    else done.pop();
    ahead.push(...target.split('/').reverse());
  }
  return `/${done.join('/')}`;
}
