/** A container that runs a server or does a job, and what is normal around it. */
export interface Workload {
  name: string;
  command: string[];
  user?: string;
  readOnly?: boolean;
  /** Mount point → options. */
  tmpfs?: Record<string, string>;
  /** The health check, a command for the shell of the container. */
  health?: string;
  /** It prints LOAD DONE each time it has done its job. */
  tellsDone?: boolean;
  /** Runs beside it in a container of its own that shares its network, over and over. */
  load?: string;
  /** What an operator executes in it now and then, without a terminal. */
  operator?: string[][];
}

const nodePaths = ['/', '/report', '/hash', '/shell', '/lookup'];
const pythonPaths = ['/', '/visits', '/digests', '/sort', '/report'];
const visit = (port: number, paths: string[]): string =>
  `curl -fsS -o /dev/null ${paths.map((path) => `-o /dev/null http://127.0.0.1:${port}${path}`).join(' ')}`;

export const workloads: Workload[] = [
  {
    name: 'nginx',
    command: ['nginx', '-g', 'daemon off;'],
    health: 'curl -fsS http://127.0.0.1:8080/health',
    load: 'wrk -t1 -c8 -d2s http://127.0.0.1:8080/',
    operator: [
      ['nginx', '-t'],
      ['nginx', '-s', 'reload'],
      ['tail', '-n', '2', '/var/log/nginx/access.log'],
    ],
  },
  {
    name: 'redis',
    command: ['start-redis'],
    health: 'redis-cli ping | grep -q PONG',
    load: 'redis-benchmark -q -n 5000 -c 10',
    operator: [
      ['redis-cli', 'info', 'memory'],
      ['redis-cli', 'bgrewriteaof'],
    ],
  },
  {
    name: 'postgres',
    command: ['start-postgres'],
    health: 'pg_isready -h 127.0.0.1',
    load: 'pgbench -h 127.0.0.1 -U postgres -i -q shop && pgbench -h 127.0.0.1 -U postgres -C -c 2 -R 50 -T 5 shop',
    operator: [
      ['psql', '-U', 'postgres', '-c', 'select count(*) from pg_stat_activity'],
      ['sh', '-c', 'pg_dump -U postgres shop | gzip >/data/shop.sql.gz'],
      ['du', '-sh', '/data'],
    ],
  },
  {
    name: 'node',
    command: ['node', '/srv/app/server.js'],
    user: 'www-data',
    readOnly: true,
    tmpfs: { '/tmp': 'noexec' },
    health: 'curl -fsS http://127.0.0.1:3000/',
    load: visit(3000, nodePaths),
    operator: [
      ['ps', 'aux'],
      ['node', '-e', 'console.log(process.versions.v8)'],
    ],
  },
  {
    name: 'python',
    command: ['python3', '/srv/app/server.py'],
    user: 'www-data',
    health: 'curl -fsS http://127.0.0.1:8000/',
    load: visit(8000, pythonPaths),
    operator: [['ls', '-la', '/srv/app'], ['python3', '-c', 'import sys; print(sys.version)'], ['env']],
  },
  {
    name: 'cron',
    command: ['cron', '-f'],
    // What a job leaves behind.
    health: 'test -s /tmp/disk-usage',
    operator: [['minutely'], ['cat', '/etc/cron.d/benign']],
  },
  { name: 'package-build', command: ['build-package'], tellsDone: true },
];
