/** Attributes of a certificate's subject; each type has one value here, as Notation demands of identities. */
export type DistinguishedName = ReadonlyMap<string, string>;

/**
 * Reads "C=US, ST=WA, O=Acme\, Inc" (RFC 4514, without multi-valued parts and hex forms). Undefined when it is malformed or
 * names an attribute twice: what is ambiguous must not match.
 */
export function parseDistinguishedName(text: string): DistinguishedName | undefined {
  const attributes = new Map<string, string>();
  for (const part of splitUnescaped(text)) {
    const match = /^\s*([A-Za-z][A-Za-z0-9.-]*)\s*=\s*(.*?)\s*$/s.exec(part);
    const [type, value] = [match?.[1]?.toUpperCase(), match?.[2]];
    if (type === undefined || value === undefined || value === '' || attributes.has(type)) return undefined;
    attributes.set(type === 'S' ? 'ST' : type, value.replace(/\\(.)/gs, '$1'));
  }
  return attributes;
}

/** As parseDistinguishedName, of node's form of a subject: one "TYPE=value" per line. */
export function subjectAttributes(subject: string): DistinguishedName | undefined {
  const attributes = new Map<string, string>();
  for (const line of subject.split('\n')) {
    const at = line.indexOf('=');
    const type = line.slice(0, at).toUpperCase();
    if (at <= 0 || attributes.has(type)) return undefined;
    attributes.set(type, line.slice(at + 1).replace(/\\(.)/gs, '$1'));
  }
  return attributes;
}

/** Whether every attribute that is asked for is in the name with exactly that value. */
export function isSubset(asked: DistinguishedName, name: DistinguishedName): boolean {
  return [...asked].every(([type, value]) => name.get(type) === value);
}

function splitUnescaped(text: string): string[] {
  const parts = [''];
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? '';
    if (character === ',') parts.push('');
    else parts[parts.length - 1] += character === '\\' ? `\\${text[++index] ?? ''}` : character;
  }
  return parts;
}
