import { closeSync, openSync } from 'node:fs';
import { findCgroupRoot } from '../../agent/sensor/cgroup-root.ts';
import { type Handle, type Libbpf, loadLibbpf } from '../../agent/sensor/libbpf.ts';
import { compileProgram } from './compile-program.ts';

const cgroupPrograms = new Set(['empty_connect4', 'empty_sendmsg4', 'empty_post_bind4', 'empty_ingress']);
/** Tracepoints that older kernels lack. */
const optionalPrograms = ['empty_capability', 'empty_privileges'];

/** Attaches programs that do nothing where the agent's are attached, until the answer is called. */
export function attachEmptyPrograms(): () => void {
  const libbpf = loadLibbpf();
  const object = openObject(libbpf);
  const root = findCgroupRoot();
  if (root === undefined) throw new Error('cgroup v2 is not mounted');
  const cgroupFd = openSync(root, 'r');
  const links: Handle[] = [];
  for (
    let program = libbpf.nextProgram(object, null);
    program !== null;
    program = libbpf.nextProgram(object, program)
  ) {
    const name = libbpf.programName(program);
    if (libbpf.programFd(program) < 0) continue;
    const link = cgroupPrograms.has(name) ? libbpf.attachCgroup(program, cgroupFd) : libbpf.attach(program);
    if (link === null) throw new Error(`${name} cannot be attached: ${libbpf.takeMessages().join('\n')}`);
    links.push(link);
  }
  return () => {
    for (const link of links) libbpf.destroyLink(link);
    libbpf.close(object);
    closeSync(cgroupFd);
  };
}

function openObject(libbpf: Libbpf): Handle {
  const path = compileProgram('empty');
  for (const skipped of [[], optionalPrograms.slice(1), optionalPrograms]) {
    const object = libbpf.open(path, null);
    for (const name of optionalPrograms) libbpf.setAutoload(libbpf.findProgram(object, name), !skipped.includes(name));
    if (libbpf.load(object) === 0) return object;
    libbpf.close(object);
  }
  throw new Error(`the empty programs cannot be loaded: ${libbpf.takeMessages().join('\n')}`);
}
