// A web application as there are many: a cluster of workers, each with a worker thread, temporary files, programs it calls,
// names it looks up.
const cluster = require('node:cluster');
const crypto = require('node:crypto');
const { lookup } = require('node:dns');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { Worker } = require('node:worker_threads');

const port = 3000;

function report(response) {
  const file = path.join(os.tmpdir(), `report-${crypto.randomUUID()}.json`);
  fs.writeFileSync(file, JSON.stringify({ memory: process.memoryUsage(), load: os.loadavg() }));
  execFile('gzip', ['-f', file], (error) => {
    if (error) return response.writeHead(500).end(String(error));
    fs.createReadStream(`${file}.gz`).pipe(response).on('close', () => fs.rmSync(`${file}.gz`));
  });
}

function hash(response) {
  const code = 'require("worker_threads").parentPort.postMessage(require("crypto").pbkdf2Sync("a", "b", 1000, 32, "sha256"))';
  new Worker(code, { eval: true }).on('message', (key) => response.end(Buffer.from(key).toString('hex')));
}

function handle(request, response) {
  if (request.url === '/report') return report(response);
  if (request.url === '/hash') return hash(response);
  if (request.url === '/shell') return execFile('/bin/sh', ['-c', 'uname -a; id -u'], (_, text) => response.end(text));
  if (request.url === '/lookup') return lookup('localhost', (_, address) => response.end(address));
  response.end('ok\n');
}

if (cluster.isPrimary) for (let i = 0; i < 2; i++) cluster.fork();
else http.createServer(handle).listen(port, '127.0.0.1');
