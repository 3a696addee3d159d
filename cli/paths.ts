import { fileURLToPath } from 'node:url';

/** The checkout (or the folder of the image) that this command runs from. */
export const repositoryFolder = fileURLToPath(new URL('..', import.meta.url));

export const defaultBpfObject = fileURLToPath(new URL('../.build/tallyman.bpf.o', import.meta.url));
export const defaultDockerSocket = '/var/run/docker.sock';
/** The rule library that comes with the agent. */
export const shippedRulesFolder = fileURLToPath(new URL('../agent/rules', import.meta.url));
