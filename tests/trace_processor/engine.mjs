// Perfetto's trace processor, kept running: opens traces and answers SQL.
//
// usage: node engine.mjs FOLDER   (what .ci/trace-processor unpacks)
//
// Each line of the input is a request, {"trace": PATH, "queries": [SQL, ...]}, and each line of
// the output its answer: {"results": [[[CELL, ...], ...], ...]}, a list of rows per query, or
// {"error": TEXT}. Integers are exact, whatever their size. What the engine logs goes to stderr.

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import readline from 'node:readline';
import { pathToFileURL } from 'node:url';
import vm from 'node:vm';

const folder = resolve(process.argv[2]);
const inFolder = (name) => join(folder, name);

console.log = console.info = console.warn = console.error;

// The engine is made for a browser's worker, and gets what it uses of one: a port that its user
// posts to it, and files by XMLHttpRequest.
class FileRequest {
  open(method, name) {
    this.path = inFolder(name);
  }
  send() {
    this.response = readFileSync(this.path);
  }
}

function startWorker(name, port) {
  const Module = WebAssembly.Module;
  Object.assign(globalThis, {
    self: globalThis,
    WorkerGlobalScope: Object,
    location: { href: pathToFileURL(inFolder(name)).href },
    XMLHttpRequest: FileRequest,
  });
  // Node versions that know 64-bit memories must not be taken at their word: the package has only
  // the 32-bit engine. The question is asked with a module of 23 bytes.
  WebAssembly.Module = class extends Module {
    constructor(bytes) {
      if (bytes.byteLength < 64) throw new WebAssembly.CompileError('no 64-bit memories');
      super(bytes);
    }
  };
  vm.runInThisContext(readFileSync(inFolder(name), 'utf8'), { filename: name });
  WebAssembly.Module = Module;
  globalThis.onmessage({ data: port });
}

const { EngineBase } = await import(pathToFileURL(inFolder('engine.mjs')).href);

class Engine extends EngineBase {
  constructor(port) {
    super();
    this.port = port;
    port.onmessage = (message) => this.onRpcResponseBytes(message.data);
  }
  rpcSendRequestBytes(bytes) {
    this.port.postMessage(bytes);
  }
}

const { port1, port2 } = new MessageChannel();
startWorker('engine_bundle.node.js', port1);
const engine = new Engine(port2);

// JSON has integers of any size, JavaScript's writer of it has not.
const cell = (value) => (typeof value === 'bigint' ? `${value}` : JSON.stringify(value));
const list = (parts) => `[${parts.join(',')}]`;

async function rows(sql) {
  const result = await engine.query(sql);
  const columns = result.columns();
  const found = [];
  for (const row = result.iter({}); row.valid(); row.next())
    found.push(list(columns.map((name) => cell(row.get(name)))));
  return list(found);
}

async function answer({ trace, queries }) {
  await engine.resetTraceProcessor({ ingestFtraceInRawTable: true });
  await engine.parse(new Uint8Array(readFileSync(trace)));
  await engine.notifyEof();
  const results = [];
  for (const sql of queries) results.push(await rows(sql));
  return `{"results":${list(results)}}`;
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const text = await answer(JSON.parse(line)).catch(
    (error) => `{"error":${JSON.stringify(`${error?.message ?? error}`)}}`,
  );
  process.stdout.write(`${text}\n`);
}
process.exit();
