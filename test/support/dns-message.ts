/** A name in labels, without compression. */
export function nameBytes(name: string): number[] {
  return [...name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]), 0];
}

function u16(...numbers: number[]): number[] {
  return numbers.flatMap((number) => [number >> 8, number & 255]);
}

/** A resource record of class IN. */
export function dnsAnswer(name: string, type: number, data: number[], ttlSeconds: number): Buffer {
  return Buffer.from([...nameBytes(name), ...u16(type, 1, 0, ttlSeconds, data.length), ...data]);
}

export interface MessageParts {
  question?: string;
  /** In place of `question`. */
  questionBytes?: Uint8Array;
  type?: number;
  answers?: Uint8Array[];
  flags?: number;
}

/** A DNS message with id 0x1234; an answer without error unless `flags` say otherwise. */
export function dnsMessage(parts: MessageParts): Buffer {
  const { question = 'example.com', type = 1, answers = [], flags = 0x8180 } = parts;
  const name = parts.questionBytes ?? Buffer.from(nameBytes(question));
  const header = Buffer.from(u16(0x1234, flags, 1, answers.length, 0, 0));
  return Buffer.concat([header, name, Buffer.from(u16(type, 1)), ...answers]);
}
