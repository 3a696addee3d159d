import { posix } from 'node:path';
import type { FileEvent, FileOperation } from '../decode/kernel-event.ts';
import type { ContainerMarks, Mark } from './container-marks.ts';
import { type FileFacts, lookAt } from './container-root.ts';
import type { FanotifyEvent } from './decode-fanotify.ts';
import { Fan } from './fanotify.ts';
import type { WatchedEntry, WatchList } from './watch-list.ts';

/** What happened to a file, without who did it. */
export type FileChange = Pick<
  FileEvent,
  'operation' | 'path' | 'target' | 'targetCategory' | 'category' | 'watchedPath' | 'fileType' | 'mode' | 'sizeBytes'
>;

/** Where it happened. */
export interface Scene {
  event: FanotifyEvent;
  mark: Mark;
  marks: ContainerMarks;
  /** The container's root; undefined when its files cannot be reached any more: the facts are then missing. */
  root: number | undefined;
  /** Called where it cannot be told whether something was notable, because the file is gone. */
  onGone?: () => void;
}

const setIds = 0o6000;
const execution = 0o111;
const forGroupOrOthers = 0o077;

/** Turns what the kernel says of identities into what happened at which path, and leaves out what nobody asked for. */
export function changesOf(scene: Scene, list: WatchList): FileChange[] {
  const { event, mark, root } = scene;
  const path = pathOf(scene);
  const entry = list.fileEntry(path) ?? mark.entry;
  const facts = facets(root, path);
  return operationsOf(event, mark, facts)
    .filter((operation) => mark.operations.has(operation) || entry.operations.has(operation))
    .map((operation) => describe(operation, { ...scene, path, entry, list, facts }))
    .filter((change) => entry !== mark.entry || !entry.onlyNotable || isNotable(change, scene.onGone))
    .filter((change) => change.operation !== 'chmod' || tellsOfMode(change));
}

/** A file that was there when its directory began to be watched: it was made in the moments before. */
export function foundIn(directory: Mark, name: string, root: number, list: WatchList): FileChange | undefined {
  const path = posix.join(directory.path, name);
  const facts = lookAt(root, path);
  if (facts === undefined) return undefined;
  const entry = list.fileEntry(path) ?? directory.entry;
  const change: FileChange = {
    operation: creationOf(facts),
    path,
    target: facts.linkTarget,
    targetCategory: '',
    category: entry.category,
    watchedPath: directory.path,
    fileType: facts.type,
    mode: facts.mode,
    sizeBytes: facts.sizeBytes,
  };
  return entry.onlyNotable && !isNotable(change) ? undefined : change;
}

type Facts = () => FileFacts | undefined;

/** Looks at a place once, and only if somebody wants to know. */
function facets(root: number | undefined, path: string): Facts {
  let known: FileFacts | undefined;
  let asked = false;
  return () => {
    if (!asked && root !== undefined) known = lookAt(root, path);
    asked = true;
    return known;
  };
}

/** The name by which it was reached; the marked path where that name lies in no watched directory. */
function pathOf({ event, mark, marks }: Scene): string {
  const directory = marks.find(event.directory);
  if (directory !== undefined && event.name !== '')
    return event.name === '.' ? directory.path : posix.join(directory.path, event.name);
  return mark.entry.kind === 'file' ? mark.path : posix.join(mark.path, event.oldName);
}

function operationsOf({ mask }: FanotifyEvent, mark: Mark, facts: Facts): FileOperation[] {
  const operations: FileOperation[] = [];
  const isDirectory = (mask & Fan.onDirectory) !== 0;
  if ((mask & Fan.open) !== 0 && !isDirectory) operations.push('open');
  if ((mask & Fan.access) !== 0 && !isDirectory) operations.push('read');
  if ((mask & Fan.create) !== 0) operations.push(creationOf(facts()));
  if ((mask & (Fan.modify | Fan.closeWrite)) !== 0) operations.push(writeOf(mark, facts));
  if ((mask & Fan.attrib) !== 0) operations.push('chmod');
  if ((mask & Fan.rename) !== 0) operations.push('rename');
  if ((mask & Fan.delete) !== 0) operations.push('delete');
  return operations;
}

function creationOf(facts: FileFacts | undefined): FileOperation {
  switch (facts?.type) {
    case 'symlink':
      return 'symlink';
    case 'block-device':
    case 'character-device':
      return 'mknod';
    case 'regular':
      return facts.linkCount > 1 ? 'link' : 'create';
    default:
      return 'create';
  }
}

/** Emptied, where that is what is asked about: a log, not a file that is about to be written. */
function writeOf(mark: Mark, facts: Facts): FileOperation {
  if (!mark.operations.has('truncate')) return 'write';
  const file = facts();
  return file?.type === 'regular' && file.sizeBytes === 0 ? 'truncate' : 'write';
}

interface DescribedScene extends Scene {
  path: string;
  entry: WatchedEntry;
  list: WatchList;
  facts: Facts;
}

function describe(operation: FileOperation, scene: DescribedScene): FileChange {
  const { event, mark, path, entry, list } = scene;
  // Reading changes nothing, and what is deleted is not there: neither is worth a look.
  const isPlain = operation === 'open' || operation === 'read' || operation === 'delete';
  const facts = isPlain ? undefined : scene.facts();
  const target = targetOf(operation, scene, facts);
  const leadsTo = operation === 'symlink' ? posix.resolve(posix.dirname(path), target) : target;
  const targetEntry = operation === 'rename' || target === '' ? undefined : list.fileEntry(leadsTo);
  return {
    operation,
    path,
    target,
    targetCategory: targetEntry?.category ?? '',
    category: entry.category,
    watchedPath: mark.path,
    fileType: facts?.type ?? ((event.mask & Fan.onDirectory) !== 0 ? 'directory' : 'unknown'),
    mode: facts?.mode,
    sizeBytes: facts?.sizeBytes,
  };
}

/** Where a link leads, or what was renamed; empty when that is not known. */
function targetOf(operation: FileOperation, scene: Scene, facts: FileFacts | undefined): string {
  const { event, marks } = scene;
  if (operation === 'symlink') return facts?.linkTarget ?? '';
  if (operation === 'link' && facts !== undefined) return otherNameOf(facts, scene);
  const from = operation === 'rename' && event.directory !== '' ? marks.find(event.oldDirectory) : undefined;
  return from === undefined ? '' : posix.join(from.path, event.oldName);
}

/** The watched file that a new hard link is another name of. */
function otherNameOf(facts: FileFacts, { marks, root }: Scene): string {
  if (root === undefined) return '';
  for (const mark of marks.all()) {
    if (mark.entry.kind !== 'file') continue;
    const other = lookAt(root, mark.path);
    if (other?.inode === facts.inode && other.device === facts.device) return mark.path;
  }
  return '';
}

function isNotable({ operation, fileType, targetCategory, mode = 0 }: FileChange, onGone?: () => void): boolean {
  if (fileType === 'unknown' && operation !== 'delete') onGone?.();
  if (operation === 'mknod' || targetCategory !== '') return true;
  if (fileType !== 'regular') return false;
  return (mode & setIds) !== 0 || (operation !== 'create' && (mode & execution) !== 0);
}

/** Attributes change for many reasons (owner, times, links); only modes that give something to somebody are told. */
function tellsOfMode({ fileType, mode = 0, category }: FileChange): boolean {
  if (fileType !== 'regular') return false;
  if ((mode & setIds) !== 0) return true;
  if (category === 'scratch' || category === 'home') return (mode & execution) !== 0;
  return ['credential', 'ssh-key', 'privilege'].includes(category) && (mode & forGroupOrOthers) !== 0;
}
