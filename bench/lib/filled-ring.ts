import koffi from 'koffi';
import { loadLibbpf } from '../../agent/sensor/libbpf.ts';
import { RingReader } from '../../agent/sensor/ring-reader.ts';
import { compileProgram } from './compile-program.ts';

/** As in the program. */
const recordsPerRun = 512;
const ringBytes = 64 * 1024 * 1024;
const libbpf = loadLibbpf();
const library = koffi.load('libbpf.so.1');
const testRun = library.func('int bpf_prog_test_run_opts(int fd, void *options)');
const programFd = library.func('int bpf_program__fd(const void *program)');

/** A ring like the sensor's that a BPF program of the benchmark's own fills with records of 304 bytes. */
export function openFilledRing(): { ring: RingReader; fill(): void; close(): void } {
  const object = libbpf.open(compileProgram('fill'), null);
  libbpf.setMaxEntries(libbpf.findMap(object, 'records'), ringBytes);
  if (libbpf.load(object) !== 0) throw new Error(libbpf.takeMessages().join('\n'));
  const ring = new RingReader(libbpf.mapFd(libbpf.findMap(object, 'records')), ringBytes);
  const fd = programFd(libbpf.findProgram(object, 'fill')) as number;
  return {
    ring,
    fill: () => fillRing(fd),
    close: () => {
      ring.close();
      libbpf.close(object);
    },
  };
}

/** Runs the filling program until it reports a full ring. */
function fillRing(fd: number): void {
  const optionsBytes = 88;
  const retvalOffset = 56;
  const options = Buffer.alloc(optionsBytes);
  for (;;) {
    options.fill(0);
    options.writeBigUInt64LE(BigInt(optionsBytes));
    if (testRun(fd, options) !== 0) throw new Error(`BPF_PROG_TEST_RUN failed: errno ${libbpf.errno()}`);
    if (options.readUInt32LE(retvalOffset) < recordsPerRun) return;
  }
}
