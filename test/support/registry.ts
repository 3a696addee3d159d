import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';

/** A running registry; `hostPort` is what goes in front of a repository name. */
export interface RegistryProcess {
  hostPort: string;
  url: string;
  stop(): Promise<void>;
}

/**
 * Starts Debian's docker-registry (CNCF distribution 2.8: no referrers API) on a free loopback port, with its data in a
 * temporary folder that `stop` removes. Rejects with what to install when the program is missing.
 */
export async function startRegistry(): Promise<RegistryProcess> {
  const hostPort = `127.0.0.1:${await freePort()}`;
  const url = `http://${hostPort}`;
  const folder = mkdtempSync(join(tmpdir(), 'tallyman-registry-'));
  const config = join(folder, 'config.yml');
  const storage = `storage: { filesystem: { rootdirectory: ${folder}/data }, delete: { enabled: true } }`;
  writeFileSync(
    config,
    `version: 0.1\nlog: { level: error, accesslog: { disabled: true } }\n${storage}\nhttp: { addr: "${hostPort}" }\n`,
  );
  const child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
  const ended = new Promise<Error>((resolve) => {
    child.once('error', (cause) =>
      resolve(new Error('cannot start docker-registry: install it (apt-get install docker-registry)', { cause })),
    );
    child.once('exit', (code) => resolve(new Error(`docker-registry ended by itself with code ${code}`)));
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.pid !== undefined) {
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  const started = await Promise.race([ended, waitUntilAnswering(`${url}/v2/`)]);
  if (started instanceof Error) {
    await stop();
    throw started;
  }
  return { hostPort, url, stop };
}

async function waitUntilAnswering(url: string): Promise<Error | undefined> {
  const giveUpAt = Date.now() + 15_000;
  while (Date.now() < giveUpAt) {
    const isUp = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (isUp) return undefined;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return new Error(`docker-registry did not answer at ${url} within 15 s`);
}
