import { execFileSync } from 'node:child_process';
import { buildBusyboxImage } from './busybox-image.ts';

export const attackImage = `tallyman-test-attacks:${process.pid}`;

const applets = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' })
  .trim()
  .split('\n')
  .filter((applet) => applet !== 'busybox');

const folders = 'usr/bin usr/local/bin root/.ssh home/bob/.ssh tmp proc sys dev run var/tmp data opt'.split(' ');

/** Secrets, settings and jobs in the places where images have them. */
const files: Record<string, string> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n',
  'etc/group': 'root:x:0:\nbob:x:1000:\n',
  'etc/shadow': 'root:*:19000:0:99999:7:::\n',
  'etc/hosts.allow': '\n',
  'etc/crontab': '# nothing yet\n',
  'etc/cron.d/daily': '0 1 * * * root true\n',
  'etc/profile': 'umask 022\n',
  'etc/sudoers': 'root ALL=(ALL) ALL\n',
  'etc/pam.d/login': 'auth required pam_unix.so\n',
  'var/spool/cron/crontabs/root': '# nothing yet\n',
  'var/log/auth.log': 'Jan 1 00:00:00 sshd: accepted\n',
  'var/lib/dpkg/status': '\n',
  'var/lib/app/settings.json': '{}\n',
  'root/.ssh/id_ed25519': 'a private key\n',
  'root/.ssh/id_ed25519.pub': 'a public key\n',
  'root/.aws/credentials': '[default]\n',
  'root/.bashrc': '# nothing yet\n',
  'root/.bash_history': 'ls\n',
  'docker-entrypoint.sh': '#!/bin/sh\nexec "$@"\n',
  'etc/apt/sources.list': '# nothing yet\n',
  'usr/lib/libpam.so.0': 'a library\n',
  'lib/ld-musl-x86_64.so.1': 'a loader\n',
  'usr/share/doc/readme': 'nothing of interest\n',
};

const programs = [
  'actor',
  'breeder',
  'disguise',
  'executor',
  'network',
  'pack',
  'privilege',
  'server',
  'shifter',
] as const;

/** All of busybox, the test programs, and the files that attackers look for. */
export function buildAttackImage(): Promise<void> {
  return buildBusyboxImage({ reference: attackImage, applets, programs, folders, files });
}
