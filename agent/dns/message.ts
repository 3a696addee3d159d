import { decodeAddress } from '../decode/address.ts';
import type { DnsAnswer } from '../decode/network-event.ts';
import { type ByteReader, OutOfBytes, readerOf } from './byte-reader.ts';
import { recordTypeName, responseCodeName } from './dns-words.ts';
import { readName, textOf } from './domain-name.ts';

export interface DnsMessage {
  isResponse: boolean;
  /** "NOERROR", "NXDOMAIN" … */
  responseCode: string;
  /** Of the first question; empty when there is none. */
  queryName: string;
  queryType: string;
  answers: DnsAnswer[];
  /** There was more than is given here: bytes that were not captured, answers beyond the bound, or the server said so. */
  truncated: boolean;
  /** False when the bytes are no DNS message; what could be read up to there is given. */
  wellFormed: boolean;
}

const maxAnswers = 32;
const maxText = 256;

const type = { a: 1, ns: 2, cname: 5, ptr: 12, mx: 15, txt: 16, aaaa: 28, srv: 33, dname: 39 } as const;
const familyInet = 2;
const familyInet6 = 10;

/**
 * Reads a DNS message (RFC 1035) from a packet that anybody may have made: it never throws and never reads more than the
 * bytes and bounds it is given. `totalBytes` is how long the message was before it was captured.
 */
export function parseDnsMessage(bytes: Uint8Array, totalBytes: number = bytes.length): DnsMessage {
  const message: DnsMessage = {
    ...{ isResponse: false, responseCode: '', queryName: '', queryType: '', answers: [] },
    ...{ truncated: totalBytes > bytes.length, wellFormed: true },
  };
  try {
    readMessage(readerOf(bytes), message);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // Where the capture ended, a message that ends too early is no fault of the sender.
    if (!(error instanceof OutOfBytes && totalBytes > bytes.length)) message.wellFormed = false;
  }
  return message;
}

function readMessage(reader: ByteReader, message: DnsMessage): void {
  reader.u16();
  const flags = reader.u16();
  message.isResponse = (flags & 0x8000) !== 0;
  message.truncated ||= (flags & 0x0200) !== 0;
  message.responseCode = responseCodeName(flags & 15);
  const questions = reader.u16();
  const answers = reader.u16();
  reader.skip(4);
  for (let index = 0; index < questions; index++) {
    const name = readName(reader);
    const queryType = recordTypeName(reader.u16());
    reader.skip(2);
    if (index === 0) Object.assign(message, { queryName: name, queryType });
  }
  for (let index = 0; index < Math.min(answers, maxAnswers); index++) message.answers.push(readAnswer(reader));
  message.truncated ||= answers > maxAnswers;
}

function readAnswer(reader: ByteReader): DnsAnswer {
  const name = readName(reader);
  const number = reader.u16();
  reader.skip(2);
  const ttlSeconds = reader.u32();
  const length = reader.u16();
  const end = reader.at + length;
  const data = readData(reader, number, length);
  reader.moveTo(end);
  return { name, type: recordTypeName(number), data, ttlSeconds };
}

function readData(reader: ByteReader, number: number, length: number): string {
  switch (number) {
    case type.a:
      return length === 4 ? addressText(familyInet, reader.bytes(4)) : '';
    case type.aaaa:
      return length === 16 ? addressText(familyInet6, reader.bytes(16)) : '';
    case type.ns:
    case type.cname:
    case type.ptr:
    case type.dname:
      return readName(reader);
    case type.mx:
      reader.skip(2);
      return readName(reader);
    case type.srv:
      reader.skip(6);
      return readName(reader);
    case type.txt:
      return textOf(reader.bytes(length)).slice(0, maxText);
    default:
      return '';
  }
}

function addressText(family: number, bytes: Uint8Array): string {
  const padded = new Uint8Array(16);
  padded.set(bytes);
  return decodeAddress(family, padded)?.text ?? '';
}
