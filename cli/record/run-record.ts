import { release } from 'node:os';
import { createAgent } from '../../agent/agent.ts';
import { Recorder } from '../../agent/recording/recorder.ts';
import { recordingVersion } from '../../agent/recording/recording.ts';
import type { Uplink } from '../../agent/uplink/uplink.ts';
import { Metrics } from '../../common/metrics.ts';
import { version } from '../../common/version.ts';
import { aborted, untilInterrupted } from '../interrupt.ts';
import { openLog } from '../logging.ts';
import { printNote } from '../output.ts';
import { type AgentCommandOptions, agentConfig, type LogOptions } from '../service-options.ts';

export interface RecordCommandOptions extends AgentCommandOptions, LogOptions {
  seconds?: number;
  maxMb: number;
}

const lookEveryMs = 100;

/** @throws {CodedError} of the sensor; RECORDING_UNWRITABLE */
export async function runRecord(file: string, options: RecordCommandOptions): Promise<void> {
  const { logger } = openLog(
    { ...options, logLevel: options.logFile === undefined ? 'warn' : options.logLevel },
    undefined,
  );
  const config = agentConfig(options, { address: '127.0.0.1:1', insecure: false });
  await untilInterrupted(async (interrupt) => {
    const recorder = await Recorder.open({
      file,
      header: {
        tallymanRecording: recordingVersion,
        nodeName: config.nodeName ?? '',
        kernelRelease: release(),
        agentVersion: version,
        startedUnixNs: BigInt(Date.now()) * 1_000_000n,
      },
      maxBytes: options.maxMb * 1_000_000,
    });
    const agent = createAgent(config, {
      ...{ logger, metrics: new Metrics('agent'), uplink: nobody() },
      onEvent: (event, timeUnixNs) => recorder.add(event, timeUnixNs),
    });
    try {
      await agent.start();
      printNote(`recording ${agent.status().directory.runningContainers} containers to ${file}; Ctrl-C ends it`);
      await Promise.race([aborted(interrupt), ended(recorder, options.seconds), recorder.failed]);
    } finally {
      await agent.close();
      await recorder.close();
    }
    printNote(summary(recorder));
  });
}

/** Reports go nowhere. */
function nobody(): Uplink {
  return {
    start: () => {},
    send: () => true,
    connected: false,
    pendingItems: 0,
    close: async () => ({ undeliveredItems: 0 }),
  };
}

/** Resolves when the time is over or the file has its size. */
function ended(recorder: Recorder, seconds: number | undefined): Promise<void> {
  const deadlineMs = performance.now() + (seconds ?? Number.POSITIVE_INFINITY) * 1_000;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (performance.now() < deadlineMs && !recorder.isFull) return;
      clearInterval(timer);
      resolve();
    }, lookEveryMs).unref();
  });
}

function summary(recorder: Recorder): string {
  const full = recorder.isFull ? '; the file has the size that was allowed, what came later is not in it' : '';
  const leftOut =
    recorder.leftOut === 0 ? '' : `; ${recorder.leftOut} events are not in it because the disk was too slow`;
  return `${recorder.events} events, ${(recorder.bytes / 1e6).toFixed(1)} MB${full}${leftOut}`;
}
