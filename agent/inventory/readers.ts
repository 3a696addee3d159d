import type { PackageReader } from './image-tree.ts';
import { dpkgReader } from './readers/dpkg.ts';

/** In this order: where several packages claim a file, the distribution's come first. */
export const packageReaders: readonly PackageReader[] = [dpkgReader];
