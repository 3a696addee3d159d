import koffi from 'koffi';
import { CodedError } from '../../common/errors.ts';
import { vsnprintf } from './libc.ts';

/** An opaque pointer of libbpf's. */
export type Handle = unknown;

interface Functions {
  open(path: string, options: null): Handle;
  load(object: Handle): number;
  close(object: Handle): void;
  findMap(object: Handle, name: string): Handle;
  findProgram(object: Handle, name: string): Handle;
  nextProgram(object: Handle, previous: Handle): Handle;
  programName(program: Handle): string;
  programFd(program: Handle): number;
  setAutoload(program: Handle, autoload: boolean): number;
  setExpectedAttachType(program: Handle, type: number): number;
  attach(program: Handle): Handle;
  attachCgroup(program: Handle, cgroupFd: number): Handle;
  destroyLink(link: Handle): number;
  linkFd(link: Handle): number;
  /** A descriptor whose content is what the iterator writes; each one is a run from the start. */
  createIterator(linkFd: number): number;
  mapFd(map: Handle): number;
  setMaxEntries(map: Handle, entries: number): number;
  initialValue(map: Handle, sizeBytes: bigint[]): Handle;
  updateElement(fd: number, key: Uint8Array, value: Uint8Array, flags: number): number;
  lookupElement(fd: number, key: Uint8Array, value: Uint8Array): number;
  deleteElement(fd: number, key: Uint8Array): number;
  /** `key` null: the first one. Fails when there is none after `key`. */
  nextKey(fd: number, key: Uint8Array | null, next: Uint8Array): number;
  /** `options` is a struct bpf_test_run_opts. */
  testRun(programFd: number, options: Uint8Array): number;
  /** `info` is a struct of the kernel's for the kind of object; `length` its size, then what was filled. */
  objectInfo(fd: number, info: Uint8Array, length: Uint8Array): number;
  possibleCpus(): number;
  loadVmlinuxBtf(): Handle;
  freeBtf(btf: Handle): void;
  findBtfByKind(btf: Handle, name: string, kind: number): number;
  setPrint(callback: unknown): Handle;
  version(): string;
}

/**
 * libbpf through FFI: the functions the sensor needs, the messages libbpf prints, and errno.
 * @see https://libbpf.readthedocs.io/en/latest/api.html
 */
export interface Libbpf extends Functions {
  /** The warnings libbpf has printed since the last call, oldest first; at most the last 200 are kept. */
  takeMessages(): string[];
  errno(): number;
}

const maxMessages = 200;
/** The verifier's log of a program comes as one message, and its end says what is wrong. Pages that are not used cost nothing. */
const messageBytes = 4 << 20;
const keptCharacters = 1024;
const levelWarn = 0;

let loaded: Libbpf | undefined;

/** @throws {CodedError} LIBBPF_MISSING when the library is not installed. */
export function loadLibbpf(): Libbpf {
  loaded ??= bind();
  return loaded;
}

function openLibrary(): ReturnType<typeof koffi.load> {
  try {
    return koffi.load('libbpf.so.1');
  } catch (cause) {
    throw new CodedError('LIBBPF_MISSING', 'libbpf.so.1 cannot be loaded', {
      cause,
      hint: 'install the package libbpf1 (Debian, Ubuntu) or libbpf (Fedora, Alpine)',
    });
  }
}

function bind(): Libbpf {
  const library = openLibrary();
  const functions: Functions = {
    open: library.func('void *bpf_object__open_file(const char *path, const void *options)'),
    load: library.func('int bpf_object__load(void *object)'),
    close: library.func('void bpf_object__close(void *object)'),
    findMap: library.func('void *bpf_object__find_map_by_name(const void *object, const char *name)'),
    findProgram: library.func('void *bpf_object__find_program_by_name(const void *object, const char *name)'),
    nextProgram: library.func('void *bpf_object__next_program(const void *object, void *previous)'),
    programName: library.func('const char *bpf_program__name(const void *program)'),
    programFd: library.func('int bpf_program__fd(const void *program)'),
    setAutoload: library.func('int bpf_program__set_autoload(void *program, bool autoload)'),
    setExpectedAttachType: library.func('int bpf_program__set_expected_attach_type(void *program, int type)'),
    attach: library.func('void *bpf_program__attach(const void *program)'),
    attachCgroup: library.func('void *bpf_program__attach_cgroup(const void *program, int cgroup_fd)'),
    destroyLink: library.func('int bpf_link__destroy(void *link)'),
    linkFd: library.func('int bpf_link__fd(const void *link)'),
    createIterator: library.func('int bpf_iter_create(int link_fd)'),
    mapFd: library.func('int bpf_map__fd(const void *map)'),
    setMaxEntries: library.func('int bpf_map__set_max_entries(void *map, uint32_t entries)'),
    initialValue: library.func('void *bpf_map__initial_value(void *map, _Out_ size_t *size)'),
    updateElement: library.func('int bpf_map_update_elem(int fd, const void *key, const void *value, uint64_t flags)'),
    lookupElement: library.func('int bpf_map_lookup_elem(int fd, const void *key, _Out_ void *value)'),
    deleteElement: library.func('int bpf_map_delete_elem(int fd, const void *key)'),
    nextKey: library.func('int bpf_map_get_next_key(int fd, const void *key, _Out_ void *next)'),
    testRun: library.func('int bpf_prog_test_run_opts(int program_fd, _Inout_ void *options)'),
    objectInfo: library.func('int bpf_obj_get_info_by_fd(int fd, _Inout_ void *info, _Inout_ void *length)'),
    possibleCpus: library.func('int libbpf_num_possible_cpus(void)'),
    loadVmlinuxBtf: library.func('void *btf__load_vmlinux_btf(void)'),
    freeBtf: library.func('void btf__free(void *btf)'),
    findBtfByKind: library.func('int btf__find_by_name_kind(const void *btf, const char *name, uint32_t kind)'),
    setPrint: library.func('void *libbpf_set_print(void *callback)'),
    version: library.func('const char *libbpf_version_string(void)'),
  };
  const messages: string[] = [];
  functions.setPrint(printCallback(messages));
  return { ...functions, takeMessages: () => messages.splice(0), errno: () => koffi.errno() };
}

/** libbpf formats nothing itself: the callback gets a format and a va_list, which vsnprintf understands. */
function printCallback(messages: string[]): unknown {
  const type = koffi.proto('int libbpf_print_fn(int level, const char *format, void *arguments)');
  const buffer = Buffer.alloc(messageBytes);
  return koffi.register((level: number, format: string, args: unknown): number => {
    if (level !== levelWarn) return 0;
    const length = vsnprintf(buffer, messageBytes, format, args) as number;
    messages.push(shorten(buffer.toString('utf8', 0, Math.min(length, messageBytes - 1)).trim()));
    if (messages.length > maxMessages) messages.shift();
    return length;
  }, koffi.pointer(type));
}

/** Beginning and end of a long message. */
function shorten(message: string): string {
  if (message.length <= 2 * keptCharacters) return message;
  return `${message.slice(0, keptCharacters)} … ${message.slice(-keptCharacters)}`;
}
